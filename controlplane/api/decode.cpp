// Body + Content-Type -> JSON (from JSON, YAML or protobuf) -> the kind is checked -> normalize()
// by the schema -> unknown and duplicate fields dropped, warned of, or refused. Refusals are worded
// as kube-apiserver words them, since kubectl prints them.
#include "controlplane/api/decode.hpp"

#include <algorithm>
#include <array>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/normalize.hpp"
#include "controlplane/api/protobuf.hpp"
#include "controlplane/api/schema.hpp"
#include "objects/yaml.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> kBodyTypes{"application/json", "application/yaml",
                                                     "application/vnd.kubernetes.protobuf"};

std::string_view media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type;
}

/// What a message shows of a body that could not be read: its first 30 bytes in hexadecimal.
std::string summary(std::string_view body) {
  if (body.empty()) return "<empty>";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (char c : body.substr(0, 30)) {
    auto byte = static_cast<std::uint8_t>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return body.size() > 30 ? text + " ..." : text;
}

tl::unexpected<StatusError> refuse(std::string message) {
  return tl::unexpected(bad_request(std::move(message)));
}

/// A body before the schema has seen it.
struct Raw {
  json::object object;
  std::vector<std::string> duplicates;
};

/// What a body is to become.
struct Wanted {
  std::string api_version;
  std::string_view kind;
  const Message& message;
};

tl::unexpected<StatusError> unreadable(std::string_view kind, std::string_view why,
                                       std::string_view body) {
  return refuse("the object provided is unrecognized (must be of type " + std::string(kind) +
                "): " + std::string(why) + " (" + summary(body) + ")");
}

tl::unexpected<StatusError> not_handled(const Wanted& wanted, std::string_view why) {
  std::string_view version = wanted.api_version;
  version.remove_prefix(version.find('/') == version.npos ? 0 : version.find('/') + 1);
  std::string kind(wanted.kind);
  return refuse(kind + " in version \"" + std::string(version) + "\" cannot be handled as a " +
                kind + ": " + std::string(why));
}

ApiResult<Raw> read_json(std::string_view kind, std::string_view body, bool want_duplicates) {
  auto value = parse_json(body);
  if (!value) {
    return unreadable(kind, "couldn't get version/kind; " + value.error().doing, body);
  }
  if (!value->is_object()) {
    return unreadable(kind, "couldn't get version/kind; json parse error: not an object", body);
  }
  Raw raw{std::move(value->get_object()), {}};
  if (want_duplicates) raw.duplicates = duplicate_keys(body);
  return raw;
}

ApiResult<Raw> read_yaml(std::string_view kind, std::string_view body) {
  auto documents = parse_documents(body);
  if (!documents) return unreadable(kind, "yaml: " + documents.error().doing, body);
  if (documents->size() != 1 || !documents->front().is_object()) {
    return unreadable(kind, "yaml: the body must be one object", body);
  }
  return Raw{std::move(documents->front().get_object()), {}};
}

ApiResult<Raw> read_protobuf(const Wanted& wanted, std::string_view body) {
  auto opened = open_protobuf(body);
  if (!opened) return unreadable(wanted.kind, opened.error().doing, body);
  if (opened->kind != wanted.kind || opened->api_version != wanted.api_version) {
    // Its fields would be read by another kind's numbers; the caller's check of kind refuses it.
    return Raw{{{"kind", opened->kind}, {"apiVersion", opened->api_version}}, {}};
  }
  auto object = decode_protobuf(wanted.message, opened->raw);
  if (!object) return not_handled(wanted, object.error().doing);
  (*object)["kind"] = opened->kind;
  (*object)["apiVersion"] = opened->api_version;
  return Raw{std::move(*object), {}};
}

ApiResult<Raw> read_body(const Wanted& wanted, std::string_view content_type, std::string_view body,
                         bool want_duplicates) {
  std::string_view type = media_type(content_type);
  if (type.empty() || type == kBodyTypes[0]) return read_json(wanted.kind, body, want_duplicates);
  if (type == kBodyTypes[1]) return read_yaml(wanted.kind, body);
  if (type == kBodyTypes[2]) return read_protobuf(wanted, body);
  return tl::unexpected(unsupported_media_type(kBodyTypes));
}

/// apiVersion and kind of the body are missing, or those of the URL.
ApiResult<void> check_kind(const Wanted& wanted, json::object& object) {
  std::string_view kind = text_at(object, {"kind"});
  std::string_view version = text_at(object, {"apiVersion"});
  if (kind.empty()) kind = wanted.kind;
  if (version.empty()) version = wanted.api_version;
  if (version != wanted.api_version) {
    return refuse("the API version in the data (" + std::string(version) +
                  ") does not match the expected API version (" + std::string(wanted.api_version) +
                  ")");
  }
  if (kind != wanted.kind) {
    std::string short_version(
        version.substr(version.find('/') == version.npos ? 0 : version.find('/') + 1));
    return refuse(std::string(kind) + " in version \"" + short_version +
                  "\" cannot be handled as a " + std::string(wanted.kind) + ": converting (" +
                  short_version + "." + std::string(kind) + ") to (core." +
                  std::string(wanted.kind) + "): unknown conversion");
  }
  object["apiVersion"] = wanted.api_version;
  object["kind"] = wanted.kind;
  return {};
}

ApiResult<json::object> decode_as(const Wanted& wanted, std::string_view content_type,
                                  std::string_view body, FieldValidation validation,
                                  std::vector<std::string>& warnings) {
  auto raw = read_body(wanted, content_type, body, validation != FieldValidation::kIgnore);
  if (!raw) return tl::unexpected(std::move(raw).error());
  if (auto checked = check_kind(wanted, raw->object); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  std::vector<std::string> complaints = std::move(raw->duplicates);
  auto object = normalize(wanted.message, raw->object, complaints);
  if (!object) return not_handled(wanted, object.error().doing);
  if (complaints.empty() || validation == FieldValidation::kIgnore) return std::move(*object);
  if (validation == FieldValidation::kWarn) {
    warnings.insert(warnings.end(), complaints.begin(), complaints.end());
    return std::move(*object);
  }
  std::string list;
  for (const std::string& one : complaints) list += (list.empty() ? "" : ", ") + one;
  return not_handled(wanted, "strict decoding error: " + list);
}

}  // namespace

ApiResult<FieldValidation> parse_field_validation(std::string_view text) {
  if (text.empty() || text == "Warn") return FieldValidation::kWarn;
  if (text == "Ignore") return FieldValidation::kIgnore;
  if (text == "Strict") return FieldValidation::kStrict;
  constexpr ResourceType kOptions{.group = "meta.k8s.io",
                                  .version = "v1",
                                  .kind = "CreateOptions",
                                  .list_kind = {},
                                  .plural = {},
                                  .singular = {},
                                  .stored_as = {},
                                  .schema_name = {}};
  return tl::unexpected(invalid_object(
      kOptions, "",
      {not_supported("fieldValidation", json::value(text), {"Ignore", "Strict", "Warn"})}));
}

ApiResult<json::object> decode_body(const ResourceType& type, std::string_view content_type,
                                    std::string_view body, FieldValidation validation,
                                    std::vector<std::string>& warnings) {
  Wanted wanted{api_version(type), type.kind, *find_message(type.schema_name)};
  return decode_as(wanted, content_type, body, validation, warnings);
}

ApiResult<void> bind_to_request(const ResourceType& type, json::object& object, std::string_view ns,
                                std::string_view name) {
  json::object& metadata = ensure_object(object, "metadata");
  std::string_view given_name = text_at(metadata, {"name"});
  if (!name.empty() && !given_name.empty() && given_name != name) {
    return refuse("the name of the object (" + std::string(given_name) +
                  ") does not match the name on the URL (" + std::string(name) + ")");
  }
  if (!name.empty()) metadata["name"] = name;
  if (!type.namespaced) {
    metadata.erase("namespace");
    return {};
  }
  std::string_view given_ns = text_at(metadata, {"namespace"});
  if (!given_ns.empty() && given_ns != ns) {
    return refuse(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  metadata["namespace"] = ns;
  return {};
}

ApiResult<DeleteOptions> decode_delete_options(std::string_view content_type,
                                               std::string_view body) {
  DeleteOptions options;
  if (body.empty()) return options;
  // Clients send it as the group's own version or as meta.k8s.io/v1: the kind alone decides.
  std::vector<std::string> warnings;
  std::string version = "v1";
  if (media_type(content_type) == kBodyTypes[2]) {
    if (auto opened = open_protobuf(body)) version = opened->api_version;
  } else if (auto raw = parse_json(body); raw && raw->is_object()) {
    std::string_view given = text_at(raw->get_object(), {"apiVersion"});
    if (!given.empty()) version = given;
  }
  Wanted wanted{version, "DeleteOptions",
                *find_message("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")};
  auto object = decode_as(wanted, content_type, body, FieldValidation::kIgnore, warnings);
  if (!object) return tl::unexpected(std::move(object).error());
  options.grace_period_seconds = integer_at(*object, {"gracePeriodSeconds"});
  options.propagation_policy = text_at(*object, {"propagationPolicy"});
  if (true_at(*object, {"orphanDependents"})) options.propagation_policy = "Orphan";
  if (auto* uid = find_value(*object, {"preconditions", "uid"})) options.uid = text_of(*uid);
  if (auto* rv = find_value(*object, {"preconditions", "resourceVersion"})) {
    options.resource_version = text_of(*rv);
  }
  options.dry_run = !array_at(*object, {"dryRun"}).empty();
  return options;
}

ApiResult<json::object> decode_review(std::string_view kind, std::string_view content_type,
                                      std::string_view body) {
  for (std::string_view group : {"authorization", "authentication"}) {
    std::string schema_name = "io.k8s.api." + std::string(group) + ".v1." + std::string(kind);
    const Message* message = find_message(schema_name);
    if (message == nullptr) continue;
    std::string version = std::string(group) + ".k8s.io/v1";
    std::vector<std::string> warnings;
    return decode_as({version, kind, *message}, content_type, body, FieldValidation::kIgnore,
                     warnings);
  }
  return refuse("no kind \"" + std::string(kind) + "\" is registered");
}

}  // namespace fairlead::api
