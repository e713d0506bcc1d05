// Dumps of routes, neighbours and links, and lookups -> values.
#include "dataplane/kernel/learned_routes.hpp"

#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <array>

#include "dataplane/kernel/route_messages.hpp"

namespace fairlead {
namespace {

using namespace route_messages;

/// Of a route, or of one of its next hops: both have these attributes.
using Parts = std::array<const nlattr*, RTA_MAX + 1>;

std::optional<Ip> gateway_of(const Parts& parts) {
  if (const auto via = ip_of(parts[RTA_GATEWAY])) return via;
  if (parts[RTA_VIA] == nullptr) return std::nullopt;
  const auto bytes = attribute_bytes(*parts[RTA_VIA]);
  Ip ip;
  constexpr std::size_t kHeader = offsetof(rtvia, rtvia_addr);
  if (bytes.size() != kHeader + ip.bytes.size()) return std::nullopt;
  std::ranges::copy(bytes.subspan(kHeader), ip.bytes.begin());
  return ip;
}

constexpr unsigned kDead = RTNH_F_DEAD | RTNH_F_LINKDOWN;

/// `visit(gateway, device)` for each next hop whose link is there.
template <class Visit>
void for_each_hop(const rtmsg& header, const Parts& parts, Visit visit) {
  if (parts[RTA_MULTIPATH] == nullptr) {
    const auto device = static_cast<int>(number_of(parts[RTA_OIF]));
    if (device != 0 && (header.rtm_flags & kDead) == 0) visit(gateway_of(parts), device);
    return;
  }
  auto bytes = attribute_bytes(*parts[RTA_MULTIPATH]);
  while (bytes.size() >= sizeof(rtnexthop)) {
    const auto& hop = *reinterpret_cast<const rtnexthop*>(bytes.data());
    if (hop.rtnh_len < sizeof(rtnexthop) || hop.rtnh_len > bytes.size()) return;
    Parts own{};
    const auto* attribute = reinterpret_cast<const nlattr*>(bytes.data() + sizeof(rtnexthop));
    const auto* end = reinterpret_cast<const char*>(bytes.data()) + hop.rtnh_len;
    for (; mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
         attribute = mnl_attr_next(attribute))
      if (const auto type = mnl_attr_get_type(attribute); type <= RTA_MAX) own[type] = attribute;
    if ((hop.rtnh_flags & kDead) == 0) visit(gateway_of(own), hop.rtnh_ifindex);
    const std::size_t step = RTNH_ALIGN(hop.rtnh_len);
    if (step >= bytes.size()) return;
    bytes = bytes.subspan(step);
  }
}

struct Row {
  LearnedKernelRoute route;
  bool ours = false;
  auto operator<=>(const Row&) const = default;
};

void read_row(const nlmsghdr& message, std::vector<Row>& rows) {
  const auto& header = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  if (header.rtm_table != RT_TABLE_MAIN || (header.rtm_flags & RTM_F_CLONED) != 0) return;
  if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6) return;
  const Family family = header.rtm_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  const auto parts = attributes_of<RTA_MAX + 1>(message, sizeof(rtmsg));
  if (number_of(parts[RTA_PRIORITY]) != learned_metric(family)) return;
  Row row;
  row.ours = header.rtm_protocol == kLearnedRouteProtocol;
  row.route.destination = {ip_of(parts[RTA_DST]).value_or(any_address(family)), header.rtm_dst_len};
  if (row.ours)
    for_each_hop(header, parts, [&](const std::optional<Ip>& via, int device) {
      row.route.hops.push_back({via.value_or(Ip{}), device});
    });
  std::ranges::sort(row.route.hops);
  rows.push_back(std::move(row));
}

}  // namespace

Result<LearnedRoutesState> read_learned_routes(NetlinkSocket& socket) {
  alignas(nlmsghdr) Request request{};
  put_request<rtmsg>(request, RTM_GETROUTE);
  TRY(auto rows, dump<Row>(socket, request, "routes", &read_row));
  sort_unique(rows);
  LearnedRoutesState state;
  for (Row& row : rows) {
    if (row.ours)
      state.routes.push_back(std::move(row.route));
    else
      state.foreign.push_back(row.route.destination);
  }
  return state;
}

Result<std::vector<RouteHop>> find_hops(NetlinkSocket& socket, const Ip& address) {
  alignas(nlmsghdr) Request request{};
  auto* header = put_request<rtmsg>(request, RTM_GETROUTE);
  header->rtm_family = family_of(address);
  header->rtm_dst_len = address.is_v4() ? 32 : 128;
  header->rtm_flags = RTM_F_FIB_MATCH;  // the route itself, with all its next hops
  put_ip(&message_of(request), RTA_DST, address);
  std::vector<RouteHop> hops;
  auto done = socket.query(message_of(request), [&](const nlmsghdr& reply) -> Result<> {
    const auto& route = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&reply));
    if (route.rtm_type != RTN_UNICAST || route.rtm_protocol == kLearnedRouteProtocol) return {};
    const auto parts = attributes_of<RTA_MAX + 1>(reply, sizeof(rtmsg));
    for_each_hop(route, parts, [&](const std::optional<Ip>& via, int device) {
      hops.push_back({via.value_or(address), device});
    });
    return {};
  });
  sort_unique(hops);
  if (done) return hops;
  const std::error_code code = done.error().code;
  if (code == std::errc::network_unreachable || code == std::errc::host_unreachable ||
      code == std::errc::permission_denied || code == std::errc::invalid_argument)
    return std::vector<RouteHop>{};  // no route, or one that says that there is no way
  return prefix("find the route to " + to_string(address), std::move(done).error());
}

Result<NeighbourAnswers> read_neighbour_answers(NetlinkSocket& socket) {
  alignas(nlmsghdr) Request request{};
  put_request<ndmsg>(request, RTM_GETNEIGH);
  using Answer = std::pair<RouteHop, bool>;
  const auto read = [](const nlmsghdr& reply, std::vector<Answer>& rows) {
    const auto& header = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&reply));
    constexpr unsigned kAnswers =
        NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
    if ((header.ndm_state & (NUD_FAILED | kAnswers)) == 0) return;
    const auto parts = attributes_of<NDA_MAX + 1>(reply, sizeof(ndmsg));
    if (const auto address = ip_of(parts[NDA_DST]))
      rows.emplace_back(RouteHop{*address, header.ndm_ifindex}, (header.ndm_state & kAnswers) != 0);
  };
  TRY(auto rows, dump<Answer>(socket, request, "neighbours", read));
  sort_unique(rows);
  NeighbourAnswers answers;
  for (const auto& [hop, answered] : rows) (answered ? answers.yes : answers.no).push_back(hop);
  return answers;
}

Result<std::vector<int>> read_working_links(NetlinkSocket& socket) {
  alignas(nlmsghdr) Request request{};
  put_request<ifinfomsg>(request, RTM_GETLINK);
  TRY(auto links,
      dump<int>(socket, request, "links", [](const nlmsghdr& reply, std::vector<int>& rows) {
        const auto& link = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&reply));
        constexpr unsigned kWorks = IFF_UP | IFF_RUNNING;
        if ((link.ifi_flags & kWorks) == kWorks) rows.push_back(link.ifi_index);
      }));
  sort_unique(links);
  return links;
}

}  // namespace fairlead
