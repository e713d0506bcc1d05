// rows() -> one grid a test, with figures on one line where they fit, else with the quartiles below
// the median, else with the ways in turn; then who is behind whom, and what was not measured.
#include "bench/results/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <tuple>

#include "bench/results/rows.hpp"

namespace fairlead::bench {
namespace {

constexpr std::size_t kLeastLabel = 26, kMostLabel = 44;  // of the first column, wrapped to it

enum class Shape { kOneLine, kTwoLines };

std::string format_ratio(double ratio) {
  return ratio < 0.1    ? fmt::format("{:.3f}", ratio)
         : ratio < 99.5 ? fmt::format("{:.2f}", ratio)
                        : format_figure(ratio);
}

GridCell figure_cell(const Row& row, const std::string& way, Shape shape) {
  const Cell* cell = row.find(way);
  if (cell == nullptr) return {{"-"}};
  const bool is_ratio = cell->ratio && way != kDirect;
  const Quartiles figures = is_ratio ? *cell->ratio : cell->absolute;
  const auto format = is_ratio ? format_ratio : format_figure;
  const std::string middle = format(figures.median) + (cell->is_best ? "*" : " ");
  const std::string around = format(figures.low) + "-" + format(figures.high);
  if (shape == Shape::kOneLine) {
    return {{fmt::format("{} ({})", middle, around)}, cell->is_best};
  }
  return {{middle, around}, cell->is_best};
}

using Grid = std::vector<std::vector<GridCell>>;

/// The widest piece of a way's name that wrap() need not cut; what is very long is cut.
std::size_t longest_piece(std::string_view name) {
  std::size_t longest = 0;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of(" -"), name.size() - 1);
    longest = std::max(longest, width_of(name.substr(0, end + 1)));
    name.remove_prefix(end + 1);
  }
  return std::min<std::size_t>(longest, 16);
}

/// Columns without their labels, the names of the ways on top.
Grid figures(std::span<const Row> rows, std::span<const std::string> ways, Shape shape) {
  Grid grid(rows.size() + 1);
  for (const std::string& way : ways) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      grid[i + 1].push_back(figure_cell(rows[i], way, shape));
      for (const auto& line : grid[i + 1].back().lines) width = std::max(width, width_of(line));
    }
    grid[0].push_back({wrap(way, std::max(width, longest_piece(way)))});
  }
  return grid;
}

std::size_t grid_width(const Grid& grid) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < grid[0].size(); ++i) {
    std::size_t column = 0;
    for (const auto& line : grid) {
      for (const auto& text : line[i].lines) column = std::max(column, width_of(text));
    }
    width += column + 2;
  }
  return width;
}

std::string with_labels(Grid grid, std::span<const Row> rows, const TableOptions& options) {
  const std::size_t taken = grid_width(grid);
  const std::size_t left = options.width - std::min(options.width, taken);
  const std::size_t label = std::clamp(left, kLeastLabel, kMostLabel);
  grid[0].insert(grid[0].begin(), GridCell());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    grid[i + 1].insert(grid[i + 1].begin(), {wrap(describe(rows[i].subject), label)});
  }
  return to_grid(grid, options.colour);
}

/// The direct way stands in each table, so that all can be read alone.
std::string in_turn(std::span<const Row> rows, const std::vector<std::string>& ways,
                    const TableOptions& options) {
  std::string text;
  std::size_t next = 0;
  const bool has_direct = ways.front() == kDirect;
  while (next < ways.size()) {
    std::vector<std::string> some;
    if (has_direct && next > 0) some.push_back(kDirect);
    const std::size_t alone = some.size() + 1;
    for (; next < ways.size(); ++next) {
      some.push_back(ways[next]);
      const bool fits =
          grid_width(figures(rows, some, Shape::kTwoLines)) + kLeastLabel <= options.width;
      if (fits || some.size() <= alone) continue;
      some.pop_back();
      break;
    }
    text += (text.empty() ? "" : "\n") +
            with_labels(figures(rows, some, Shape::kTwoLines), rows, options);
  }
  return text;
}

