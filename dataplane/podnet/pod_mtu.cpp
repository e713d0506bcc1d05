// Node -> its underlay address -> the address' link -> MTU.
#include "dataplane/podnet/pod_mtu.hpp"

#include <linux/netlink.h>

#include <algorithm>

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

}  // namespace fairlead::podnet
