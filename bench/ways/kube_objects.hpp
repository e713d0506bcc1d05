// A Plan as objects of Kubernetes' API, for a kube-proxy that shall program the same.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "model/plan.hpp"

namespace fairlead::bench {

/// The name of the node that local backends are on.
inline constexpr const char* kNodeName = "bench";

struct ApiObject {
  std::string collection;  // "/api/v1/namespaces/default/services"
  std::string name;
  boost::json::object body;
  boost::json::object status = {};  // not empty: written to the object's status
};

enum class EndpointsApi : std::uint8_t {
  kSlices,    // discovery.k8s.io/v1
  kEndpoints  // v1, for a kube-proxy before 1.22
};

/// Namespaces and the node: what must be there first.
std::vector<ApiObject> kube_places(const Plan& plan);
ApiObject kube_service(const ServicePlans& plans);
/// An object's name depends on the Service and the backends' ports alone, so that after a change of
/// addresses each replaces the one of its name.
std::vector<ApiObject> kube_endpoints(const ServicePlans& plans, EndpointsApi api);

/// For the API server's --service-cidr: the smallest ranges with room for all ClusterIPs, and in
/// front of them one that none of them is in: the API server's own Service gets its first address.
std::string kube_service_ranges(const Plan& plan);

}  // namespace fairlead::bench
