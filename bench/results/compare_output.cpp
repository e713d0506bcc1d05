// Comparison -> a table of what changed and counts of the rest; or JSON of all.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "bench/results/compare.hpp"
#include "bench/results/rows.hpp"
#include "bench/results/table.hpp"

namespace fairlead::bench {
namespace {

namespace json = boost::json;

std::string percent(double part) { return fmt::format("{:+.1f} %", 100 * part); }

/// Percent, its interval, and the medians that it is of.
std::vector<std::string> figures(const Change& change) {
  const std::string medians = change.is_ratio
                                  ? fmt::format("{:.3f} -> {:.3f}", change.a, change.b)
                                  : format_figure(change.a) + " -> " + format_figure(change.b);
  if (!change.change) return {"", "", medians};
  return {
      percent(*change.change),
      fmt::format("{:+.1f} to {:+.1f}", 100 * change.interval->low, 100 * change.interval->high),
      medians};
}

using Grid = std::vector<std::vector<GridCell>>;

void add_rows(Grid& grid, const Comparison& comparison, Verdict verdict, std::size_t width) {
  constexpr std::size_t kFigures = 60;  // the other columns
  for (const Change& change : comparison.changes) {
    if (change.verdict != verdict) continue;
    const auto& [part, test] = std::tie(change.subject.part, change.subject.test);
    std::vector<GridCell> line{
        {wrap(fmt::format("{}: {}: {}", part, test, describe(change.subject)),
              std::max<std::size_t>(30, width - std::min(width, kFigures)))},
        {{wrap(change.way, 16)}},
        {{std::string(to_string(verdict))}, verdict == Verdict::kWorse}};
    for (const std::string& figure : figures(change)) line.push_back({{figure}});
    grid.push_back(std::move(line));
  }
}

std::size_t count(const Comparison& comparison, Verdict verdict) {
  return static_cast<std::size_t>(
      std::ranges::count(comparison.changes, verdict, &Change::verdict));
}

std::string lines(const std::string& text, std::size_t width) {
  std::string result;
  for (const auto& line : wrap(text, width - 2)) {
    result += (result.empty() ? "" : "  ") + line + "\n";
  }
  return result;
}

json::object setting_json(const Setting& setting) {
  return {{"commit", setting.commit},  {"version", setting.version}, {"started", setting.started},
          {"kernel", setting.kernel},  {"cpu", setting.cpu},         {"host", setting.host},
          {"command", setting.command}};
}

json::object change_json(const Change& change) {
  const Subject& subject = change.subject;
  json::object object{
      {"subject", json::object{{"part", subject.part},
                               {"test", subject.test},
                               {"traffic", subject.traffic},
                               {"figure", subject.figure},
                               {"unit", subject.unit},
                               {"better", subject.better == Better::kMore ? "more" : "less"},
                               {"services", subject.services},
                               {"endpoints", subject.endpoints}}},
      {"way", change.way},
      {"compared", change.is_ratio ? "ratio to direct" : "as measured"},
      {"a", change.a},
      {"b", change.b},
      {"samples", json::array{change.samples_a, change.samples_b}},
      {"noisePercent", 100 * change.noise},
      {"p", change.p},
      {"verdict", to_string(change.verdict)}};
  if (change.change) {
    object["changePercent"] = 100 * *change.change;
    object["interval"] = json::array{100 * change.interval->low, 100 * change.interval->high};
  }
  return object;
}

}  // namespace

std::string to_table(const Comparison& comparison, std::size_t width, bool colour) {
  std::string text;
  for (const auto& [name, setting] :
       {std::pair("A", &comparison.a), std::pair("B", &comparison.b)}) {
    text += lines(fmt::format("{}: {} ({}), {}, Linux {}, {}", name, setting->version,
                              setting->commit, setting->started, setting->kernel, setting->cpu),
                  width);
  }
  for (const std::string& warning : comparison.warnings)
    text += lines("warning: " + warning, width);
  Grid grid{
      {{}, {{"way"}}, {{"verdict"}}, {{"B to A"}}, {{"95 % interval"}}, {{"medians, A -> B"}}}};
  add_rows(grid, comparison, Verdict::kWorse, width);
  add_rows(grid, comparison, Verdict::kBetter, width);
  text += "\n";
  if (grid.size() > 1) text += to_grid(grid, colour) + "\n";
  text += fmt::format("{} worse, {} better, {} without a change that noise would not make",
                      count(comparison, Verdict::kWorse), count(comparison, Verdict::kBetter),
                      count(comparison, Verdict::kNoChange));
  const std::size_t too_few = count(comparison, Verdict::kTooFewSamples);
  if (too_few > 0) text += fmt::format(", {} with too few samples", too_few);
  text += "\n";
  if (comparison.direct_rows > 0) {
    text += lines(
        fmt::format("Compared are ratios to direct where both runs have them. \"direct again\" "
                    "changed by {:.1f} % from run to run, of which its samples explain "
                    "{:.1f} % (root mean squares of {} rows); the intervals allow for it.",
                    100 * comparison.direct_change, 100 * comparison.direct_error,
                    comparison.direct_rows),
        width);
  }
  return text;
}

std::string to_json(const Comparison& comparison) {
  json::array changes;
  for (const Change& change : comparison.changes) changes.push_back(change_json(change));
  return json::serialize(json::object{
             {"schema", "fairlead.io/bench-comparison/v1"},
             {"a", setting_json(comparison.a)},
             {"b", setting_json(comparison.b)},
             {"warnings", json::array(comparison.warnings.begin(), comparison.warnings.end())},
             {"directAgain", json::object{{"changePercent", 100 * comparison.direct_change},
                                          {"errorPercent", 100 * comparison.direct_error},
                                          {"rows", comparison.direct_rows}}},
             {"changes", std::move(changes)}}) +
         "\n";
}

}  // namespace fairlead::bench
