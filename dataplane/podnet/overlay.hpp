// The cluster's nodes and this one -> what the kernel shall hold to reach their pods. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/podnet/attachment.hpp"
#include "model/ip.hpp"
#include "model/object.hpp"

namespace fairlead::podnet {

/// kBgp: as kRoutes, but the routes to other nodes' pods are somebody else's to learn.
enum class Mode : std::uint8_t { kNone, kVxlan, kRoutes, kBgp };

struct OverlayOptions {
  Mode mode = Mode::kVxlan;
  std::uint32_t vni = 201;
  Port port{4789};
  bool direct_routing = true;
  std::optional<Family> underlay;    // nullopt: of the node's first InternalIP
  std::optional<std::uint32_t> mtu;  // nullopt: the underlay's less vxlan_overhead(); never more
};

/// The device that has this node's underlay address, and what is on its link.
struct Underlay {
  int device = 0;  // index; 0: routes decide from packet to packet
  std::uint32_t mtu = 1500;
  std::vector<Cidr> on_link;  // prefixes of its addresses
};

inline constexpr const char* kVxlanName = "flvx0";

struct VxlanDevice {
  std::string name;
  std::uint32_t vni = 0;
  Port port;
  Ip local;
  int underlay = 0;  // index
  Mac mac{};
  std::uint32_t mtu = 0;
  std::vector<Ip> addresses;  // of full length
  bool operator==(const VxlanDevice&) const = default;
};
struct Forwarding {
  Mac mac{};
  Ip remote;
  auto operator<=>(const Forwarding&) const = default;
};
struct Neighbour {
  Ip address;
  Mac mac{};
  auto operator<=>(const Neighbour&) const = default;
};
struct NodeRoute {
  Cidr destination;
  Ip via;
  bool by_vxlan = false;  // else by the underlay's device
  auto operator<=>(const NodeRoute&) const = default;
};

/// Lists are sorted, each entry once.
struct Overlay {
  int underlay = 0;  // index of the device of direct routes
  std::optional<VxlanDevice> device;
  std::vector<Forwarding> forwarding;
  std::vector<Neighbour> neighbours;
  std::vector<NodeRoute> routes;
  std::vector<Cidr> own;              // this node's podCIDRs: unreachable where no pod has a route
  std::vector<Cidr> pods;             // all podCIDRs of the cluster, this node's included
  std::vector<Ip> nodes;              // whose VXLAN is let in
  std::vector<std::string> problems;  // "Node n: …": left out, and why
  bool operator==(const Overlay&) const = default;
};

/// 02 and the first five bytes of SHA-1 of the node's name.
Mac vtep_mac(std::string_view node);

/// The address of `own_node` that carries VXLAN; nullopt: it has none of the family, or is not
/// known.
std::optional<Ip> underlay_address(const std::map<std::string, Node>& nodes,
                                   const std::string& own_node, const OverlayOptions& options);

/// `own_pod_cidrs`: this node's. A node without address of the underlay's family or without
/// podCIDRs is left out; a podCIDR that overlaps one of this node's or of an earlier node (by name)
/// is a problem. All nodes can be reached by VXLAN, those that are routed to directly as well, so
/// that nothing but a route changes when a node comes to be on the link or leaves it.
Overlay compile_overlay(const std::map<std::string, Node>& nodes, const std::string& own_node,
                        const std::vector<Cidr>& own_pod_cidrs, const Underlay& underlay,
                        const OverlayOptions& options);

/// Bytes that VXLAN adds to a frame: 50 over IPv4, 70 over IPv6.
std::uint32_t vxlan_overhead(Family underlay);

}  // namespace fairlead::podnet
