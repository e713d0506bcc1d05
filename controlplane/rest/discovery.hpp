// What the server serves, told in the two ways that clients ask: group by group, or aggregated.
#pragma once

#include <boost/json.hpp>
#include <string_view>

namespace fairlead::rest {

boost::json::object core_versions(std::string_view server_address);  // /api: APIVersions
boost::json::object group_list();                                    // /apis: APIGroupList
boost::json::object group(std::string_view name);                    // /apis/G: APIGroup
/// /api/v1 (group "") and /apis/G/V: APIResourceList.
boost::json::object resource_list(std::string_view group, std::string_view version);
/// /api (core) or /apis: APIGroupDiscoveryList of apidiscovery.k8s.io/`version`, "v2" or "v2beta1".
boost::json::object aggregated(bool core, std::string_view version);

}  // namespace fairlead::rest
