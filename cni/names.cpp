// Byte for byte, without the locale.
#include "cni/names.hpp"

#include <algorithm>

namespace fairlead::cni {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_of_name(char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; }
bool is_visible(char c) { return c > ' ' && c <= '~'; }

}  // namespace

bool is_name(std::string_view text, std::size_t most_bytes) {
  return !text.empty() && text.size() <= most_bytes && is_alphanumeric(text.front()) &&
         std::ranges::all_of(text, is_of_name);
}

bool is_interface_name(std::string_view text) {
  constexpr std::size_t kMostBytes = 15;  // IFNAMSIZ less the zero
  return !text.empty() && text.size() <= kMostBytes && text != "." && text != ".." &&
         std::ranges::all_of(text, [](char c) { return is_visible(c) && c != '/' && c != ':'; });
}

bool is_path(std::string_view text, std::size_t most_bytes) {
  return text.starts_with('/') && text.size() <= most_bytes &&
         std::ranges::all_of(text, is_visible) && !text.ends_with("/..") &&
         text.find("/../") == std::string_view::npos;
}

bool is_label_key(std::string_view text) {
  constexpr std::size_t kPrefixBytes = 253;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return !text.empty() && is_label_value(text);
  const std::string_view name = text.substr(slash + 1);
  return is_name(text.substr(0, slash), kPrefixBytes) && !name.empty() && is_label_value(name);
}

bool is_label_value(std::string_view text) {
  constexpr std::size_t kMostBytes = 63;
  return text.empty() || (is_name(text, kMostBytes) && is_alphanumeric(text.back()));
}

}  // namespace fairlead::cni
