// JSON value -> the type that the caller needs, or a Problem that says where and what was there
// instead.
#include "objects/fields.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

std::string_view type_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "an integer";
    case json::kind::double_:
      return "a fraction";
    case json::kind::string:
      return "text";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

std::string expected(std::string_view wanted, const json::value& got) {
  return "expected " + std::string(wanted) + ", not " + std::string(type_name(got));
}

}  // namespace

std::string Path::text() const {
  std::string before = parent_ == nullptr ? "" : parent_->text();
  if (index_ != kNoIndex) return before + '[' + std::to_string(index_) + ']';
  if (key_.empty()) return before;
  return before.empty() ? std::string(key_) : before + '.' + std::string(key_);
}

void ProblemList::add(const Path& field, std::string message) {
  if (problems_.size() == kMostReported) {
    ++unreported_;
    return;
  }
  problems_.push_back({object_, field.text(), std::move(message)});
}

std::vector<Problem> ProblemList::take() {
  if (unreported_ > 0) {
    problems_.push_back({object_, "", "and " + std::to_string(unreported_) + " more mistakes"});
  }
  return std::move(problems_);
}

const json::value* Fields::find(std::string_view key) const {
  const auto* value = object_.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Fields::wrong_type(const Path& path, std::string_view wanted, const json::value& got) const {
  problems_.add(path, expected(wanted, got));
}

std::optional<std::string_view> Fields::text(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::string_view(value->get_string());
  wrong_type(path_ / key, "text", *value);
  return std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  wrong_type(path_ / key, "a boolean", *value);
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64()) {
    problems_.add(path_ / key, std::to_string(value->get_uint64()) + " is too large");
  } else {
    wrong_type(path_ / key, "an integer", *value);
  }
  return std::nullopt;
}

const json::object* Fields::object(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return &value->get_object();
  wrong_type(path_ / key, "an object", *value);
  return nullptr;
}

const json::array* Fields::array(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->is_array()) return &value->get_array();
  wrong_type(path_ / key, "a list", *value);
  return nullptr;
}

std::optional<std::string_view> Fields::short_text(std::string_view key,
                                                   std::size_t longest) const {
  const auto value = text(key);
  if (!value || value->size() <= longest) return value;
  problems_.add(path_ / key,
                quoted(*value) + " is longer than " + std::to_string(longest) + " bytes");
  return std::nullopt;
}

Result<const json::object*> Fields::section(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return &value->get_object();
  return invalid(problems_.object() + ": " + (path_ / key).text() + ": " +
                 expected("an object", *value));
}

}  // namespace fairlead
