// PATCH by content type -> the patched document -> normalize() as for any body. JSON patch lives in
// json_patch.cpp, strategic merge in strategic_merge.cpp; merge patch is short enough to stand
// here.
#include "controlplane/api/patch.hpp"

#include <algorithm>
#include <array>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/normalize.hpp"
#include "controlplane/api/schema.hpp"
#include "objects/yaml.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> kPatchTypes{"application/json-patch+json",
                                                      "application/merge-patch+json",
                                                      "application/strategic-merge-patch+json"};
/// As kube-apiserver limits them: each copy can double a document.
constexpr std::size_t kMostOperations = 10000;

/// 422 for a patch that is well-formed but does not fit the object.
tl::unexpected<StatusError> unfit() {
  return tl::unexpected(StatusError{
      422, "Invalid", "the server rejected our request due to an error in our request", {}});
}

ApiResult<json::value> read_patch(std::string_view body) {
  auto patch = parse_json(body);
  if (patch) return std::move(*patch);
  auto documents = parse_documents(body);  // kubectl patch sends JSON, other clients YAML
  if (documents && documents->size() == 1) return std::move(documents->front());
  return tl::unexpected(bad_request("error decoding patch: " + patch.error().doing));
}

ApiResult<json::value> patched(const ResourceType& type, const json::object& old,
                               std::string_view media_type, const json::value& patch) {
  if (media_type == kPatchTypes[0]) {
    if (!patch.is_array())
      return tl::unexpected(bad_request("error decoding patch: not a list of operations"));
    if (patch.get_array().size() > kMostOperations) {
      return tl::unexpected(
          too_large("The allowed maximum operations in a JSON patch is 10000, got " +
                    std::to_string(patch.get_array().size())));
    }
    auto result = json_patch(json::value(old), patch);
    if (!result) {
      auto error = unfit();
      error.value().details["causes"] = json::array{{{"message", result.error().doing}}};
      return error;
    }
    return std::move(*result);
  }
  if (!patch.is_object()) return tl::unexpected(bad_request("error decoding patch: not an object"));
  if (media_type == kPatchTypes[1]) return merge_patch(json::value(old), patch);
  auto result = strategic_merge_patch(type, old, patch.get_object());
  if (!result) return tl::unexpected(bad_request(result.error().doing));
  return json::value(std::move(*result));
}

/// A patch whose result the schema refuses: 422 with the path "patch", the whole patch as value.
StatusError refused_patch(const json::value& patch, std::string_view why) {
  constexpr ResourceType kNameless{};
  return invalid_object(kNameless, "", {invalid_value("patch", patch, why)});
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list;
}

}  // namespace

ApiResult<json::object> apply_patch(const ResourceType& type, const json::object& old,
                                    std::string_view content_type, std::string_view body,
                                    FieldValidation validation,
                                    std::vector<std::string>& warnings) {
  std::string_view media_type = content_type.substr(0, content_type.find(';'));
  if (std::ranges::find(kPatchTypes, media_type) == kPatchTypes.end()) {
    return tl::unexpected(unsupported_media_type(kPatchTypes));
  }
  auto patch = read_patch(body);
  if (!patch) return tl::unexpected(std::move(patch).error());
  std::vector<std::string> complaints;
  if (validation != FieldValidation::kIgnore) complaints = duplicate_keys(body);

  auto result = patched(type, old, media_type, *patch);
  if (!result) return tl::unexpected(std::move(result).error());
  if (!result->is_object()) return unfit();
  json::object& object = result->get_object();
  if (text_at(object, {"kind"}) != type.kind ||
      text_at(object, {"apiVersion"}) != api_version(type)) {
    return tl::unexpected(bad_request("a patch must not change apiVersion or kind"));
  }
  auto normal = normalize(*find_message(type.schema_name), object, complaints);
  if (!normal) return tl::unexpected(refused_patch(*patch, normal.error().doing));
  if (validation == FieldValidation::kStrict && !complaints.empty()) {
    return tl::unexpected(refused_patch(*patch, "strict decoding error: " + list_of(complaints)));
  }
  if (validation == FieldValidation::kWarn) {
    warnings.insert(warnings.end(), complaints.begin(), complaints.end());
  }
  return std::move(*normal);
}

json::value merge_patch(json::value document, const json::value& patch) {
  if (!patch.is_object()) return patch;
  if (!document.is_object()) document = json::object{};
  json::object& object = document.get_object();
  for (const auto& [key, value] : patch.get_object()) {
    if (value.is_null()) {
      object.erase(key);
    } else {
      json::value before = object.contains(key) ? std::move(object[key]) : json::value();
      object[key] = merge_patch(std::move(before), value);
    }
  }
  return document;
}

}  // namespace fairlead::api
