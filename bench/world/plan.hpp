// The Plan of a world: many Services that look alike, and the measured one, which comes last.
#pragma once

#include <cstdint>
#include <vector>

#include "model/plan.hpp"

namespace fairlead::bench {

/// The measured Service's frontends; TCP and UDP alike.
struct MeasuredAddress {
  Ip cluster_ip, load_balancer;
  Ip hairpin;  // ClusterIP of a Service whose only backend is the measured one's first
  Port port, node_port;
};
MeasuredAddress measured_address();
ObjectName measured_name();

/// `services` of them, the measured one included, whose backends are `backends`, and the one of the
/// hairpin besides. All policies are
/// Cluster: local pods are not masqueraded on their way to the ClusterIP, everybody else is.
/// NodePorts are open on 198.18.0.1; local pods are those of 10.244.0.0/16.
Plan plan_with(std::uint32_t services, std::uint32_t endpoints,
               const std::vector<Backend>& backends);

}  // namespace fairlead::bench
