// Which endpoints a Service should have, before any slice is looked at.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/endpoint_slices.hpp"

namespace fairlead::api {

/// Endpoints that resolve to the same ports.
struct SliceGroup {
  boost::json::array ports;                             // EndpointPorts
  std::map<std::string, boost::json::value> endpoints;  // by endpoint_id
  std::vector<std::string> order;                       // ids as the Pods came
};

/// By ports_key. Pods that do not match, have no address of the family, or have ended are left out.
std::map<std::string, SliceGroup> group_endpoints(const SliceInputs& inputs,
                                                  std::string_view address_type);

/// The same text for the same set of ports, whatever their order.
std::string ports_key(const boost::json::array& ports);
/// The same text for the same Pod at the same address.
std::string endpoint_id(const boost::json::object& endpoint);

}  // namespace fairlead::api
