// rows of both runs -> what is compared, for each way -> change and its error -> how much two equal
// worlds changed (direct again), which enlarges the errors -> p-values -> which of them hold
// together -> verdicts.
#include "bench/results/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>

#include "bench/results/rows.hpp"

namespace fairlead::bench {
namespace {

constexpr double kFalseRate = 0.05;
/// Two rows of direct again say little of how much worlds differ, but fewer degrees of freedom than
/// these would ask for changes of a hundred percent.
constexpr double kLeastDegrees = 3;

/// A Change together with what its verdict is made from.
struct Candidate {
  Change change;
  double log_ratio = 0, log_error = 0;  // of b to a
  double log_noise = 0;
};

std::vector<double> compared(const Cell& cell, bool is_ratio) {
  return is_ratio ? cell.ratios : present(cell.by_round);
}

Candidate measure(const Row& row_a, const Row& row_b, const Cell& cell_a, const Cell& cell_b,
                  const Bootstrap& bootstrap) {
  const bool is_ratio = row_a.is_ratio && row_b.is_ratio;
  const auto a = compared(cell_a, is_ratio), b = compared(cell_b, is_ratio);
  Candidate candidate;
  Change& change = candidate.change;
  change = {row_a.subject, cell_a.way, is_ratio, median(a), median(b), a.size(), b.size(), {}, {}};
  change.p = mann_whitney(a, b);
  if (std::ranges::min(a) <= 0 || std::ranges::min(b) <= 0) return candidate;
  const MedianRatio ratio = median_ratio(a, b, bootstrap);
  change.change = ratio.ratio - 1;
  change.interval = ratio.interval;
  candidate.log_ratio = std::log(ratio.ratio);
  candidate.log_error = ratio.log_error;
  return candidate;
}

/// The largest of what direct again shows in a row: against direct in each run, between the runs.
double log_noise(const Row& a, const Row& b) {
  const Cell *again_a = a.find(kDirectAgain), *again_b = b.find(kDirectAgain);
  if (!a.is_ratio || !b.is_ratio || again_a == nullptr || again_b == nullptr) return 0;
  const double in_a = std::log(again_a->ratio->median), in_b = std::log(again_b->ratio->median);
  return std::max({std::abs(in_a), std::abs(in_b), std::abs(in_b - in_a)});
}

bool is_compared(const Change& change) {
  // The direct way's ratio to itself; without ratios it says what the machine does, not a way.
  return change.way != kDirect && change.way != kDirectAgain;
}

/// How much errors are to be enlarged.
struct Spread {
  double factor = 1, variance = 0;
  double degrees = 0;  // of freedom; 0: there is no direct again
};

Spread measure_spread(const std::vector<Candidate>& candidates, Comparison& comparison) {
  double count = 0, changes = 0, errors = 0, squares = 0;
  for (const Candidate& one : candidates) {
    if (one.change.way != kDirectAgain || !one.change.is_ratio || one.log_error <= 0) continue;
    count += 1;
    changes += one.log_ratio * one.log_ratio;
    errors += one.log_error * one.log_error;
    squares += std::pow(one.log_ratio / one.log_error, 2);
  }
  if (count == 0) return {};
  comparison.direct_rows = static_cast<std::size_t>(count);
  comparison.direct_change = std::sqrt(changes / count);
  comparison.direct_error = std::sqrt(errors / count);
  if (count < kLeastDegrees) {
    comparison.warnings.push_back(
        fmt::format("\"direct again\" is in {} of the rows: it hardly says how much equal worlds "
                    "differ from run to run",
                    count));
  }
  return {std::max(1.0, std::sqrt(squares / count)), std::max(0.0, (changes - errors) / count),
          std::max(kLeastDegrees, count)};
}

/// Where direct again says so: error and interval are wider, and the p-value is larger.
void enlarge(Candidate& candidate, const Spread& spread) {
  if (!candidate.change.interval) return;
  double stretch = 1;
  if (candidate.change.is_ratio && candidate.log_error > 0 && spread.degrees > 0) {
    const double alone = candidate.log_error;
    candidate.log_error =
        std::max(spread.factor * alone, std::sqrt(alone * alone + spread.variance));
    stretch = candidate.log_error / alone;
    const double t = std::abs(candidate.log_ratio) / candidate.log_error;
    const boost::math::students_t distribution(spread.degrees);
    candidate.change.p = std::max(candidate.change.p,
                                  2 * boost::math::cdf(boost::math::complement(distribution, t)));
  }
  Interval& interval = *candidate.change.interval;
  const auto stretched = [&](double bound) {
    const double distance = std::log(bound) - candidate.log_ratio;
    return std::exp(candidate.log_ratio + stretch * distance) - 1;
  };
  interval = {stretched(interval.low), stretched(interval.high)};
}

bool has_too_few(const Change& change) {
  return least_mann_whitney(change.samples_a, change.samples_b) >= kFalseRate;
}

Verdict verdict_of(const Candidate& candidate, bool holds) {
  const Change& change = candidate.change;
  if (has_too_few(change)) return Verdict::kTooFewSamples;
  if (!holds || change.a == change.b) return Verdict::kNoChange;
  if (change.interval) {
    if (change.interval->low <= 0 && change.interval->high >= 0) return Verdict::kNoChange;
    if (std::abs(candidate.log_ratio) <= candidate.log_noise) return Verdict::kNoChange;
  }
  return (change.b > change.a) == (change.subject.better == Better::kMore) ? Verdict::kBetter
                                                                           : Verdict::kWorse;
}

void decide(std::vector<Candidate>& candidates, Comparison& comparison) {
  std::vector<Candidate*> tested;
  std::vector<double> p_values;
  for (Candidate& one : candidates) {
    if (!is_compared(one.change) || has_too_few(one.change)) continue;
    tested.push_back(&one);
    p_values.push_back(one.change.p);
  }
  const auto holds = benjamini_hochberg(p_values, kFalseRate);
  std::map<const Candidate*, bool> holds_of;
  for (std::size_t i = 0; i < tested.size(); ++i) holds_of[tested[i]] = holds[i];
  std::size_t unable = 0;  // no order of their samples could show a change of that row alone
  for (Candidate& one : candidates) {
    if (!is_compared(one.change)) continue;
    one.change.verdict = verdict_of(one, holds_of[&one]);
    const double least = least_mann_whitney(one.change.samples_a, one.change.samples_b);
    if (!has_too_few(one.change) && least * static_cast<double>(tested.size()) > kFalseRate) {
      ++unable;
    }
    comparison.changes.push_back(std::move(one.change));
  }
  if (unable > 0) {
    comparison.warnings.push_back(fmt::format(
        "{} of {} comparisons have so few samples that a change of one alone could not be shown: "
        "measure more rounds",
        unable, tested.size()));
  }
}

std::vector<std::string> setting_warnings(const Setting& a, const Setting& b) {
  std::vector<std::string> warnings;
  const auto check = [&](const char* name, const auto& in_a, const auto& in_b) {
    if (in_a != in_b) warnings.push_back(fmt::format("{} differs: {}; {}", name, in_a, in_b));
  };
  check("machine", a.host, b.host);
  check("cpu", a.cpu, b.cpu);
  check("number of cores", a.cores, b.cores);
  check("kernel", a.kernel, b.kernel);
  check("command", a.command, b.command);
  if (a.mitigations != b.mitigations) {
    warnings.push_back(fmt::format("mitigations differ: {}; {}", fmt::join(a.mitigations, ", "),
                                   fmt::join(b.mitigations, ", ")));
  }
  return warnings;
}

std::size_t count_alone(const std::vector<Row>& rows, const std::map<Subject, const Row*>& others) {
  std::size_t alone = 0;
  for (const Row& row : rows) {
    const auto other = others.find(row.subject);
    for (const Cell& cell : row.cells) {
      alone += other == others.end() || other->second->find(cell.way) == nullptr ? 1 : 0;
    }
  }
  return alone;
}

std::map<Subject, const Row*> by_subject(const std::vector<Row>& rows) {
  std::map<Subject, const Row*> result;
  for (const Row& row : rows) result.emplace(row.subject, &row);
  return result;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kNoChange:
      return "no change";
    case Verdict::kTooFewSamples:
      return "too few samples";
  }
  return "";
}

Comparison compare(const Results& a, const Results& b, const Bootstrap& bootstrap) {
  Comparison comparison{a.setting, b.setting, {}, setting_warnings(a.setting, b.setting)};
  // What each run alone says, intervals and the best of a row, is not asked for.
  const Bootstrap least{.resamples = 1};
  const auto rows_a = rows(a, least), rows_b = rows(b, least);
  const auto in_a = by_subject(rows_a), in_b = by_subject(rows_b);
  std::vector<Candidate> candidates;
  for (const Row& row_a : rows_a) {
    const auto found = in_b.find(row_a.subject);
    if (found == in_b.end()) continue;
    const Row& row_b = *found->second;
    for (const Cell& cell_a : row_a.cells) {
      const Cell* cell_b = row_b.find(cell_a.way);
      if (cell_b == nullptr) continue;
      Candidate candidate = measure(row_a, row_b, cell_a, *cell_b, bootstrap);
      candidate.log_noise = log_noise(row_a, row_b);
      candidate.change.noise = std::exp(candidate.log_noise) - 1;
      candidates.push_back(std::move(candidate));
    }
  }
  const Spread spread = measure_spread(candidates, comparison);
  for (Candidate& one : candidates) enlarge(one, spread);
  decide(candidates, comparison);
  for (const auto& [name, alone] : {std::pair("first", count_alone(rows_a, in_b)),
                                    std::pair("second", count_alone(rows_b, in_a))}) {
    if (alone > 0) {
      comparison.warnings.push_back(
          fmt::format("{} figures are in the {} run alone and not compared", alone, name));
    }
  }
  return comparison;
}

bool has_worse(const Comparison& comparison) {
  return std::ranges::any_of(comparison.changes,
                             [](const Change& one) { return one.verdict == Verdict::kWorse; });
}

}  // namespace fairlead::bench
