// JSON -> names and versions.
#include "controlplane-client/object_meta.hpp"

#include <charconv>
#include <optional>

namespace fairlead::client {
namespace {

namespace json = boost::json;
constexpr std::size_t kLongestName = 253;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

const json::value& member(const json::value& object, std::string_view field) {
  static const json::value kNull;
  const json::object* members = object.if_object();
  const json::value* found = members == nullptr ? nullptr : members->if_contains(field);
  return found == nullptr ? kNull : *found;
}

std::string_view text_member(const json::value& object, std::string_view field) {
  const json::string* text = member(object, field).if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

Result<ObjectName> object_name(const json::value& object) {
  const json::value& metadata = member(object, "metadata");
  const std::string_view ns = text_member(metadata, "namespace"),
                         name = text_member(metadata, "name");
  if (name.empty()) return invalid("metadata.name: required");
  if (name.size() > kLongestName) return invalid("metadata.name: longer than 253 bytes");
  if (ns.size() > kLongestName) return invalid("metadata.namespace: longer than 253 bytes");
  return ObjectName{std::string(ns), std::string(name)};
}

bool is_older_version(std::string_view left, std::string_view right) {
  const auto a = number(left), b = number(right);
  return a && b && *a < *b;
}

}  // namespace fairlead::client