std::string test_table(std::span<const Row> rows, const std::vector<std::string>& all_ways,
                       const TableOptions& options) {
  std::vector<std::string> ways;
  for (const auto& way : all_ways) {
    if (std::ranges::any_of(rows, [&](const Row& row) { return row.find(way) != nullptr; })) {
      ways.push_back(way);
    }
  }
  for (const Shape shape : {Shape::kOneLine, Shape::kTwoLines}) {
    Grid grid = figures(rows, ways, shape);
    if (grid_width(grid) + kLeastLabel <= options.width) {
      return with_labels(std::move(grid), rows, options);
    }
  }
  return in_turn(rows, ways, options);
}

/// Wrapped; the lines below the first are indented by two more than it.
std::string paragraph(const std::string& text, std::size_t width, std::size_t indent = 0) {
  std::string result;
  for (const auto& line : wrap(text, width - indent - 2)) {
    result += std::string(indent + (result.empty() ? 0 : 2), ' ') + line + "\n";
  }
  return result;
}

std::string legend(const std::vector<Row>& rows, std::size_t width) {
  std::string text;
  if (std::ranges::any_of(rows, &Row::is_ratio)) {
    text += paragraph(
        "direct: as measured. Beside it, each way's ratio to the direct sample of the same round. "
        "direct again is a second direct world: how far it is from 1 is the noise.",
        width);
  }
  return text + paragraph(
                    "Medians, with the quartiles. * the best of its row beside the direct ways, "
                    "and what cannot be told from it.",
                    width);
}

std::string behind_peers(const std::vector<Row>& rows, const std::vector<std::string>& ways,
                         std::size_t width) {
  std::string text;
  for (const auto& way : ways) {
    if (!is_own(way)) continue;
    const auto behind = rows_behind_a_peer(rows, way);
    if (!behind.empty()) text += fmt::format("A peer is better than {} in:\n", way);
    for (const Row* row : behind) {
      text += paragraph(
          fmt::format("{}: {}: {}", row->subject.part, row->subject.test, describe(row->subject)),
          width, 2);
    }
  }
  return text;
}

}  // namespace

std::string describe(const Setting& setting, std::size_t width) {
  std::string text;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += paragraph(fmt::format("{}: {}", name, value), width);
  };
  add("machine",
      fmt::format("{}, {}, {} cores, {:.1f} GiB", setting.host, setting.cpu, setting.cores,
                  static_cast<double>(setting.memory_bytes) / (1U << 30)));
  add("kernel", setting.kernel);
  add("fairlead", fmt::format("{} ({})", setting.version, setting.commit));
  add("started", setting.started);
  add("command", setting.command);
  std::string mitigations;
  for (const auto& one : setting.mitigations)
    mitigations += (mitigations.empty() ? "" : "; ") + one;
  add("mitigations", mitigations);
  return text;
}

std::string to_table(const Results& results, const TableOptions& options) {
  const auto all = rows(results);
  const auto all_ways = ways(results);
  std::string text = describe(results.setting, options.width);
  for (auto first = all.begin(); first != all.end();) {
    const auto last = std::find_if(first, all.end(), [&](const Row& row) {
      return row.subject.part != first->subject.part || row.subject.test != first->subject.test;
    });
    const auto& [part, test] = std::tie(first->subject.part, first->subject.test);
    text += "\n" + paragraph(test.empty() ? part : part + ": " + test, options.width);
    text += test_table({first, last}, all_ways, options);
    first = last;
  }
  if (!all.empty()) text += "\n" + legend(all, options.width);
  if (const auto behind = behind_peers(all, all_ways, options.width); !behind.empty()) {
    text += "\n" + behind;
  }
  if (!results.not_measured.empty()) text += "\n";
  for (const NotMeasured& one : results.not_measured) {
    text += paragraph(fmt::format("not measured: {}: {}: {}", one.part, one.what, one.why),
                      options.width);
  }
  return text;
}

}  // namespace fairlead::bench
