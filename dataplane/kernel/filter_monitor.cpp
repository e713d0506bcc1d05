// RTNLGRP_TC, of which most is about other queueing disciplines, and about filters that we write.
#include "dataplane/kernel/filter_monitor.hpp"

#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace fairlead {
namespace {

bool concerns_clsact(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(tcmsg)) return false;
  const auto& place = *static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&message));
  switch (message.nlmsg_type) {
    case RTM_DELTFILTER:
      return TC_H_MAJ(place.tcm_parent) == TC_H_MAJ(TC_H_CLSACT);
    case RTM_DELQDISC:
      return place.tcm_parent == TC_H_CLSACT;
    default:
      return false;
  }
}

}  // namespace

Result<FilterMonitor> FilterMonitor::open() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY_VOID(socket.join(RTNLGRP_TC));
  return FilterMonitor(std::move(socket));
}

Result<bool> FilterMonitor::drain() {
  bool changed = false;
  auto complete = socket_.drain([&](const nlmsghdr& message) {
    changed = changed || concerns_clsact(message);
    return Result<>();
  });
  if (!complete) return prefix("listen for changed filters", std::move(complete).error());
  return changed || !*complete;
}

}  // namespace fairlead
