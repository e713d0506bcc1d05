// One node in a network namespace of the test's own: links, routes and neighbours that never
// change, so that the programs' look-ups in the forwarding table succeed and are known beforehand.
//
//   client ── router ── eth0 [node] pod0 ── local pod
//             other node ──┘     └─ pod1 ── its neighbour
//                  └╌╌╌ VXLAN, vx0 ╌╌╌┘
#pragma once

#include "tests/bpf/harness/packet.hpp"

namespace fairlead::test {

inline constexpr std::uint32_t kEth0 = 10, kPod0 = 20, kPod1 = 30, kVx0 = 40;  // ifindex
inline constexpr Mac kEth0Mac{2, 0, 0, 0, 0, 0x10};
inline constexpr Mac kPod0Mac{2, 0, 0, 0, 0, 0x20};  // the node's end
inline constexpr Mac kPodMac{2, 0, 0, 0, 0, 0x21};   // the pod's
inline constexpr Mac kPod1Mac{2, 0, 0, 0, 0, 0x30};
inline constexpr Mac kNeighbourMac{2, 0, 0, 0, 0, 0x31};
inline constexpr Mac kRouterMac{2, 0, 0, 0, 0, 0xfe};  // towards all clients
inline constexpr Mac kOtherMac{2, 0, 0, 0, 0, 0x02};   // the other node

inline constexpr Mac kVx0Mac{2, 0, 0, 0, 0, 0x40};
inline constexpr Mac kOtherVx0Mac{2, 0, 0, 0, 0, 0x42};  // the other node's VXLAN device

/// Addresses of a family.
struct World {
  explicit World(Family family);
  Ip node, other_node, client, other_client;
  Ip cluster_ip, external_ip, unallocated;
  Cidr service_range, pods;
  Ip local_pod, other_local_pod;
  Ip neighbour;                   // behind pod1
  std::array<Ip, 4> remote_pods;  // behind the other node
  Cidr tunnelled_pods;
  Ip tunnelled_pod;  // behind the other node, by VXLAN
  /// A client, and an address of the node: where frames begin with the IP header, BPF_PROG_RUN
  /// takes a part of the source for the type of the frame, and these read as IPv4 and IPv6.
  Ip typed_client, typed_node;
};

/// Moves this process into a new network namespace, which ends with it, and makes the links.
/// Called again, it leaves the namespace before.
void make_network();

}  // namespace fairlead::test
