// NodeSettings, links, routes -> fl_config, fl_interface.
#include "dataplane/ebpf/interfaces.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <limits>

#include "dataplane/ebpf/compile.hpp"
#include "dataplane/ebpf/figures.hpp"
#include "dataplane/ebpf/tables.hpp"

namespace fairlead::ebpf {
namespace {

using std::chrono::seconds;

constexpr __u32 ticks(seconds time) {
  return static_cast<__u32>((std::chrono::nanoseconds(time).count() >> FL_TICK_SHIFT) + 1);
}

/// Those of kube-proxy's conntrack settings where it has them, else Linux conntrack's.
constexpr fl_timeouts kTimeouts{
    .tcp_new = ticks(seconds(120)),
    .tcp_established = ticks(std::chrono::hours(24)),
    .tcp_closing = ticks(std::chrono::hours(1)),
    .closed = ticks(seconds(30)),
    .udp_new = ticks(seconds(30)),
    .udp_established = ticks(seconds(120)),
};
constexpr __u32 kLongestTimeout =
    std::max({kTimeouts.tcp_new, kTimeouts.tcp_established, kTimeouts.tcp_closing, kTimeouts.closed,
              kTimeouts.udp_new, kTimeouts.udp_established});
constexpr __u32 kDropEventsASecond = 100;

bool has_default_route(const NetworkLink& link, const Network& network) {
  return std::ranges::find(network.default_routes, link.index) != network.default_routes.end();
}

bool is_internal(const NetworkLink& link, const Network& network, const DetectLocal& detect) {
  switch (detect.mode) {
    case DetectLocal::Mode::kNone:
    case DetectLocal::Mode::kCidr:
      return false;
    case DetectLocal::Mode::kInterfacePrefix:
      return link.name.starts_with(detect.interface);
    case DetectLocal::Mode::kInterface:
      break;
  }
  if (link.name == detect.interface) return true;
  const auto bridge = std::ranges::find(network.links, detect.interface, &NetworkLink::name);
  return bridge != network.links.end() && link.master == bridge->index;
}

/// A veth to a pod, and not the node's own way to the world (a node that is a container). Not where
/// a limit of what the pod receives is at the node's end, which bpf_redirect_peer() goes past.
bool leads_into_pod(const NetworkLink& link, const Network& network, const NodeSettings& node) {
  if (!link.peer_is_elsewhere || link.has_queue || has_default_route(link, network)) return false;
  return std::ranges::none_of(link.addresses, [&](const Ip& address) {
    const auto mode = address.is_v4() ? node.node_ports_v4 : node.node_ports_v6;
    return mode == NodeSettings::NodePorts::kListed &&
           std::ranges::find(node.node_port_addresses, address) != node.node_port_addresses.end();
  });
}

/// The first of a family; the unspecified bytes if there is none.
fl_address first_of(std::span<const Ip> addresses, Family family) {
  const auto found = std::ranges::find(addresses, family, &Ip::family);
  return found == addresses.end() ? fl_address{} : address_of(*found);
}

fl_address node_address(const NodeSettings& node, const Network& network, Family family) {
  std::vector<Ip> candidates;
  for (const Ip& address : node.node_port_addresses)
    if (!address.is_loopback() && !address.is_link_local()) candidates.push_back(address);
  for (const bool on_default_route : {true, false})
    for (const NetworkLink& link : network.links)
      if (has_default_route(link, network) == on_default_route)
        std::ranges::copy(link.global_addresses, std::back_inserter(candidates));
  return first_of(candidates, family);
}

bool has_address(const fl_interface& interface, const fl_config& config, int family) {
  const fl_address& node = config.node_address[family];
  return !same_bytes(node, fl_address{}) && same_bytes(interface.address[family], node);
}

/// Which questions about interfaces the node itself answers.
void add_answers(const Network& network, const NodeSettings& node, fl_config& config) {
  config.no_internal_interfaces = 1;
  for (const NetworkLink& link : network.links) {
    const fl_interface interface = interface_of(link, network, node);
    if (interface.flags & FL_INTERFACE_INTERNAL) config.no_internal_interfaces = 0;
    const auto families = static_cast<__u8>((has_address(interface, config, 0) ? 1 : 0) |
                                            (has_address(interface, config, 1) ? 2 : 0));
    if (std::popcount(families) <= std::popcount(config.node_interface_families) ||
        link.index > std::numeric_limits<__u16>::max())
      continue;
    config.node_interface = static_cast<__u16>(link.index);
    config.node_interface_families = families;
  }
}

__u16 put_prefixes(const std::vector<Cidr>& cidrs, fl_prefix* prefixes) {
  const auto count = static_cast<__u16>(std::min<std::size_t>(cidrs.size(), FL_PREFIXES));
  for (__u16 i = 0; i < count; ++i) prefixes[i] = prefix_of(cidrs[i]);
  return count;
}

}  // namespace

bool is_skipped(std::string_view name, std::span<const std::string> patterns) {
  return std::ranges::any_of(patterns, [&](std::string_view pattern) {
    if (!pattern.ends_with('*')) return name == pattern;
    pattern.remove_suffix(1);
    return name.starts_with(pattern);
  });
}

fl_interface interface_of(const NetworkLink& link, const Network& network,
                          const NodeSettings& node) {
  fl_interface interface {};
  interface.address[0] = first_of(link.global_addresses, Family::kIpv4);
  interface.address[1] = first_of(link.global_addresses, Family::kIpv6);
  if (is_internal(link, network, node.detect_local)) interface.flags |= FL_INTERFACE_INTERNAL;
  if (leads_into_pod(link, network, node)) interface.flags |= FL_INTERFACE_PEER;
  if (!link.has_mac) interface.flags |= FL_INTERFACE_NO_MAC;
  return interface;
}

std::vector<Ip> node_addresses(const NodeSettings& node, const Network& network) {
  std::vector<Ip> addresses;
  const auto is_listed = [&](const Ip& address) {
    return (address.is_v4() ? node.node_ports_v4 : node.node_ports_v6) ==
           NodeSettings::NodePorts::kListed;
  };
  for (const Ip& address : node.node_port_addresses)
    if (is_listed(address)) addresses.push_back(address);
  for (const NetworkLink& link : network.links)
    for (const Ip& address : link.addresses)
      if (!is_listed(address) && !address.is_loopback()) addresses.push_back(address);
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

fl_config config_of(const NodeSettings& node, const Network& network, const Options& options,
                    std::uint64_t netns_cookie) {
  fl_config config{};
  config.host_netns_cookie = netns_cookie;
  config.snat_port_first = options.snat_ports.first;
  config.snat_port_last = options.snat_ports.last;
  config.forward_by_stack = options.forward_by_stack ? 1 : 0;
  config.drop_events_a_second = kDropEventsASecond;
  config.timeouts = kTimeouts;
  config.longest_timeout = kLongestTimeout;
  config.node_address[0] = node_address(node, network, Family::kIpv4);
  config.node_address[1] = node_address(node, network, Family::kIpv6);
  add_answers(network, node, config);
  if (node.detect_local.mode == DetectLocal::Mode::kCidr)
    config.internal_prefix_count = put_prefixes(node.detect_local.cidrs, config.internal);
  config.service_prefix_count = put_prefixes(node.service_cidrs, config.service);
  return config;
}

std::size_t write_config(fl_config want, fl_config& config) {
  // In a new one there has not been any flow, for as long as one may last.
  if (config.longest_timeout == 0) config.last_use = now_ticks() - want.longest_timeout - 1;
  const fl_config have = config;
  want.mode = have.mode;
  want.last_use = have.last_use;
  want.has_host_flows = have.has_host_flows;
  want.plain_routes_until = have.plain_routes_until;
  want.pods_epoch = have.pods_epoch;
  want.neighbour_conntrack = have.neighbour_conntrack;
  want.foreign_sockets = have.foreign_sockets;
  if (same_bytes(have, want)) return 0;
  // Programs and threads write what is before the timeouts at the same time.
  std::memcpy(&config.timeouts, &want.timeouts, sizeof(want) - offsetof(fl_config, timeouts));
  config.longest_timeout = want.longest_timeout;
  return 1;
}

}  // namespace fairlead::ebpf
