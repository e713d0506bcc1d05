// Text -> lines of a width -> cells side by side.
#include <algorithm>
#include <utility>

#include "bench/results/table.hpp"

namespace fairlead::bench {
namespace {

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

/// Bytes of the first `width` characters.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t seen = 0, at = 0;
  for (; at < text.size(); ++at) {
    if (begins_character(text[at]) && seen++ == width) break;
  }
  return at;
}

std::string aligned(const std::string& text, std::size_t width, bool to_the_left, bool is_bold) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  const std::string shown = is_bold && !text.empty() ? "\033[1m" + text + "\033[0m" : text;
  return to_the_left ? shown + blanks : blanks + shown;
}

}  // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  const auto end_line = [&] {
    if (!line.empty()) lines.push_back(std::exchange(line, ""));
  };
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (width_of(line) + 1 + width_of(word) > width) end_line();
    while (width_of(word) > width) {
      std::size_t part = bytes_of(word, width);
      const std::size_t hyphen = word.substr(0, part).rfind('-');
      if (hyphen != std::string_view::npos) part = hyphen + 1;
      lines.emplace_back(word.substr(0, part));
      word.remove_prefix(part);
    }
    if (!word.empty()) line += (line.empty() ? "" : " ") + std::string(word);
  }
  end_line();
  return lines;
}

std::string to_grid(const std::vector<std::vector<GridCell>>& lines, bool colour) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      for (const auto& text : line[i].lines) widths[i] = std::max(widths[i], width_of(text));
    }
  }
  std::string result;
  for (const auto& line : lines) {
    std::size_t height = 0;
    for (const GridCell& cell : line) height = std::max(height, cell.lines.size());
    for (std::size_t y = 0; y < height; ++y) {
      std::string text;
      for (std::size_t i = 0; i < line.size(); ++i) {
        const auto& cell = line[i];
        text += (i == 0 ? "" : "  ") + aligned(y < cell.lines.size() ? cell.lines[y] : "",
                                               widths[i], i == 0, colour && cell.is_bold && y == 0);
      }
      text.erase(text.find_last_not_of(' ') + 1);
      result += text + "\n";
    }
  }
  return result;
}

}  // namespace fairlead::bench
