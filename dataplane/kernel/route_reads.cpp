// Dumps of rtnetlink -> values.
#include "dataplane/kernel/route_reads.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "dataplane/kernel/netlink_attributes.hpp"
#include "dataplane/kernel/route_messages.hpp"

namespace fairlead {
namespace {

using namespace route_messages;

void add_vxlan(const nlattr& data, LinkDetails& link) {
  const auto parts = nested_attributes<IFLA_VXLAN_MAX + 1>(data);
  link.vni = number_of(parts[IFLA_VXLAN_ID]);
  link.underlay = static_cast<int>(number_of(parts[IFLA_VXLAN_LINK]));
  if (const nlattr* port = parts[IFLA_VXLAN_PORT]) link.port = Port{ntohs(mnl_attr_get_u16(port))};
  link.local = ip_of(parts[IFLA_VXLAN_LOCAL]);
  if (!link.local) link.local = ip_of(parts[IFLA_VXLAN_LOCAL6]);
  const nlattr* learning = parts[IFLA_VXLAN_LEARNING];
  link.learns = learning != nullptr && mnl_attr_get_u8(learning) != 0;
}

LinkDetails parse_link(const nlmsghdr& message) {
  const auto& header = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  const auto parts = attributes_of<IFLA_MAX + 1>(message, sizeof(ifinfomsg));
  LinkDetails link;
  link.index = header.ifi_index;
  link.is_up = (header.ifi_flags & IFF_UP) != 0;
  link.name = text_of(parts[IFLA_IFNAME]);
  link.alias = text_of(parts[IFLA_IFALIAS]);
  link.mac = mac_of(parts[IFLA_ADDRESS]).value_or(MacBytes{});
  link.mtu = number_of(parts[IFLA_MTU]);
  link.group = number_of(parts[IFLA_GROUP]);
  if (parts[IFLA_LINKINFO] == nullptr) return link;
  const auto info = nested_attributes<IFLA_INFO_MAX + 1>(*parts[IFLA_LINKINFO]);
  link.kind = text_of(info[IFLA_INFO_KIND]);
  if (link.kind == "vxlan" && info[IFLA_INFO_DATA] != nullptr)
    add_vxlan(*info[IFLA_INFO_DATA], link);
  return link;
}

constexpr std::uint32_t kDefaultMetric6 = 1024;

std::optional<MainRoute> main_route(const nlmsghdr& message) {
  const auto& header = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  if (header.rtm_table != RT_TABLE_MAIN || (header.rtm_flags & RTM_F_CLONED) != 0)
    return std::nullopt;
  const bool is_v4 = header.rtm_family == AF_INET;
  if (!is_v4 && header.rtm_family != AF_INET6) return std::nullopt;
  const auto parts = attributes_of<RTA_MAX + 1>(message, sizeof(rtmsg));
  MainRoute found;
  found.protocol = header.rtm_protocol;
  KernelRoute& route = found.route;
  route.destination.length = header.rtm_dst_len;
  route.destination.base =
      ip_of(parts[RTA_DST]).value_or(any_address(is_v4 ? Family::kIpv4 : Family::kIpv6));
  route.metric = number_of(parts[RTA_PRIORITY]);
  if (!is_v4 && route.metric == kDefaultMetric6) route.metric = 0;
  route.unreachable = header.rtm_type != RTN_UNICAST;
  if (route.unreachable) return found;
  route.via = ip_of(parts[RTA_GATEWAY]);
  route.source = ip_of(parts[RTA_PREFSRC]);
  route.device = static_cast<int>(number_of(parts[RTA_OIF]));
  route.on_link = (header.rtm_flags & RTNH_F_ONLINK) != 0;
  return found;
}

}  // namespace

Result<std::optional<LinkDetails>> read_link(NetlinkSocket& socket, const std::string& name) {
  alignas(nlmsghdr) Request request{};
  put_request<ifinfomsg>(request, RTM_GETLINK);
  mnl_attr_put_strz(&message_of(request), IFLA_IFNAME, name.c_str());
  std::optional<LinkDetails> link;
  auto done = socket.query(message_of(request), [&](const nlmsghdr& reply) -> Result<> {
    link = parse_link(reply);
    return {};
  });
  if (done) return link;
  if (done.error().code == std::errc::no_such_device) return std::optional<LinkDetails>();
  return prefix("read link " + name, std::move(done).error());
}

Result<std::vector<LinkDetails>> read_links(NetlinkSocket& socket) {
  alignas(nlmsghdr) Request request{};
  put_request<ifinfomsg>(request, RTM_GETLINK);
  return dump<LinkDetails>(socket, request, "links",
                           [](const nlmsghdr& reply, std::vector<LinkDetails>& links) {
                             links.push_back(parse_link(reply));
                           });
}

Result<std::vector<MainRoute>> read_routes(NetlinkSocket& socket,
                                           const std::function<bool(const MainRoute&)>& keep) {
  alignas(nlmsghdr) Request request{};
  put_request<rtmsg>(request, RTM_GETROUTE);
  TRY(auto routes, dump<MainRoute>(socket, request, "routes",
                                   [&](const nlmsghdr& reply, std::vector<MainRoute>& rows) {
                                     const auto route = main_route(reply);
                                     if (route && keep(*route)) rows.push_back(*route);
                                   }));
  sort_unique(routes);
  return routes;
}

Result<std::vector<KernelRoute>> read_own_routes(NetlinkSocket& socket) {
  TRY(const auto own, read_routes(socket, [](const MainRoute& row) {
        return row.protocol == kOwnRouteProtocol && row.route.device != 0;
      }));
  std::vector<KernelRoute> routes;
  for (const MainRoute& row : own) routes.push_back(row.route);
  return routes;
}

Result<std::vector<KernelNeighbour>> read_neighbours(NetlinkSocket& socket, int device) {
  alignas(nlmsghdr) Request request{};
  put_request<ndmsg>(request, RTM_GETNEIGH);
  if (device != 0)
    mnl_attr_put_u32(&message_of(request), NDA_IFINDEX, static_cast<std::uint32_t>(device));
  const auto read = [device](const nlmsghdr& reply, std::vector<KernelNeighbour>& rows) {
    const auto& header = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&reply));
    if ((header.ndm_state & NUD_PERMANENT) == 0) return;
    if (device != 0 && header.ndm_ifindex != device) return;
    const auto parts = attributes_of<NDA_MAX + 1>(reply, sizeof(ndmsg));
    const auto address = ip_of(parts[NDA_DST]);
    const auto mac = mac_of(parts[NDA_LLADDR]);
    if (address && mac) rows.push_back({header.ndm_ifindex, *address, *mac});
  };
  TRY(auto rows, dump<KernelNeighbour>(socket, request, "neighbours", read));
  sort_unique(rows);
  return rows;
}

