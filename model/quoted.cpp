// Any text -> a few printable bytes.
#include "model/quoted.hpp"

namespace fairlead {

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 64;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  if (text.size() <= kShown) return '"' + shown + '"';
  return '"' + shown + "...\" (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace fairlead
