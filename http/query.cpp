// "a=b&c" -> decoded pairs. Split at '&' and '=' first, decoded after: a decoded "&" is data.
#include "http/query.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace fairlead::http {

Result<std::string> percent_decode(std::string_view text, bool form) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && form) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      unsigned value = 0;
      const std::string_view digits = text.substr(i + 1, 2);
      const char* end = digits.data() + digits.size();
      const auto [last, error] = std::from_chars(digits.data(), end, value, 16);
      if (digits.size() != 2 || error != std::errc() || last != end) {
        return invalid("invalid URL escape \"" + std::string(text.substr(i, 3)) + "\"");
      }
      decoded += static_cast<char>(value);
      i += 2;
    }
  }
  return decoded;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const std::string_view raw_value = pair.substr(std::min(equals + 1, pair.size()));
    TRY(std::string name, percent_decode(pair.substr(0, equals), true));
    TRY(std::string value, percent_decode(raw_value, true));
    query.parameters_.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

std::optional<std::string_view> Query::get(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Query::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : parameters_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

bool Query::is_true(std::string_view name) const {
  const auto value = get(name);
  if (!value) return false;
  std::string lower(*value);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower != "0" && lower != "false";
}

}  // namespace fairlead::http