Result<std::vector<KernelForwarding>> read_forwarding(NetlinkSocket& socket, int device) {
  alignas(nlmsghdr) Request request{};
  auto* header = put_request<ndmsg>(request, RTM_GETNEIGH);
  header->ndm_family = AF_BRIDGE;
  header->ndm_ifindex = device;
  const auto read = [device](const nlmsghdr& reply, std::vector<KernelForwarding>& rows) {
    const auto& entry = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&reply));
    if (entry.ndm_ifindex != device) return;
    const auto parts = attributes_of<NDA_MAX + 1>(reply, sizeof(ndmsg));
    const auto remote = ip_of(parts[NDA_DST]);
    const auto mac = mac_of(parts[NDA_LLADDR]);
    if (remote && mac) rows.push_back({device, *mac, *remote});
  };
  TRY(auto rows, dump<KernelForwarding>(socket, request, "forwarding entries", read));
  sort_unique(rows);
  return rows;
}

Result<std::vector<KernelAddress>> read_addresses(NetlinkSocket& socket, int device) {
  alignas(nlmsghdr) Request request{};
  put_request<ifaddrmsg>(request, RTM_GETADDR);
  const auto read = [device](const nlmsghdr& reply, std::vector<KernelAddress>& rows) {
    const auto& header = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&reply));
    if (static_cast<int>(header.ifa_index) != device || header.ifa_scope == RT_SCOPE_LINK) return;
    const auto parts = attributes_of<IFA_MAX + 1>(reply, sizeof(ifaddrmsg));
    auto address = ip_of(parts[IFA_LOCAL]);
    if (!address) address = ip_of(parts[IFA_ADDRESS]);
    if (address) rows.push_back({*address, header.ifa_prefixlen});
  };
  TRY(auto rows, dump<KernelAddress>(socket, request, "addresses", read));
  sort_unique(rows);
  return rows;
}

Result<std::optional<int>> find_address(NetlinkSocket& socket, const Ip& address) {
  alignas(nlmsghdr) Request request{};
  put_request<ifaddrmsg>(request, RTM_GETADDR);
  const auto read = [&](const nlmsghdr& reply, std::vector<int>& rows) {
    const auto& header = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&reply));
    const auto parts = attributes_of<IFA_MAX + 1>(reply, sizeof(ifaddrmsg));
    const auto local = ip_of(parts[parts[IFA_LOCAL] != nullptr ? IFA_LOCAL : IFA_ADDRESS]);
    if (local == address) rows.push_back(static_cast<int>(header.ifa_index));
  };
  TRY(const auto links, dump<int>(socket, request, "addresses", read));
  return links.empty() ? std::nullopt : std::optional(links.front());
}

Result<RouteTo> find_route(NetlinkSocket& socket, const Ip& destination) {
  alignas(nlmsghdr) Request request{};
  auto* header = put_request<rtmsg>(request, RTM_GETROUTE);
  header->rtm_family = destination.is_v4() ? AF_INET : AF_INET6;
  header->rtm_dst_len = destination.is_v4() ? 32 : 128;
  const std::size_t bytes = destination.is_v4() ? 4 : 16;
  mnl_attr_put(&message_of(request), RTA_DST, bytes, destination.bytes.data() + 16 - bytes);
  RouteTo route;
  auto done = socket.query(message_of(request), [&](const nlmsghdr& reply) -> Result<> {
    const auto parts = attributes_of<RTA_MAX + 1>(reply, sizeof(rtmsg));
    route.device = static_cast<int>(number_of(parts[RTA_OIF]));
    route.via = ip_of(parts[RTA_GATEWAY]);
    return {};
  });
  if (!done) return prefix("find the route to " + to_string(destination), std::move(done).error());
  TRY(const auto links, read_links(socket));
  for (const LinkDetails& link : links)
    if (link.index == route.device) route.mtu = link.mtu;
  return route;
}

}  // namespace fairlead
