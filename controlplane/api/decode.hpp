// Request bodies -> JSON objects that fit the schema: known fields, right types, no nulls.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/resource.hpp"
#include "controlplane/api/status.hpp"

namespace fairlead::api {

/// ?fieldValidation=: what becomes of unknown and duplicate fields. They are dropped silently,
/// dropped with a warning, or the request is refused.
enum class FieldValidation { kIgnore, kWarn, kStrict };

/// "Ignore", "Warn" or "Strict"; "" is Warn, the server's default. Anything else is a 422 as
/// Kubernetes words it.
ApiResult<FieldValidation> parse_field_validation(std::string_view text);

/// Decodes a body of JSON, YAML or protobuf (`k8s\0` + runtime.Unknown) as `type`. `content_type`
/// may carry parameters; "" means JSON. The result carries apiVersion and kind, no null, no unknown
/// field, and no zero value where Kubernetes leaves it out. Fails with 400 as Kubernetes words it,
/// or 415. Warnings are appended without the `299 -` of the HTTP header.
ApiResult<boost::json::object> decode_body(const ResourceType& type, std::string_view content_type,
                                           std::string_view body, FieldValidation validation,
                                           std::vector<std::string>& warnings);

/// Fills namespace and name from the URL and refuses those that contradict it (400). `name` is ""
/// for a create.
ApiResult<void> bind_to_request(const ResourceType& type, boost::json::object& object,
                                std::string_view ns, std::string_view name);

struct DeleteOptions {
  std::optional<std::int64_t> grace_period_seconds;
  std::string propagation_policy;  // "", "Orphan", "Background" or "Foreground"
  std::optional<std::string> uid;  // preconditions
  std::optional<std::string> resource_version;
  bool dry_run = false;
};

/// Body of a DELETE, JSON, YAML or protobuf. An empty body is the default options.
ApiResult<DeleteOptions> decode_delete_options(std::string_view content_type,
                                               std::string_view body);

/// A body without a schema of ours (self subject reviews, …): JSON, YAML or protobuf as a plain
/// object. Protobuf is understood for the kinds of authorization.k8s.io/v1 and
/// authentication.k8s.io/v1 that kubectl sends.
ApiResult<boost::json::object> decode_review(std::string_view kind, std::string_view content_type,
                                             std::string_view body);

}  // namespace fairlead::api
