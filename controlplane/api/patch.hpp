// PATCH: JSON patch (RFC 6902), merge patch (RFC 7386) and Kubernetes' strategic merge patch.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/decode.hpp"
#include "controlplane/api/resource.hpp"
#include "controlplane/api/status.hpp"
#include "model/result.hpp"

namespace fairlead::api {

/// The object after the patch, decoded as decode_body would; give it to prepare_update.
/// `content_type` selects the kind of patch: application/json-patch+json,
/// application/merge-patch+json, application/strategic-merge-patch+json; another one is 415. A
/// patch that does not fit the object is 422, malformed ones are 400.
ApiResult<boost::json::object> apply_patch(const ResourceType& type, const boost::json::object& old,
                                           std::string_view content_type, std::string_view body,
                                           FieldValidation validation,
                                           std::vector<std::string>& warnings);

/// RFC 6902. All or nothing. The error says which operation failed and why.
Result<boost::json::value> json_patch(boost::json::value document, const boost::json::value& patch);
/// RFC 7386.
boost::json::value merge_patch(boost::json::value document, const boost::json::value& patch);
/// Kubernetes' strategic merge: $patch, $retainKeys, $setElementOrder/…,
/// $deleteFromPrimitiveList/…; merge keys of the schema.
Result<boost::json::object> strategic_merge_patch(const ResourceType& type,
                                                  boost::json::object document,
                                                  const boost::json::object& patch);

}  // namespace fairlead::api
