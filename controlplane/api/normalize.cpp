// An object as a client sent it -> the same object in the form in which it is stored. The schema
// leads: each key is looked up, each value is checked against its field's type and rewritten where
// Kubernetes rewrites (times, quantities, nulls, zeroes). The first wrong type ends it; unknown
// fields are collected, for the caller knows what the client wants done about them.
#include "controlplane/api/normalize.hpp"

#include <cmath>
#include <limits>
#include <regex>

#include "controlplane/api/json_view.hpp"
#include "objects/decode.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

/// Where a value stands: for messages.
struct Place {
  std::string_view go_struct;  // innermost
  std::string fields;          // "spec.ports.port", as Go reports it
  std::string path;            // "spec.ports[0].port", as Kubernetes reports unknown fields
};

std::string_view kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return "string";
    case json::kind::bool_:
      return "bool";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
    case json::kind::null:
      return "null";
    default:
      return "number";
  }
}

tl::unexpected<Error> wrong_type(const Place& place, std::string_view what,
                                 std::string_view wanted) {
  return invalid("json: cannot unmarshal " + std::string(what) + " into Go struct field " +
                 std::string(place.go_struct) + "." + place.fields + " of type " +
                 std::string(wanted));
}

std::string join(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : std::string(prefix) + "." + std::string(name);
}

Result<json::value> normalize_integer(const Field& field, const json::value& value,
                                      const Place& place) {
  if (!value.is_number()) return wrong_type(place, kind_of(value), field.go_type);
  auto number = integer_of(value);
  bool fits = number && (field.type == FieldType::kInt64 ||
                         (*number >= std::numeric_limits<std::int32_t>::min() &&
                          *number <= std::numeric_limits<std::int32_t>::max()));
  if (!fits) return wrong_type(place, "number " + json::serialize(value), field.go_type);
  return json::value(*number);
}

Result<json::value> normalize_time(const Field& field, const json::value& value) {
  if (!value.is_string()) {
    return invalid("json: cannot unmarshal " + std::string(kind_of(value)) +
                   " into Go value of type string");
  }
  bool micro = field.type == FieldType::kMicroTime;
  auto time = parse_time(text_of(value));
  if (!time) {
    std::string text = json::serialize(value);
    std::string_view layout =
        micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00";
    return invalid("parsing time " + text + " as \"" + std::string(layout) + "\": cannot parse " +
                   text + " as \"2006\"");
  }
  return json::value(micro ? format_micro_time(*time) : format_time(*time));
}

