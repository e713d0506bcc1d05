// Each add_…/delete_… writes one message into a page of memory; commit() asks for an
// acknowledgement of the last and sends all pages as one datagram.
#include "dataplane/kernel/route_batch.hpp"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "dataplane/kernel/route_messages.hpp"

namespace fairlead {
namespace {

using route_messages::family_of, route_messages::put_ip;

// A message with kMostHops hops of IPv6 is the longest.
constexpr std::size_t kPageBytes = 64 * 1024, kMessageBytes = 1024;

std::string text_of(const KernelRoute& route) {
  std::string text = to_string(route.destination);
  if (route.via) text += " via " + to_string(*route.via);
  if (route.unreachable) return text + ", unreachable";
  return fmt::format("{} by link {}", text, route.device);
}

void put_no_addresses(nlmsghdr* message) {
  nlattr* families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
  nlattr* ipv6 = mnl_attr_nest_start(message, AF_INET6);
  mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end(message, ipv6);
  mnl_attr_nest_end(message, families);
}

/// What is to be deleted is not there.
bool says_gone(int error) {
  return error == ENOENT || error == ESRCH || error == ENODEV || error == EADDRNOTAVAIL;
}

}  // namespace

nlmsghdr* RouteBatch::start(std::uint16_t type, std::uint16_t flags, Step step) {
  if (pages_.empty() || pages_.back().used + kMessageBytes > kPageBytes)
    pages_.push_back({std::make_unique<char[]>(kPageBytes), 0});
  steps_.push_back(std::move(step));
  nlmsghdr* message = mnl_nlmsg_put_header(pages_.back().bytes.get() + pages_.back().used);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = static_cast<std::uint32_t>(steps_.size());
  return message;
}

void RouteBatch::finish(const nlmsghdr* message) {
  pages_.back().used += MNL_ALIGN(message->nlmsg_len);
}

void RouteBatch::change_link(int device, const LinkChange& change) {
  nlmsghdr* message = start(RTM_NEWLINK, 0, {"change", fmt::format("link {}", device), false});
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  header->ifi_index = device;
  if (change.up) header->ifi_flags = header->ifi_change = IFF_UP;
  if (change.mtu) mnl_attr_put_u32(message, IFLA_MTU, *change.mtu);
  if (change.group) mnl_attr_put_u32(message, IFLA_GROUP, *change.group);
  if (change.mac) mnl_attr_put(message, IFLA_ADDRESS, change.mac->size(), change.mac->data());
  if (!change.alias.empty()) mnl_attr_put_str(message, IFLA_IFALIAS, change.alias.c_str());
  if (change.no_own_addresses) put_no_addresses(message);
  finish(message);
}

void RouteBatch::delete_link(int device) {
  nlmsghdr* message = start(RTM_DELLINK, 0, {"delete", fmt::format("link {}", device), true});
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  header->ifi_index = device;
  finish(message);
}

void RouteBatch::delete_links_of_group(std::uint32_t group) {
  nlmsghdr* message =
      start(RTM_DELLINK, 0, {"delete", fmt::format("links of group {}", group), true});
  mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
  mnl_attr_put_u32(message, IFLA_GROUP, group);
  finish(message);
}

namespace {

void put_address(nlmsghdr* message, int device, const Ip& address, std::uint8_t length) {
  auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
  header->ifa_family = family_of(address);
  header->ifa_prefixlen = length;
  header->ifa_index = static_cast<std::uint32_t>(device);
  header->ifa_scope = RT_SCOPE_UNIVERSE;
  put_ip(message, IFA_LOCAL, address);
  put_ip(message, IFA_ADDRESS, address);
  if (!address.is_v4()) mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD | IFA_F_PERMANENT);
}

}  // namespace

void RouteBatch::add_address(int device, const Ip& address, std::uint8_t length) {
  nlmsghdr* message =
      start(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
            {"add", fmt::format("{}/{} to link {}", to_string(address), length, device), false});
  put_address(message, device, address, length);
  finish(message);
}

void RouteBatch::delete_address(int device, const Ip& address, std::uint8_t length) {
  nlmsghdr* message = start(
      RTM_DELADDR, 0,
      {"remove", fmt::format("{}/{} from link {}", to_string(address), length, device), true});
  put_address(message, device, address, length);
  finish(message);
}

