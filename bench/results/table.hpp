// Results as tables of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/results/results.hpp"

namespace fairlead::bench {

struct TableOptions {
  std::size_t width = 120;  // no line is longer, if no single word is
  bool colour = false;      // bold for the best; for a terminal
};

/// A table a test: rows are Subjects, columns ways. Then where a peer is ahead, and what was not
/// measured and why.
std::string to_table(const Results& results, const TableOptions& options = {});

/// Where and how it was measured, a line each.
std::string describe(const Setting& setting, std::size_t width);

/// Cells of several lines side by side, two blanks between columns, the first column to the left,
/// the others to the right.
struct GridCell {
  std::vector<std::string> lines;
  bool is_bold = false;
};
std::string to_grid(const std::vector<std::vector<GridCell>>& lines, bool colour);

/// Characters, not bytes.
std::size_t width_of(std::string_view text);
/// At blanks; a word that is longer than `width` is cut, behind a hyphen where it has one.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace fairlead::bench
