// Field errors are collected by validation, joined into one Status here, and answered by the
// server. Texts and shapes are those of apimachinery's errors and field packages, since people and
// programs read them.
#include "controlplane/api/status.hpp"

#include <algorithm>
#include <string>

#include "controlplane/api/resource.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

std::string quoted(std::string_view text) { return json::serialize(json::string(text)); }

/// As Kubernetes prints the offending value: text quoted, the rest as JSON.
std::string shown(const json::value& value) {
  return value.is_null() ? "null" : json::serialize(value);
}

json::object details_of(const ResourceType& type, std::string_view name, std::string_view kind) {
  json::object details;
  if (!name.empty()) details["name"] = name;
  if (!type.group.empty()) details["group"] = type.group;
  details["kind"] = kind;
  return details;
}

}  // namespace

json::object status_body(const StatusError& error) {
  json::object body{{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", json::object{}},
                    {"status", "Failure"},
                    {"message", error.message}};
  if (!error.reason.empty()) body["reason"] = error.reason;
  if (!error.details.empty()) body["details"] = error.details;
  body["code"] = error.code;
  return body;
}

json::object deleted_body(const ResourceType& type, const json::object& object) {
  json::object details;
  const json::value* metadata = object.if_contains("metadata");
  if (const json::object* fields = metadata == nullptr ? nullptr : metadata->if_object()) {
    if (auto* name = fields->if_contains("name")) details["name"] = *name;
    if (auto* uid = fields->if_contains("uid")) details["uid"] = *uid;
  }
  if (!type.group.empty()) details["group"] = type.group;
  details["kind"] = type.plural;
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", json::object{}},
          {"status", "Success"},
          {"details", std::move(details)}};
}

FieldError required(std::string field, std::string_view detail) {
  std::string text = "Required value";
  if (!detail.empty()) text.append(": ").append(detail);
  return {"FieldValueRequired", std::move(field), std::move(text)};
}

FieldError invalid_value(std::string field, const json::value& value, std::string_view detail) {
  return {"FieldValueInvalid", std::move(field),
          "Invalid value: " + shown(value) + ": " + std::string(detail)};
}

FieldError duplicate(std::string field, const json::value& value) {
  return {"FieldValueDuplicate", std::move(field), "Duplicate value: " + shown(value)};
}

FieldError not_supported(std::string field, const json::value& value,
                         std::vector<std::string_view> supported) {
  std::ranges::sort(supported);
  std::string list;
  for (std::string_view one : supported) list += (list.empty() ? "" : ", ") + quoted(one);
  return {"FieldValueNotSupported", std::move(field),
          "Unsupported value: " + shown(value) + ": supported values: " + list};
}

FieldError forbidden_value(std::string field, std::string_view detail) {
  return {"FieldValueForbidden", std::move(field), "Forbidden: " + std::string(detail)};
}

FieldError too_many(std::string field, std::size_t actual, std::size_t most) {
  return {"FieldValueTooMany", std::move(field),
          "Too many: " + std::to_string(actual) + ": must have at most " + std::to_string(most) +
              " items"};
}

FieldError too_long(std::string field, std::size_t most_bytes) {
  return {"FieldValueTooLong", std::move(field),
          "Too long: may not be more than " + std::to_string(most_bytes) + " bytes"};
}

StatusError invalid_object(const ResourceType& type, std::string_view name,
                           const FieldErrors& errors) {
  std::vector<std::string> texts;
  json::array causes;
  for (const FieldError& error : errors) {
    std::string text = error.field + ": " + error.detail;
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
    causes.push_back({{"reason", error.reason}, {"message", error.detail}, {"field", error.field}});
  }
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  if (texts.size() > 1) list = "[" + list + "]";
  json::object details = details_of(type, name, type.kind);
  details["causes"] = std::move(causes);
  return {422, "Invalid", qualified_kind(type) + " " + quoted(name) + " is invalid: " + list,
          std::move(details)};
}

StatusError bad_request(std::string message) { return {400, "BadRequest", std::move(message), {}}; }

StatusError forbidden(const ResourceType& type, std::string_view name, std::string_view why) {
  std::string what = qualified_resource(type);
  if (!name.empty()) what += " " + quoted(name);
  return {403, "Forbidden", what + " is forbidden: " + std::string(why),
          details_of(type, name, type.plural)};
}

StatusError not_found(const ResourceType& type, std::string_view name) {
  return {404, "NotFound", qualified_resource(type) + " " + quoted(name) + " not found",
          details_of(type, name, type.plural)};
}

StatusError already_exists(const ResourceType& type, std::string_view name) {
  return {409, "AlreadyExists", qualified_resource(type) + " " + quoted(name) + " already exists",
          details_of(type, name, type.plural)};
}

StatusError conflict(const ResourceType& type, std::string_view name) {
  return conflict(type, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

StatusError conflict(const ResourceType& type, std::string_view name, std::string_view why) {
  return {409, "Conflict",
          "Operation cannot be fulfilled on " + qualified_resource(type) + " " + quoted(name) +
              ": " + std::string(why),
          details_of(type, name, type.plural)};
}

StatusError too_large(std::string message) {
  return {413, "RequestEntityTooLarge", std::move(message), {}};
}

StatusError unsupported_media_type(std::span<const std::string_view> accepted) {
  std::string list;
  for (std::string_view one : accepted) list.append(list.empty() ? "" : ", ").append(one);
  return {
      415,
      "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: " + list,
      {}};
}

StatusError internal_error(std::string message) {
  json::object details{{"causes", json::array{{{"message", message}}}}};
  return {500, "InternalError", "Internal error occurred: " + std::move(message),
          std::move(details)};
}

}  // namespace fairlead::api
