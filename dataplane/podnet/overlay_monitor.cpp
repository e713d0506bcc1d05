// groups of rtnetlink -> does it count?
//
//   link         every one but pods', which come and go all the time
//   address      every one: pods' links have none at the node's end
//   neighbour    of flvx0; forwarding entries are among them
//   setting      of all links or flvx0: forwarding, rp_filter
//   route        of ours, but not to a pod; others' that go, where one is in our way
#include "dataplane/podnet/overlay_monitor.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <string_view>

#include "dataplane/kernel/netlink_attributes.hpp"
#include "dataplane/kernel/route_batch.hpp"
#include "dataplane/podnet/overlay_kernel.hpp"

namespace fairlead::podnet {
namespace {

std::string_view link_name(const nlmsghdr& message) {
  std::string_view name;
  for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == IFLA_IFNAME) name = mnl_attr_get_str(&attribute);
  });
  return name;
}

int settings_of(const nlmsghdr& message) {
  int link = 0;
  for_each_attribute(message, sizeof(netconfmsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == NETCONFA_IFINDEX)
      link = static_cast<int>(mnl_attr_get_u32(&attribute));
  });
  return link;
}

bool leads_to_pod(const rtmsg& route) {
  return route.rtm_dst_len == (route.rtm_family == AF_INET ? 32 : 128);
}

}  // namespace

Result<OverlayMonitor> OverlayMonitor::open(const NetlinkSocket& own) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  for (const int group :
       {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
        RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF})
    TRY_VOID(socket.join(group));
  OverlayMonitor monitor(std::move(socket), own.port_id());
  monitor.vxlan_ = static_cast<int>(::if_nametoindex(kVxlanName));
  return monitor;
}

bool OverlayMonitor::counts(const nlmsghdr& message) {
  if (message.nlmsg_type == RTM_NEWLINK || message.nlmsg_type == RTM_DELLINK) {
    const auto& link = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    const std::string_view name = link_name(message);
    if (name == kVxlanName) vxlan_ = link.ifi_index;
    return !name.starts_with(kPodLinkPrefix) && message.nlmsg_pid != own_;
  }
  if (message.nlmsg_pid == own_) return false;
  switch (message.nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return true;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message))->ndm_ifindex == vxlan_;
    case RTM_NEWNETCONF: {
      const int link = settings_of(message);
      return link == NETCONFA_IFINDEX_ALL || link == vxlan_;
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto& route = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
      if (route.rtm_table != RT_TABLE_MAIN) return false;
      if (route.rtm_protocol == kOwnRouteProtocol) return !leads_to_pod(route);
      return foreign_routes_ && message.nlmsg_type == RTM_DELROUTE;
    }
    default:
      return false;
  }
}

Result<bool> OverlayMonitor::changed() {
  bool found = false;
  auto complete = socket_.drain([&](const nlmsghdr& message) -> Result<> {
    found |= counts(message);
    return {};
  });
  if (!complete) return prefix("listen for changed links and routes", std::move(complete).error());
  return found || !*complete;
}

}  // namespace fairlead::podnet
