// Lookups and their complaints.
#include "cni/fields.hpp"

#include <algorithm>

namespace fairlead::cni {

namespace json = boost::json;

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

tl::unexpected<Failure> wrong_field(const std::string& field, std::string_view what) {
  return fail(Code::kInvalidConfig, "the network configuration is not valid",
              field + ": " + std::string(what));
}

std::string path_of(const std::string& array, std::size_t index) {
  return array + "[" + std::to_string(index) + "]";
}

Outcome<Fields> as_fields(const json::value& value, std::string path) {
  if (!value.is_object()) return wrong_field(path, "not an object");
  return Fields(value.get_object(), std::move(path));
}

Outcome<std::string_view> as_string(const json::value& value, const std::string& path) {
  if (!value.is_string()) return wrong_field(path, "not a string");
  return std::string_view(value.get_string());
}

std::string Fields::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const json::value* Fields::find(std::string_view key) const {
  const json::value* value = object_->if_contains(key);
  if (value == nullptr) {
    const auto* found = std::ranges::find_if(
        *object_, [key](const auto& member) { return equal_in_any_case(member.key(), key); });
    if (found != object_->end()) value = &found->value();
  }
  return value == nullptr || value->is_null() ? nullptr : value;
}

Outcome<std::optional<std::string_view>> Fields::string(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  return as_string(*value, path_of(key));
}

Outcome<std::optional<Fields>> Fields::object(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  return as_fields(*value, path_of(key));
}

Outcome<const json::array*> Fields::array(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) return wrong_field(path_of(key), "not a list");
  return &value->get_array();
}

Outcome<std::uint64_t> Fields::number(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error) return wrong_field(path_of(key), "not a whole number from 0 on");
  return number;
}

}  // namespace fairlead::cni