void RouteBatch::put_route(const KernelRoute& route, std::uint16_t type, std::uint16_t flags,
                           Step step) {
  nlmsghdr* message = start(type, flags, std::move(step));
  auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  header->rtm_family = family_of(route.destination.base);
  header->rtm_dst_len = route.destination.length;
  header->rtm_table = RT_TABLE_MAIN;
  header->rtm_protocol = kOwnRouteProtocol;
  const bool is_link = !route.via && !route.unreachable && header->rtm_family == AF_INET;
  header->rtm_scope = is_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header->rtm_type = route.unreachable ? RTN_UNREACHABLE : RTN_UNICAST;
  if (type == RTM_DELROUTE) {  // of any: somebody may have changed them
    header->rtm_scope = RT_SCOPE_NOWHERE;
    header->rtm_type = RTN_UNSPEC;
  }
  if (route.on_link) header->rtm_flags = RTNH_F_ONLINK;
  put_ip(message, RTA_DST, route.destination.base);
  if (route.via) put_ip(message, RTA_GATEWAY, *route.via);
  if (route.source) put_ip(message, RTA_PREFSRC, *route.source);
  if (route.metric != 0) mnl_attr_put_u32(message, RTA_PRIORITY, route.metric);
  if (route.device != 0)
    mnl_attr_put_u32(message, RTA_OIF, static_cast<std::uint32_t>(route.device));
  finish(message);
}

void RouteBatch::add_route(const KernelRoute& route) {
  put_route(route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
            {"add route", text_of(route), false});
}
void RouteBatch::delete_route(const KernelRoute& route) {
  put_route(route, RTM_DELROUTE, 0, {"delete route", text_of(route), true});
}

void RouteBatch::put_neighbour(const KernelNeighbour& neighbour, std::uint16_t type,
                               std::uint16_t flags, Step step) {
  nlmsghdr* message = start(type, flags, std::move(step));
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
  header->ndm_family = family_of(neighbour.address);
  header->ndm_ifindex = neighbour.device;
  header->ndm_state = NUD_PERMANENT;
  put_ip(message, NDA_DST, neighbour.address);
  mnl_attr_put(message, NDA_LLADDR, neighbour.mac.size(), neighbour.mac.data());
  finish(message);
}

void RouteBatch::add_neighbour(const KernelNeighbour& neighbour) {
  put_neighbour(
      neighbour, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
      {"add neighbour",
       fmt::format("{} at link {}", to_string(neighbour.address), neighbour.device), false});
}
void RouteBatch::delete_neighbour(const KernelNeighbour& neighbour) {
  put_neighbour(
      neighbour, RTM_DELNEIGH, 0,
      {"delete neighbour",
       fmt::format("{} at link {}", to_string(neighbour.address), neighbour.device), true});
}

void RouteBatch::put_forwarding(const KernelForwarding& entry, std::uint16_t type,
                                std::uint16_t flags, Step step) {
  nlmsghdr* message = start(type, flags, std::move(step));
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
  header->ndm_family = AF_BRIDGE;
  header->ndm_ifindex = entry.device;
  header->ndm_state = NUD_PERMANENT | NUD_NOARP;
  header->ndm_flags = NTF_SELF;
  mnl_attr_put(message, NDA_LLADDR, entry.mac.size(), entry.mac.data());
  put_ip(message, NDA_DST, entry.remote);
  finish(message);
}

void RouteBatch::add_forwarding(const KernelForwarding& entry) {
  put_forwarding(entry, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
                 {"add forwarding entry",
                  fmt::format("to {} at link {}", to_string(entry.remote), entry.device), false});
}
void RouteBatch::delete_forwarding(const KernelForwarding& entry) {
  put_forwarding(entry, RTM_DELNEIGH, 0,
                 {"delete forwarding entry",
                  fmt::format("to {} at link {}", to_string(entry.remote), entry.device), true});
}

Result<> RouteBatch::commit(NetlinkSocket& socket) {
  TRY(auto refused, commit_each(socket));
  if (!refused.empty()) return tl::unexpected(std::move(refused.front().error));
  return {};
}

Result<std::vector<RouteBatch::Refused>> RouteBatch::commit_each(NetlinkSocket& socket) {
  std::vector<Refused> refused;
  if (steps_.empty()) return refused;
  std::vector<iovec> pages;
  for (const Page& page : pages_) pages.push_back({page.bytes.get(), page.used});
  // Errors are told of each message, success of the last alone.
  auto* last = reinterpret_cast<nlmsghdr*>(pages_.back().bytes.get());
  int left = static_cast<int>(pages_.back().used);
  for (nlmsghdr* next = last; mnl_nlmsg_ok(next, left); next = mnl_nlmsg_next(next, &left))
    last = next;
  last->nlmsg_flags |= NLM_F_ACK;
  TRY(const auto refusals, socket.transact(pages));
  for (const auto& [sequence, error] : refusals) {
    if (sequence == 0 || sequence > steps_.size()) continue;
    const Step& step = steps_[sequence - 1];
    if (step.is_deletion && says_gone(error)) continue;
    refused.push_back(
        {sequence - 1, system_error(error, fmt::format("{} {}", step.verb, step.object)).value()});
  }
  return refused;
}

}  // namespace fairlead
