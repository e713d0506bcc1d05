// Small look-ups that the rest of the library reads objects with.
#include "controlplane/api/json_view.hpp"

namespace fairlead::api {

namespace json = boost::json;

const json::value* find_value(const json::object& object,
                              std::initializer_list<std::string_view> path) {
  const json::object* here = &object;
  const json::value* found = nullptr;
  for (std::string_view key : path) {
    if (here == nullptr) return nullptr;
    found = here->if_contains(key);
    if (found == nullptr) return nullptr;
    here = found->if_object();
  }
  return found;
}

std::string_view text_at(const json::object& object, std::initializer_list<std::string_view> path) {
  const json::value* found = find_value(object, path);
  return found == nullptr ? std::string_view() : text_of(*found);
}

const json::object& object_at(const json::object& object,
                              std::initializer_list<std::string_view> path) {
  static const json::object kNone;
  const json::value* found = find_value(object, path);
  return found != nullptr && found->is_object() ? found->get_object() : kNone;
}

const json::array& array_at(const json::object& object,
                            std::initializer_list<std::string_view> path) {
  static const json::array kNone;
  const json::value* found = find_value(object, path);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

std::optional<std::int64_t> integer_at(const json::object& object,
                                       std::initializer_list<std::string_view> path) {
  const json::value* found = find_value(object, path);
  return found == nullptr ? std::nullopt : integer_of(*found);
}

bool true_at(const json::object& object, std::initializer_list<std::string_view> path) {
  const json::value* found = find_value(object, path);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::string_view text_of(const json::value& value) {
  if (const json::string* text = value.if_string()) return {text->data(), text->size()};
  return {};
}

std::optional<std::int64_t> integer_of(const json::value& value) {
  if (const std::int64_t* number = value.if_int64()) return *number;
  if (const std::uint64_t* number = value.if_uint64(); number != nullptr && *number <= INT64_MAX) {
    return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

const json::object& object_of(const json::value& value) {
  static const json::object kNone;
  const json::object* object = value.if_object();
  return object == nullptr ? kNone : *object;
}

json::object& ensure_object(json::object& object, std::string_view key) {
  json::value& value = object[key];
  if (!value.is_object()) value = json::object{};
  return value.get_object();
}

std::string indexed(std::string_view field, std::size_t index) {
  return std::string(field) + "[" + std::to_string(index) + "]";
}

}  // namespace fairlead::api
