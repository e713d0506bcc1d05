// Notifications of rtnetlink -> is it about a link named fl-…, a route of our protocol, a
// neighbour or a queueing discipline that goes?
#include "dataplane/podnet/attachment_monitor.hpp"

#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <array>
#include <string_view>

#include "dataplane/kernel/netlink_attributes.hpp"
#include "dataplane/kernel/route_batch.hpp"

namespace fairlead::podnet {
namespace {

constexpr std::array kGroups{RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH,
                             RTNLGRP_TC};

bool is_pods_link(const nlmsghdr& message) {
  bool found = false;
  for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == IFLA_IFNAME)
      found = std::string_view(mnl_attr_get_str(&attribute)).starts_with("fl-");
  });
  return found;
}

bool concerns_us(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return is_pods_link(message);
    case RTM_DELROUTE:
      return static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message))->rtm_protocol ==
             kOwnRouteProtocol;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return (static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message))->ndm_state &
              NUD_PERMANENT) != 0 ||
             message.nlmsg_type == RTM_DELNEIGH;
    case RTM_DELQDISC:  // a pod's limit, for all that can be seen
      return static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&message))->tcm_parent == TC_H_ROOT;
    default:
      return false;
  }
}

}  // namespace

Result<AttachmentMonitor> AttachmentMonitor::open() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  for (const int group : kGroups) TRY_VOID(socket.join(group));
  return AttachmentMonitor(std::move(socket));
}

Result<bool> AttachmentMonitor::drain() {
  bool changed = false;
  auto complete = socket_.drain([&](const nlmsghdr& message) {
    changed = changed || concerns_us(message);
    return Result<>();
  });
  if (!complete) return prefix("listen for changes of pods' links", std::move(complete).error());
  return changed || !*complete;
}

}  // namespace fairlead::podnet
