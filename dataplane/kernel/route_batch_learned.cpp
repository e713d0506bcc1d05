// Routes that BGP learned -> messages: one next hop as a plain route's, several as RTA_MULTIPATH,
// an IPv6 one of an IPv4 destination as RTA_VIA (RFC 8950).
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include "dataplane/kernel/route_batch.hpp"
#include "dataplane/kernel/route_messages.hpp"

namespace fairlead {
namespace {

using route_messages::family_of, route_messages::put_ip;

void put_gateway(nlmsghdr* message, Family of_route, const Ip& via) {
  if (via.family() == of_route) return put_ip(message, RTA_GATEWAY, via);
  std::array<std::uint8_t, sizeof(rtvia) + sizeof(Ip::bytes)> bytes{};
  const std::uint16_t family = AF_INET6;
  std::memcpy(bytes.data(), &family, sizeof(family));
  std::memcpy(bytes.data() + offsetof(rtvia, rtvia_addr), via.bytes.data(), via.bytes.size());
  mnl_attr_put(message, RTA_VIA, offsetof(rtvia, rtvia_addr) + via.bytes.size(), bytes.data());
}

void put_hops(nlmsghdr* message, const LearnedKernelRoute& route) {
  const Family family = route.destination.family();
  if (route.hops.size() == 1) {
    put_gateway(message, family, route.hops[0].via);
    mnl_attr_put_u32(message, RTA_OIF, static_cast<std::uint32_t>(route.hops[0].device));
    return;
  }
  nlattr* all = mnl_attr_nest_start(message, RTA_MULTIPATH);
  for (const RouteHop& hop : route.hops) {
    auto* next = static_cast<rtnexthop*>(mnl_nlmsg_get_payload_tail(message));
    *next = rtnexthop{};
    next->rtnh_ifindex = hop.device;
    message->nlmsg_len += static_cast<std::uint32_t>(NLMSG_ALIGN(sizeof(rtnexthop)));
    put_gateway(message, family, hop.via);
    next->rtnh_len = static_cast<std::uint16_t>(
        static_cast<char*>(mnl_nlmsg_get_payload_tail(message)) - reinterpret_cast<char*>(next));
  }
  mnl_attr_nest_end(message, all);
}

std::string text_of(const LearnedKernelRoute& route) {
  std::string text = to_string(route.destination);
  for (const RouteHop& hop : route.hops)
    text += fmt::format(" via {} by link {}", to_string(hop.via), hop.device);
  return text;
}

rtmsg* put_header(nlmsghdr* message, const Cidr& destination) {
  auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  header->rtm_family = family_of(destination.base);
  header->rtm_dst_len = destination.length;
  header->rtm_table = RT_TABLE_MAIN;
  header->rtm_protocol = kLearnedRouteProtocol;
  put_ip(message, RTA_DST, destination.base);
  mnl_attr_put_u32(message, RTA_PRIORITY, learned_metric(destination.family()));
  return header;
}

}  // namespace

/// IPv6 routes without a metric of their maker's have 1024, IPv4 ones 0 (or 100 and more, by those
/// who configure links).
std::uint32_t learned_metric(Family family) { return family == Family::kIpv4 ? 202 : 1202; }

void RouteBatch::put_learned(const LearnedKernelRoute& route, std::uint16_t flags) {
  nlmsghdr* message = start(RTM_NEWROUTE, flags, {"add route", text_of(route), false});
  rtmsg* header = put_header(message, route.destination);
  header->rtm_scope = RT_SCOPE_UNIVERSE;
  header->rtm_type = RTN_UNICAST;
  put_hops(message, route);
  finish(message);
}

void RouteBatch::add_learned(const LearnedKernelRoute& route) {
  put_learned(route, NLM_F_CREATE | NLM_F_EXCL);
}
void RouteBatch::replace_learned(const LearnedKernelRoute& route) {
  put_learned(route, NLM_F_CREATE | NLM_F_REPLACE);
}

void RouteBatch::delete_learned(const Cidr& destination) {
  nlmsghdr* message = start(RTM_DELROUTE, 0, {"delete route", to_string(destination), true});
  put_header(message, destination)->rtm_scope = RT_SCOPE_NOWHERE;  // of any
  finish(message);
}

void RouteBatch::probe_neighbour(int device, const Ip& address) {
  nlmsghdr* message =
      start(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
            {"ask for", fmt::format("{} at link {}", to_string(address), device), true});
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
  header->ndm_family = family_of(address);
  header->ndm_ifindex = device;
  header->ndm_flags = NTF_USE;
  put_ip(message, NDA_DST, address);
  finish(message);
}

}  // namespace fairlead
