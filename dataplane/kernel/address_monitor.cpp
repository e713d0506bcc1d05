// The two groups of address notifications. What they say is not looked at: the addresses are read
// again whatever arrived, so that a lost message costs nothing.
#include "dataplane/kernel/address_monitor.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

namespace fairlead {

Result<AddressMonitor> AddressMonitor::open() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY_VOID(socket.join(RTNLGRP_IPV4_IFADDR));
  TRY_VOID(socket.join(RTNLGRP_IPV6_IFADDR));
  return AddressMonitor(std::move(socket));
}

Result<> AddressMonitor::drain() {
  auto complete = socket_.drain([](const nlmsghdr&) { return Result<>(); });
  if (!complete) return prefix("listen for changed addresses", std::move(complete).error());
  return {};
}

}  // namespace fairlead
