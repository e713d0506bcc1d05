// series -> one row a Subject -> ratios of the same rounds -> quartiles and intervals -> who is
// best, where the noise lets one say so.
#include "bench/results/rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

namespace fairlead::bench {

bool is_direct(std::string_view way) { return way == kDirect || way == kDirectAgain; }

bool is_peer(std::string_view way) {
  // Of the CNI part: what containernetworking's plugins are called.
  constexpr std::array<std::string_view, 5> kPeers{"kube-proxy", "katran", "bridge", "ptp",
                                                   "kube-apiserver"};
  return std::ranges::any_of(kPeers, [&](std::string_view peer) { return way.starts_with(peer); });
}

/// What stands beside them to say what the machine can do.
bool is_reference(std::string_view way) {
  return way.starts_with("strawman") || way == "this machine";
}

bool is_own(std::string_view way) { return !is_direct(way) && !is_peer(way) && !is_reference(way); }

namespace {

int rank(std::string_view way) {
  if (way == kDirect) return 0;
  if (way == kDirectAgain) return 1;
  if (is_reference(way)) return 4;
  return is_peer(way) ? 3 : 2;
}

}  // namespace

std::vector<std::string> ways(const Results& results) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& way) {
    if (std::ranges::find(names, way) == names.end()) names.push_back(way);
  };
  for (const Series& series : results.series) add(series.way);
  for (const LatencyCurve& curve : results.latencies) add(curve.way);
  std::ranges::stable_sort(names, {}, rank);
  return names;
}

const Cell* Row::find(std::string_view way) const {
  const auto found = std::ranges::find(cells, way, &Cell::way);
  return found == cells.end() ? nullptr : &*found;
}

namespace {

/// Both as the reader sees them: ratios where the row has them.
Quartiles shown(const Cell& cell) { return cell.ratio.value_or(cell.absolute); }
Interval shown_interval(const Cell& cell) {
  return cell.ratio_interval.value_or(cell.absolute_interval);
}

bool is_better(const Subject& subject, const Cell& one, const Cell& other) {
  const double a = shown(one).median, b = shown(other).median;
  return subject.better == Better::kMore ? a > b : a < b;
}

/// How far apart two equal worlds were in this row: |ln(direct again / direct)|.
double noise(const Row& row) {
  const Cell* again = row.find(kDirectAgain);
  return again != nullptr && again->ratio && again->ratio->median > 0
             ? std::abs(std::log(again->ratio->median))
             : 0;
}

/// Rounds disturb both alike, so that their ratio is told more surely than each of them.
bool is_distinct(const Row& row, const Cell& one, const Cell& other, const Bootstrap& bootstrap) {
  constexpr std::size_t kFewest = 4;
  const auto paired = ratios(one.by_round, other.by_round);
  if (paired.empty()) return !shown_interval(one).overlaps(shown_interval(other));
  if (paired.size() < kFewest) return false;
  const Interval interval = median_interval(paired, bootstrap);
  if (interval.low <= 1 && 1 <= interval.high) return false;
  return std::abs(std::log(median(paired))) > noise(row);
}

void mark_best(Row& row, const Bootstrap& bootstrap) {
  const Cell* best = nullptr;
  for (const Cell& cell : row.cells) {
    if (is_direct(cell.way)) continue;
    if (best == nullptr || is_better(row.subject, cell, *best)) best = &cell;
  }
  if (best == nullptr) return;
  for (Cell& cell : row.cells) {
    cell.is_best =
        !is_direct(cell.way) && (&cell == best || !is_distinct(row, cell, *best, bootstrap));
  }
}

Cell make_cell(const Series& series, const Series* direct, const Bootstrap& bootstrap) {
  Cell cell;
  cell.way = series.way;
  cell.by_round = series.samples;
  cell.absolute = quartiles(present(series.samples));
  cell.absolute_interval = median_interval(present(series.samples), bootstrap);
  if (direct == nullptr) return cell;
  cell.ratios = ratios(series.samples, direct->samples);
  if (cell.ratios.empty()) return cell;
  cell.ratio = quartiles(cell.ratios);
  cell.ratio_interval = median_interval(cell.ratios, bootstrap);
  return cell;
}

Row make_row(const Subject& subject, const std::vector<const Series*>& of_subject,
             const std::vector<std::string>& order, const Bootstrap& bootstrap) {
  Row row{subject, false, {}};
  const auto direct = std::ranges::find(of_subject, kDirect, &Series::way);
  for (const std::string& way : order) {
    const auto found = std::ranges::find(of_subject, way, &Series::way);
    if (found == of_subject.end() || present((*found)->samples).empty()) continue;
    row.cells.push_back(
        make_cell(**found, direct == of_subject.end() ? nullptr : *direct, bootstrap));
  }
  // One way without a single round in common with the direct one would be compared by another
  // measure than the rest.
  row.is_ratio = std::ranges::all_of(row.cells, [](const Cell& cell) { return !!cell.ratio; });
  if (!row.is_ratio) {
    for (Cell& cell : row.cells) cell.ratio.reset(), cell.ratio_interval.reset();
  }
  mark_best(row, bootstrap);
  return row;
}

}  // namespace