Result<json::value> normalize_quantity(const json::value& value) {
  static const std::regex kForm(
      "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?");
  std::string text = value.is_string() ? std::string(text_of(value)) : json::serialize(value);
  // Longer numbers are refused before the regular expression sees them: it recurses.
  if (text.size() > 64 || !std::regex_match(text, kForm)) {
    return invalid(
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  return json::value(text);
}

Result<json::value> normalize_bytes(const Field& field, const json::value& value,
                                    const Place& place) {
  if (!value.is_string()) return wrong_type(place, kind_of(value), field.go_type);
  // As Go: line breaks are passed over, which YAML's blocks leave.
  std::string text(text_of(value));
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  std::size_t bad =
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  std::size_t data = std::min(bad, text.size());
  bool padding_ok = text.size() - data <= 2 && text.find_first_not_of('=', data) == text.npos;
  if (text.size() % 4 != 0 || !padding_ok) {
    return invalid("illegal base64 data at input byte " + std::to_string(data));
  }
  return json::value(text);
}

Result<json::value> normalize_int_or_string(const json::value& value) {
  if (value.is_string()) return value;
  auto number = integer_of(value);
  if (!number || *number < std::numeric_limits<std::int32_t>::min() ||
      *number > std::numeric_limits<std::int32_t>::max()) {
    std::string what(kind_of(value));
    if (value.is_number()) what += " " + json::serialize(value);
    return invalid("json: cannot unmarshal " + what + " into Go value of type int32");
  }
  return json::value(*number);
}

/// What a null element of a list or map becomes in Go.
json::value zero_of(const Field& field) {
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kBytes:
      return "";
    case FieldType::kBool:
      return false;
    case FieldType::kInt32:
    case FieldType::kInt64:
    case FieldType::kDouble:
    case FieldType::kIntOrString:
      return 0;
    case FieldType::kQuantity:
      return "0";
    case FieldType::kTime:
    case FieldType::kMicroTime:
    case FieldType::kDuration:
      return nullptr;
    case FieldType::kFieldsV1:
    case FieldType::kMessage:
      return json::object{};
  }
  return nullptr;
}

class Normalizer {
 public:
  explicit Normalizer(std::vector<std::string>& unknown) : unknown_(unknown) {}

  Result<json::object> message(const Message& message, const json::object& object,
                               const Place& place) {
    json::object result;
    for (const auto& [key, value] : object) {
      if (message.has(kKind) && place.path.empty() && (key == "apiVersion" || key == "kind")) {
        if (!value.is_string()) {
          return wrong_type({message.name, std::string(key), {}}, kind_of(value), "string");
        }
        result[key] = value;
        continue;
      }
      const Field* field = find_field(message, key);
      if (field == nullptr) {
        unknown_.push_back("unknown field " + json::serialize(json::string(join(place.path, key))));
        continue;
      }
      Place inner{message.name, join(place.fields, key), join(place.path, key)};
      TRY(json::value normal, this->field(*field, value, inner));
      if (normal.is_null() || (field->omits_zero() && is_zero(normal) && !keeps_empty(*field)))
        continue;
      result[key] = std::move(normal);
    }
    return result;
  }

 private:
  /// omitempty never leaves out a struct.
  static bool keeps_empty(const Field& field) {
    return field.type == FieldType::kMessage && field.shape == Shape::kOne;
  }

  Result<json::value> field(const Field& field, const json::value& value, const Place& place) {
    if (value.is_null()) {
      bool list_that_stays = field.shape == Shape::kList && !field.omits_zero();
      return list_that_stays ? json::value(json::array{}) : json::value(nullptr);
    }
    switch (field.shape) {
      case Shape::kOne:
        return one(field, value, place);
      case Shape::kList:
        return list(field, value, place);
      case Shape::kMap:
        return map(field, value, place);
    }
    return value;
  }

  Result<json::value> list(const Field& field, const json::value& value, const Place& place) {
    if (!value.is_array()) return wrong_type(place, kind_of(value), go_type(field));
    json::array result;
    result.reserve(value.get_array().size());
    std::size_t index = 0;
    for (const json::value& element : value.get_array()) {
      Place inner{place.go_struct, place.fields, indexed(place.path, index++)};
      if (element.is_null()) {
        result.push_back(zero_of(field));
        continue;
      }
      TRY(json::value normal, one(field, element, inner));
      result.push_back(std::move(normal));
    }
    return json::value(std::move(result));
  }

  Result<json::value> map(const Field& field, const json::value& value, const Place& place) {
    if (!value.is_object()) return wrong_type(place, kind_of(value), go_type(field));
    json::object result;
    for (const auto& [key, element] : value.get_object()) {
      Place inner{place.go_struct, place.fields, join(place.path, key)};
      if (element.is_null()) {
        result[key] = zero_of(field);
        continue;
      }
      TRY(json::value normal, one(field, element, inner));
      result[key] = std::move(normal);
    }
    return json::value(std::move(result));
  }

  Result<json::value> one(const Field& field, const json::value& value, const Place& place) {
    switch (field.type) {
      case FieldType::kString:
      case FieldType::kDuration:
        if (!value.is_string()) return wrong_type(place, kind_of(value), field.go_type);
        return value;
      case FieldType::kBool:
        if (!value.is_bool()) return wrong_type(place, kind_of(value), field.go_type);
        return value;
      case FieldType::kInt32:
      case FieldType::kInt64:
        return normalize_integer(field, value, place);
      case FieldType::kDouble:
        if (!value.is_number()) return wrong_type(place, kind_of(value), field.go_type);
        return value;
      case FieldType::kBytes:
        return normalize_bytes(field, value, place);
      case FieldType::kTime:
      case FieldType::kMicroTime:
        return normalize_time(field, value);
      case FieldType::kQuantity:
        return normalize_quantity(value);
      case FieldType::kIntOrString:
        return normalize_int_or_string(value);
      case FieldType::kFieldsV1:
        if (!value.is_object()) return wrong_type(place, kind_of(value), field.go_type);
        return value;
      case FieldType::kMessage: {
        if (!value.is_object()) return wrong_type(place, kind_of(value), field.go_type);
        TRY(json::object normal, message(message_of(field), value.get_object(), place));
        return json::value(std::move(normal));
      }
    }
    return value;
  }

  std::vector<std::string>& unknown_;
};

}  // namespace

bool is_zero(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return true;
    case json::kind::bool_:
      return !value.get_bool();
    case json::kind::int64:
      return value.get_int64() == 0;
    case json::kind::uint64:
      return value.get_uint64() == 0;
    case json::kind::double_:
      return value.get_double() == 0;
    case json::kind::string:
      return value.get_string().empty();
    case json::kind::array:
      return value.get_array().empty();
    case json::kind::object:
      return value.get_object().empty();
  }
  return false;
}

Result<json::object> normalize(const Message& message, const json::object& object,
                               std::vector<std::string>& unknown) {
  return Normalizer(unknown).message(message, object, Place{});
}

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 100;
  boost::system::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return failure(error, "json parse error");
  return value;
}

}  // namespace fairlead::api
