// What the kernel has of links, routes, neighbours and forwarding entries.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/kernel/route_batch.hpp"

namespace fairlead {

/// A link by its name; nullopt: there is none.
struct LinkDetails {
  int index = 0;
  std::string name, alias, kind;
  MacBytes mac{};
  std::uint32_t mtu = 0, group = 0;
  bool is_up = false;
  // Of VXLAN:
  std::uint32_t vni = 0;
  std::optional<Port> port;
  std::optional<Ip> local;
  int underlay = 0;
  bool learns = false;
};
Result<std::optional<LinkDetails>> read_link(NetlinkSocket& socket, const std::string& name);
/// All of the network namespace.
Result<std::vector<LinkDetails>> read_links(NetlinkSocket& socket);

/// Of the main table. `protocol`: RTPROT_…. Of several next hops: without device.
struct MainRoute {
  KernelRoute route;
  std::uint8_t protocol = 0;
  auto operator<=>(const MainRoute&) const = default;
};
/// Those that `keep` keeps. Sorted.
Result<std::vector<MainRoute>> read_routes(NetlinkSocket& socket,
                                           const std::function<bool(const MainRoute&)>& keep);
/// Of protocol kOwnRouteProtocol, unicast with one next hop. Sorted.
Result<std::vector<KernelRoute>> read_own_routes(NetlinkSocket& socket);
/// Permanent ones of a device, or of all where `device` is 0. Sorted.
Result<std::vector<KernelNeighbour>> read_neighbours(NetlinkSocket& socket, int device);
/// Of a VXLAN device, with a remote address. Sorted.
Result<std::vector<KernelForwarding>> read_forwarding(NetlinkSocket& socket, int device);
/// Addresses of a device with their prefix lengths, those of scope link left out. Sorted.
struct KernelAddress {
  Ip address;
  std::uint8_t length = 0;
  auto operator<=>(const KernelAddress&) const = default;
};
Result<std::vector<KernelAddress>> read_addresses(NetlinkSocket& socket, int device);

/// The link that has an address; nullopt: none.
Result<std::optional<int>> find_address(NetlinkSocket& socket, const Ip& address);

/// The route to an address, as the kernel would take it now.
struct RouteTo {
  int device = 0;
  std::uint32_t mtu = 0;  // of the device
  std::optional<Ip> via;
};
Result<RouteTo> find_route(NetlinkSocket& socket, const Ip& destination);

}  // namespace fairlead
