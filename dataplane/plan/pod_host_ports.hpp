// What a plan is told of the node's pods: the ports of the node that lead to them.
#pragma once

#include <optional>
#include <vector>

#include "model/ip.hpp"
#include "model/object.hpp"

namespace fairlead {

struct HostPort {
  Port port;  // of the node
  Port pod_port;
  Protocol protocol = Protocol::kTcp;
  std::optional<Ip> host_ip;  // nullopt or unspecified: every address of the node
  auto operator<=>(const HostPort&) const = default;
};

/// A pod of this node. Of two that want the same, the older gets it, then the smaller name.
struct PodHostPorts {
  ObjectName pod;
  Time created;               // the same for all where it is not known
  std::vector<Ip> addresses;  // the pod's own; the first of each family is led to
  std::vector<HostPort> ports;
  bool operator==(const PodHostPorts&) const = default;
};

}  // namespace fairlead
