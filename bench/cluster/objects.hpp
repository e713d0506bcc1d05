// The objects of the API that a bench makes.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "model/ip.hpp"

namespace fairlead::bench {

/// ClusterIP Service without a selector, with one TCP port 80.
boost::json::value service_object(const std::string& name);
/// An EndpointSlice of that Service: pods on port 8080.
boost::json::value slice_object(const std::string& service, const std::vector<std::string>& pods,
                                const std::string& node);
boost::json::value node_object(const std::string& name, const std::string& address,
                               const std::string& pod_cidr);
inline constexpr const char* kServices = "/api/v1/namespaces/default/services";
inline constexpr const char* kSlices =
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
inline constexpr const char* kNodes = "/api/v1/nodes";

}  // namespace fairlead::bench
