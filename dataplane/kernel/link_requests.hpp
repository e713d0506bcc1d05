// Devices that are made: a pod's pair, and VXLAN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/kernel/route_batch.hpp"

namespace fairlead {

/// A pair, down, of which one end is here and the other in another network namespace.
struct VethRequest {
  std::string name;
  MacBytes mac{};
  std::uint32_t mtu = 0;
  std::string peer_name;
  MacBytes peer_mac{};
  int peer_netns = -1;  // descriptor
};
/// The index of the end that is here. The error's code is EEXIST if either name is taken.
Result<int> create_veth(NetlinkSocket& socket, const VethRequest& request);

/// Without learning, down.
struct VxlanRequest {
  std::string name;
  MacBytes mac{};
  std::uint32_t vni = 0, mtu = 0;
  Port port;
  Ip local;
  int underlay = 0;  // index; 0: none
};
Result<int> create_vxlan(NetlinkSocket& socket, const VxlanRequest& request);

}  // namespace fairlead
