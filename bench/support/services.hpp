// Plans of many Services that look alike, and one among them that traffic is sent to.
#pragma once

#include <cstdint>
#include <vector>

#include "model/plan.hpp"

namespace fairlead::bench {

/// NETWORK.x.y.z, from the lower 24 bits of `number`.
Ip address(std::uint8_t network, std::uint32_t number);

/// ClusterIP 11.x, port 80; endpoints 10.x, port 8080, the first of them on this node. Where
/// `first` differs the endpoints do.
ServicePlan cluster_ip_service(std::uint32_t number, std::uint32_t endpoints, std::uint32_t first);

/// The last of the plan by its name: ClusterIP and NodePort lead to `backends`. Both policies
/// Cluster: local pods are not masqueraded on the way to the ClusterIP, all others are.
struct Measured {
  Ip cluster_ip;
  Port cluster_ip_port, node_port;
  std::vector<Backend> backends;
  Protocol protocol = Protocol::kTcp;
};
ServicePlan measured_service(const Measured& measured);

/// Numbers 0 to services - 1.
Plan plan_of(std::uint32_t services, std::uint32_t endpoints);
void add(Plan& plan, ServicePlan service);

}  // namespace fairlead::bench
