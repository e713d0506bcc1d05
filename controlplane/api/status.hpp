// What an API server answers when it refuses: Kubernetes' Status, with its reasons, causes and
// wording.
#pragma once

#include <boost/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace fairlead::api {

struct ResourceType;

/// A refusal: HTTP status `code`, Kubernetes `reason` ("NotFound"), `message` for people, `details`
/// as in meta/v1 StatusDetails.
struct StatusError {
  int code = 500;
  std::string reason;
  std::string message;
  boost::json::object details;
};

template <class T = void>
using ApiResult = tl::expected<T, StatusError>;

/// The meta/v1 Status object of a refusal.
boost::json::object status_body(const StatusError& error);
/// The meta/v1 Status that answers a delete; details carry the uid, which `kubectl delete --wait`
/// needs.
boost::json::object deleted_body(const ResourceType& type, const boost::json::object& object);

/// One thing wrong with one field. `field` is a path ("spec.ports[0].port"); `detail` reads as
/// Kubernetes writes it without the field ("Invalid value: 70000: must be …"); `reason` is a
/// cause's reason ("FieldValueInvalid").
struct FieldError {
  std::string reason;
  std::string field;
  std::string detail;
  bool operator==(const FieldError&) const = default;
};
using FieldErrors = std::vector<FieldError>;

FieldError required(std::string field, std::string_view detail = {});
FieldError invalid_value(std::string field, const boost::json::value& value,
                         std::string_view detail);
FieldError duplicate(std::string field, const boost::json::value& value);
/// `supported` is listed sorted and quoted, as Kubernetes does.
FieldError not_supported(std::string field, const boost::json::value& value,
                         std::vector<std::string_view> supported);
FieldError forbidden_value(std::string field, std::string_view detail);
FieldError too_many(std::string field, std::size_t actual, std::size_t most);
FieldError too_long(std::string field, std::size_t most_bytes);

/// 422 `Service "web" is invalid: …`. `errors` is not empty.
StatusError invalid_object(const ResourceType& type, std::string_view name,
                           const FieldErrors& errors);
StatusError bad_request(std::string message);  // 400
StatusError forbidden(const ResourceType& type, std::string_view name,
                      std::string_view why);                                  // 403
StatusError not_found(const ResourceType& type, std::string_view name);       // 404
StatusError already_exists(const ResourceType& type, std::string_view name);  // 409
/// 409: the object was changed since `resourceVersion`.
StatusError conflict(const ResourceType& type, std::string_view name);
/// 409 with `why` in place of the usual text after `Operation cannot be fulfilled on …: `.
StatusError conflict(const ResourceType& type, std::string_view name, std::string_view why);
StatusError too_large(std::string message);                                      // 413
StatusError unsupported_media_type(std::span<const std::string_view> accepted);  // 415
StatusError internal_error(std::string message);                                 // 500

}  // namespace fairlead::api