std::vector<Row> rows(const Results& results, const Bootstrap& bootstrap) {
  std::map<Subject, std::vector<const Series*>> by_subject;
  std::vector<const Subject*> subjects;
  std::map<std::pair<std::string, std::string>, std::size_t> tests;  // in the order of measurement
  std::map<std::string, std::size_t> parts;
  for (const Series& series : results.series) {
    auto& of_subject = by_subject[series.subject];
    if (of_subject.empty()) subjects.push_back(&series.subject);
    of_subject.push_back(&series);
    parts.try_emplace(series.subject.part, parts.size());
    tests.try_emplace({series.subject.part, series.subject.test}, tests.size());
  }
  std::ranges::stable_sort(subjects, {}, [&](const Subject* subject) {
    return std::tuple(parts[subject->part], tests[{subject->part, subject->test}]);
  });
  const auto order = ways(results);
  std::vector<Row> result;
  for (const Subject* subject : subjects) {
    Row row = make_row(*subject, by_subject[*subject], order, bootstrap);
    if (!row.cells.empty()) result.push_back(std::move(row));
  }
  return result;
}

std::vector<const Row*> rows_behind_a_peer(const std::vector<Row>& rows, std::string_view way) {
  std::vector<const Row*> behind;
  for (const Row& row : rows) {
    const Cell* own = row.find(way);
    if (own == nullptr) continue;
    if (std::ranges::any_of(row.cells, [&](const Cell& cell) {
          return is_peer(cell.way) && is_better(row.subject, cell, *own) &&
                 is_distinct(row, cell, *own, {});
        })) {
      behind.push_back(&row);
    }
  }
  return behind;
}

std::string describe(const Subject& subject) {
  std::string text;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  };
  add(subject.traffic);
  add(subject.figure);
  if (subject.services > 0) {
    std::string size = format_figure(subject.services);
    size += subject.services == 1 ? " Service" : " Services";
    if (subject.endpoints > 0) size += fmt::format(" x {}", subject.endpoints);
    add(size);
  }
  add(subject.unit);
  return text;
}

std::string format_figure(double value) {
  const double size = std::abs(value);
  if (value == std::floor(value) && size < 1000) return fmt::format("{:.0f}", value);
  if (size < 0.01) return fmt::format("{:.2g}", value);
  if (size < 1) return fmt::format("{:.3f}", value);
  if (size < 100) return fmt::format("{:.2f}", value);
  if (size < 1000) return fmt::format("{:.1f}", value);
  if (size >= 1e15) return fmt::format("{:.4g}", value);
  std::string digits = fmt::format("{:.0f}", size);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), ",");
  }
  return (value < 0 ? "-" : "") + digits;
}

}  // namespace fairlead::bench
