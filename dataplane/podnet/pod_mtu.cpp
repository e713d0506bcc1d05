// Node -> its underlay address -> the address' link -> MTU.
#include "dataplane/podnet/pod_mtu.hpp"

#include <linux/netlink.h>

#include <algorithm>

#include "dataplane/kernel/network_links.hpp"
#include "dataplane/kernel/route_reads.hpp"
#include "dataplane/podnet/overlay_kernel.hpp"

namespace fairlead::podnet {

Result<std::uint32_t> find_pod_mtu(const Node& own, const OverlayOptions& options) {
  const auto address = underlay_address({{own.name, own}}, own.name, options);
  if (!address) return invalid("Node " + own.name + ": it has no address of the underlay's family");
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY(const Underlay underlay, find_underlay(socket, *address));
  const std::uint32_t overhead =
      options.mode == Mode::kVxlan ? vxlan_overhead(address->family()) : 0;
  return std::min(underlay.mtu - overhead, options.mtu.value_or(UINT32_MAX));
}

Result<std::uint32_t> guess_pod_mtu(const OverlayOptions& options) {
  constexpr std::uint32_t kEthernet = 1500;
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY(const auto links, read_links(socket));
  TRY(const auto uplinks, read_default_route_links());
  std::uint32_t mtu = kEthernet;
  for (const LinkDetails& link : links)
    if (std::ranges::find(uplinks, link.index) != uplinks.end()) mtu = std::min(mtu, link.mtu);
  const std::uint32_t overhead = options.mode == Mode::kVxlan ? vxlan_overhead(Family::kIpv6) : 0;
  return std::min(mtu - overhead, options.mtu.value_or(UINT32_MAX));
}

}  // namespace fairlead::podnet
