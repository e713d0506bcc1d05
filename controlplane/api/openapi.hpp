// OpenAPI documents of the kinds served, made from the schema: kubectl validates, merges and
// explains by them.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::api {

/// Body of /openapi/v3: for each group version its URL with the hash of its document. Same binary,
/// same bytes.
std::string openapi_v3_index();

/// Body of /openapi/v3/<group_version>, JSON; `group_version` is "api/v1" or
/// "apis/discovery.k8s.io/v1". nullopt: not served. Costs milliseconds: keep the answer.
std::optional<std::string> openapi_v3(std::string_view group_version);

/// Body of /openapi/v2 for `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`: a gnostic
/// openapi.v2.Document. kubectl up to 1.28 validates and explains by it. Costs milliseconds: keep
/// the answer.
std::string openapi_v2_protobuf();

}  // namespace fairlead::api
