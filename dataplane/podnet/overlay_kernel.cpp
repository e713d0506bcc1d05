// read_overlay:  links, addresses, neighbours, forwarding entries, routes -> state
// write_overlay: device as wanted (made anew only if nothing else helps) -> differences -> one
// batch:
//                addresses, forwarding entries, neighbours, routes; then the reverse of what is not
//                wanted
#include "dataplane/podnet/overlay_kernel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>

#include "dataplane/diff/diff.hpp"
#include "dataplane/kernel/link_requests.hpp"
#include "dataplane/kernel/network_links.hpp"
#include "dataplane/podnet/overlay_settings.hpp"

namespace fairlead::podnet {
namespace {

std::uint8_t full_length(Family family) { return family == Family::kIpv4 ? 32 : 128; }
bool is_whole_address(const Cidr& cidr) { return cidr.length == full_length(cidr.family()); }

Cidr prefix_of(Ip address, std::uint8_t length) {
  const std::size_t bits = length + (address.is_v4() ? 96U : 0U);
  for (std::size_t bit = bits; bit < 8 * address.bytes.size(); ++bit)
    address.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  return {address, length};
}

/// Another VNI, port, address or device below cannot be given to a VXLAN device that is there.
bool can_become(const LinkDetails& have, const VxlanDevice& want) {
  return have.vni == want.vni && have.port == want.port && have.local == want.local &&
         have.underlay == want.underlay && !have.learns;
}

Result<int> make_device(NetlinkSocket& socket, const VxlanDevice& want) {
  auto made = create_vxlan(
      socket, {want.name, want.mac, want.vni, want.mtu, want.port, want.local, want.underlay});
  if (made || made.error().code != std::errc::file_exists) return made;
  TRY(const auto links, read_links(socket));
  for (const LinkDetails& link : links)
    if (link.kind == "vxlan" && link.vni == want.vni && link.port == want.port)
      return system_error(EEXIST, fmt::format("create {}: VNI {} on port {} is link {}'s",
                                              want.name, want.vni, want.port.host, link.name));
  return made;
}

struct WantedRows {
  std::vector<KernelAddress> addresses;
  std::vector<KernelForwarding> forwarding;
  std::vector<KernelNeighbour> neighbours;
  std::vector<KernelRoute> routes;
};

WantedRows rows_of(const Overlay& want, int device, const std::set<Cidr>& taken) {
  WantedRows rows;
  if (want.device)
    for (const Ip& address : want.device->addresses)
      rows.addresses.push_back({address, full_length(address.family())});
  for (const Forwarding& entry : want.forwarding)
    rows.forwarding.push_back({device, entry.mac, entry.remote});
  for (const Neighbour& neighbour : want.neighbours)
    rows.neighbours.push_back({device, neighbour.address, neighbour.mac});
  for (const NodeRoute& route : want.routes)
    if (!taken.contains(route.destination))
      rows.routes.push_back({route.destination, route.via, route.by_vxlan ? device : want.underlay,
                             route.by_vxlan, std::nullopt});
  for (const Cidr& own : want.own) {
    if (is_whole_address(own) || taken.contains(own)) continue;
    KernelRoute nowhere;
    nowhere.destination = own;
    nowhere.unreachable = true;
    rows.routes.push_back(nowhere);
  }
  std::ranges::sort(rows.addresses);
  std::ranges::sort(rows.forwarding);
  std::ranges::sort(rows.neighbours);
  std::ranges::sort(rows.routes);
  return rows;
}

/// Takes out of `changes.erase` what an addition replaces in the kernel, as it has the same key.
template <class Row, class Key>
void keep_replaced(Diff<Row>& changes, Key key_of) {
  std::vector<decltype(key_of(changes.add[0]))> added;
  for (const Row& row : changes.add) added.push_back(key_of(row));
  std::ranges::sort(added);
  std::erase_if(changes.erase,
                [&](const Row& row) { return std::ranges::binary_search(added, key_of(row)); });
}

struct Changes {
  Diff<KernelAddress> addresses;
  Diff<KernelForwarding> forwarding;
  Diff<KernelNeighbour> neighbours;
  Diff<KernelRoute> routes;

