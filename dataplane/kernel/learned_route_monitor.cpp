// A socket filter keeps back what our own socket caused: a full table would fill the queue.
#include "dataplane/kernel/learned_route_monitor.hpp"

#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "dataplane/kernel/route_batch.hpp"

namespace fairlead {
namespace {

Result<> keep_own_back(int socket, std::uint32_t own) {
  // Loads take what is in the host's byte order for the network's.
  std::array filter{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(nlmsghdr, nlmsg_pid)},
      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, htonl(own)},
      sock_filter{BPF_RET | BPF_K, 0, 0, 0},
      sock_filter{BPF_RET | BPF_K, 0, 0, ~std::uint32_t{0}},
  };
  const sock_fprog program{static_cast<std::uint16_t>(filter.size()), filter.data()};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    return system_error(errno, "attach a filter to a netlink socket");
  return {};
}

/// A pod's route changes the way to no next hop.
bool leads_to_pod(const rtmsg& route) {
  return route.rtm_protocol == kOwnRouteProtocol &&
         route.rtm_dst_len == (route.rtm_family == AF_INET ? 32 : 128);
}

void note(const nlmsghdr& message, LearnedRouteMonitor::Changes& changes) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      changes.links.insert(
          static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message))->ifi_index);
      return;
    case RTM_NEWNEIGH: {
      const auto& neighbour = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message));
      changes.next_hops |=
          neighbour.ndm_family != AF_BRIDGE && (neighbour.ndm_state & NUD_FAILED) != 0;
      return;
    }
    case RTM_NEWADDR:
    case RTM_DELADDR:
      changes.next_hops = true;
      return;
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto& route = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
      if (route.rtm_table != RT_TABLE_MAIN) return;
      if (route.rtm_protocol == kLearnedRouteProtocol)
        changes.routes = true;
      else
        changes.next_hops |= !leads_to_pod(route);
      return;
    }
    default:
      return;
  }
}

}  // namespace

Result<LearnedRouteMonitor> LearnedRouteMonitor::open(const NetlinkSocket& own) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY_VOID(keep_own_back(socket.fd(), own.port_id()));
  for (const int group : {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                          RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE})
    TRY_VOID(socket.join(group));
  return LearnedRouteMonitor(std::move(socket));
}

Result<LearnedRouteMonitor::Changes> LearnedRouteMonitor::drain() {
  Changes changes;
  auto complete = socket_.drain([&](const nlmsghdr& message) {
    note(message, changes);
    return Result<>();
  });
  if (!complete) return prefix("listen for changed routes", std::move(complete).error());
  if (!*complete) changes.routes = changes.next_hops = true;
  return changes;
}

}  // namespace fairlead