  Changes(const OverlayState& have, const WantedRows& want)
      : addresses(diff<KernelAddress>(have.addresses, want.addresses)),
        forwarding(diff<KernelForwarding>(have.forwarding, want.forwarding)),
        neighbours(diff<KernelNeighbour>(have.neighbours, want.neighbours)),
        routes(diff<KernelRoute>(have.routes, want.routes)) {
    keep_replaced(neighbours, [](const KernelNeighbour& row) { return row.address; });
    keep_replaced(routes,
                  [](const KernelRoute& row) { return std::pair(row.destination, row.metric); });
  }
  [[nodiscard]] std::size_t added() const {
    return addresses.add.size() + forwarding.add.size() + neighbours.add.size() + routes.add.size();
  }
  [[nodiscard]] std::size_t removed() const {
    return addresses.erase.size() + forwarding.erase.size() + neighbours.erase.size() +
           routes.erase.size();
  }

  /// A route is used at once: what it needs is there before it and goes after it.
  void put(RouteBatch& batch, int device) const {
    for (const auto& row : addresses.add) batch.add_address(device, row.address, row.length);
    for (const auto& row : forwarding.add) batch.add_forwarding(row);
    for (const auto& row : neighbours.add) batch.add_neighbour(row);
    for (const auto& row : routes.add) batch.add_route(row);
    for (const auto& row : routes.erase) batch.delete_route(row);
    for (const auto& row : neighbours.erase) batch.delete_neighbour(row);
    for (const auto& row : forwarding.erase) batch.delete_forwarding(row);
    for (const auto& row : addresses.erase) batch.delete_address(device, row.address, row.length);
  }
};

void put_link_changes(RouteBatch& batch, const LinkDetails& have, const VxlanDevice& want) {
  LinkChange change;
  change.up = !have.is_up;
  if (have.mtu != want.mtu) change.mtu = want.mtu;
  if (have.mac != want.mac) change.mac = want.mac;
  if (change.up || change.mtu || change.mac) batch.change_link(have.index, change);
}

/// What belongs to a device that is gone is gone with it.
void forget_device(OverlayState& have) {
  const int index = have.device->index;
  std::erase_if(have.routes, [&](const KernelRoute& route) { return route.device == index; });
  have.addresses.clear();
  have.forwarding.clear();
  have.neighbours.clear();
  have.device.reset();
}

/// The device's index; 0 where none is wanted. A new one is down.
Result<int> settle_device(NetlinkSocket& socket, OverlayState& have, const Overlay& want,
                          OverlayReport& report) {
  if (!want.device) return 0;
  if (have.device && have.device->kind != "vxlan")
    return system_error(EEXIST, fmt::format("link {} is somebody else's, of kind '{}'",
                                            want.device->name, have.device->kind));
  if (have.device && !can_become(*have.device, *want.device)) {
    RouteBatch batch;
    batch.delete_link(have.device->index);
    TRY_VOID(batch.commit(socket));
    forget_device(have);
  }
  if (have.device) return have.device->index;
  report.device_made = true;
  TRY(const int index, make_device(socket, *want.device));
  have.device = LinkDetails{};
  have.device->index = index;
  have.device->mac = want.device->mac;
  have.device->mtu = want.device->mtu;
  return index;
}

bool is_of_overlay(const KernelRoute& route, const std::set<int>& pod_links) {
  return !is_whole_address(route.destination) || !pod_links.contains(route.device);
}

std::set<Cidr> wanted_destinations(const Overlay& want) {
  std::set<Cidr> destinations(want.own.begin(), want.own.end());
  for (const NodeRoute& route : want.routes) destinations.insert(route.destination);
  return destinations;
}

}  // namespace

Result<OverlayState> read_overlay(NetlinkSocket& socket, const Overlay& want) {
  OverlayState state;
  std::set<int> pod_links;
  TRY(const auto links, read_links(socket));
  for (const LinkDetails& link : links) {
    if (link.name.starts_with(kPodLinkPrefix)) pod_links.insert(link.index);
    if (link.name == kVxlanName) state.device = link;
    if (link.index == want.underlay) state.underlay_name = link.name;
  }
  const std::set<Cidr> destinations = wanted_destinations(want);
  TRY(const auto routes, read_routes(socket, [&](const MainRoute& row) {
        if (row.protocol == kOwnRouteProtocol) return is_of_overlay(row.route, pod_links);
        return row.route.metric == 0 && destinations.contains(row.route.destination);
      }));
  for (const MainRoute& row : routes) {
    if (row.protocol == kOwnRouteProtocol)
      state.routes.push_back(row.route);
    else
      state.foreign.push_back(row);
  }
  if (!state.device || state.device->kind != "vxlan") return state;
  const int device = state.device->index;
  TRY(state.addresses, read_addresses(socket, device));
  TRY(state.forwarding, read_forwarding(socket, device));
  TRY(state.neighbours, read_neighbours(socket, device));
  return state;
}

Result<OverlayReport> write_overlay(NetlinkSocket& socket, OverlayState have, const Overlay& want) {
  OverlayReport report;
  std::set<Cidr> taken;
  for (const MainRoute& row : have.foreign) {
    if (!taken.insert(row.route.destination).second) continue;
    report.problems.push_back(
        fmt::format("route {} is somebody else's (protocol {}) and stays as it is",
                    to_string(row.route.destination), row.protocol));
  }
  TRY(const int device, settle_device(socket, have, want, report));
  report.settings = apply_settings(want, have.underlay_name, report.problems);
  const Changes changes(have, rows_of(want, device, taken));
  RouteBatch batch;
  if (have.device && want.device) put_link_changes(batch, *have.device, *want.device);
  // A device that is not wanted takes what it has along, but not before direct routes are there.
  const bool remove_device = !want.device && have.device && have.device->kind == "vxlan";
  changes.put(batch, remove_device ? have.device->index : device);
  if (remove_device) batch.delete_link(have.device->index);
  report.added = changes.added();
  report.removed = changes.removed();
  TRY_VOID(batch.commit(socket));
  return report;
}

Result<> remove_overlay(NetlinkSocket& socket) {
  TRY(const OverlayState have, read_overlay(socket, {}));
  RouteBatch batch;
  for (const KernelRoute& route : have.routes) batch.delete_route(route);
  if (have.device && have.device->kind == "vxlan") batch.delete_link(have.device->index);
  return batch.commit(socket);
}

Result<Underlay> find_underlay(NetlinkSocket& socket, const Ip& address) {
  TRY(const auto device, find_address(socket, address));
  if (!device)
    return system_error(EADDRNOTAVAIL,
                        fmt::format("find the link of this node's address {}", to_string(address)));
  TRY(const auto links, read_links(socket));
  Underlay underlay;
  const auto link = std::ranges::find(links, *device, &LinkDetails::index);
  // An address of the node itself, on the loopback or a dummy: any link may lead to it.
  if (link != links.end() && link->name != "lo" && link->kind != "dummy") {
    underlay.device = link->index;
    underlay.mtu = link->mtu;
    TRY(const auto addresses, read_addresses(socket, link->index));
    for (const KernelAddress& row : addresses)
      if (Cidr prefix = prefix_of(row.address, row.length); !is_whole_address(prefix))
        underlay.on_link.push_back(prefix);
    return underlay;
  }
  TRY(const auto uplinks, read_default_route_links());
  for (const LinkDetails& uplink : links)
    if (std::ranges::find(uplinks, uplink.index) != uplinks.end())
      underlay.mtu = std::min(underlay.mtu, uplink.mtu);
  return underlay;
}

}  // namespace fairlead::podnet
