// RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE dumps -> NetworkLink.
#include "dataplane/kernel/network_links.hpp"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/kernel/netlink_attributes.hpp"

namespace fairlead {
namespace {

/// IFLA_PARENT_DEV_NAME (Linux 5.14): the device on a bus. Absent below it.
constexpr std::uint16_t kParentDevice = 56;

using Request = std::array<char, 64>;

nlmsghdr* put_request(Request& request, std::uint16_t type, std::size_t header_bytes) {
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST;
  mnl_nlmsg_put_extra_header(message, header_bytes);
  return message;
}

std::string_view text_of(const nlattr& attribute) {
  const auto bytes = attribute_bytes(attribute);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

NetworkLink parse_link(const nlmsghdr& message) {
  const auto& header = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  NetworkLink link;
  link.index = header.ifi_index;
  link.is_loopback = (header.ifi_flags & IFF_LOOPBACK) != 0;
  link.is_up = (header.ifi_flags & IFF_UP) != 0;
  link.has_mac = header.ifi_type == ARPHRD_ETHER || header.ifi_type == ARPHRD_LOOPBACK;
  for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
    switch (mnl_attr_get_type(&attribute)) {
      case IFLA_IFNAME:
        link.name = text_of(attribute);
        break;
      case IFLA_MASTER:
        link.master = static_cast<int>(mnl_attr_get_u32(&attribute));
        break;
      case IFLA_LINK_NETNSID:
        link.peer_is_elsewhere = true;
        break;
      case IFLA_QDISC: {
        const std::string_view qdisc = text_of(attribute);
        link.has_queue = qdisc != "noqueue" && qdisc != "noop";  // noop: while it is down
        break;
      }
      case kParentDevice:
        link.is_hardware = true;
        break;
      case IFLA_LINKINFO: {
        const auto parts = nested_attributes<IFLA_INFO_MAX + 1>(attribute);
        if (parts[IFLA_INFO_KIND] != nullptr) link.kind = text_of(*parts[IFLA_INFO_KIND]);
        break;
      }
      default:
        break;
    }
  });
  link.peer_is_elsewhere = link.peer_is_elsewhere && link.kind == "veth";
  return link;
}

void add_address(const nlmsghdr& message, std::vector<NetworkLink>& links) {
  const auto& header = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
  std::optional<Ip> local, address;
  std::uint32_t flags = header.ifa_flags;
  for_each_attribute(message, sizeof(ifaddrmsg), [&](const nlattr& attribute) {
    const auto type = mnl_attr_get_type(&attribute);
    if (type == IFA_FLAGS) flags = mnl_attr_get_u32(&attribute);
    if (type != IFA_LOCAL && type != IFA_ADDRESS) return;
    const auto bytes = attribute_bytes(attribute);
    Ip ip;
    if (bytes.size() == 4)
      ip = ip_from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
    else if (bytes.size() == ip.bytes.size())
      std::ranges::copy(bytes, ip.bytes.begin());
    (type == IFA_LOCAL ? local : address) = ip;
  });
  if (local) address = local;
  const auto link =
      std::ranges::find(links, static_cast<int>(header.ifa_index), &NetworkLink::index);
  if (!address || link == links.end()) return;
  link->addresses.push_back(*address);
  // A tentative, deprecated or temporary one is not for masquerading.
  const bool firm = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)) == 0;
  if (header.ifa_scope != RT_SCOPE_UNIVERSE || !firm) return;
  link->global_addresses.push_back(*address);
}

}  // namespace

Result<std::vector<NetworkLink>> read_network_links() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<NetworkLink> links;
  alignas(nlmsghdr) Request request{};
  auto outcome = socket.dump(*put_request(request, RTM_GETLINK, sizeof(ifinfomsg)),
                             [&](const nlmsghdr& reply) -> Result<> {
                               links.push_back(parse_link(reply));
                               return {};
                             });
  if (!outcome) return prefix("read interfaces", std::move(outcome).error());
  request = {};
  outcome = socket.dump(*put_request(request, RTM_GETADDR, sizeof(ifaddrmsg)),
                        [&](const nlmsghdr& reply) -> Result<> {
                          add_address(reply, links);
                          return {};
                        });
  if (!outcome) return prefix("read addresses of interfaces", std::move(outcome).error());
  return links;
}

Result<std::vector<int>> read_default_route_links() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<int> links;
  alignas(nlmsghdr) Request request{};
  auto outcome = socket.dump(
      *put_request(request, RTM_GETROUTE, sizeof(rtmsg)), [&](const nlmsghdr& reply) -> Result<> {
        const auto& route = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&reply));
        if (route.rtm_dst_len != 0 || route.rtm_table != RT_TABLE_MAIN ||
            route.rtm_type != RTN_UNICAST)
          return {};
        for_each_attribute(reply, sizeof(rtmsg), [&](const nlattr& attribute) {
          if (mnl_attr_get_type(&attribute) == RTA_OIF)
            links.push_back(static_cast<int>(mnl_attr_get_u32(&attribute)));
        });
        return {};
      });
  if (!outcome) return prefix("read default routes", std::move(outcome).error());
  return links;
}

Result<LinkMonitor> LinkMonitor::open() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY_VOID(socket.join(RTNLGRP_LINK));
  TRY_VOID(socket.join(RTNLGRP_IPV4_IFADDR));
  TRY_VOID(socket.join(RTNLGRP_IPV6_IFADDR));
  return LinkMonitor(std::move(socket));
}

Result<bool> LinkMonitor::drain() {
  bool changed = false;
  auto complete = socket_.drain([&](const nlmsghdr&) {
    changed = true;
    return Result<>();
  });
  if (!complete) return prefix("listen for changed interfaces", std::move(complete).error());
  return changed || !*complete;
}

}  // namespace fairlead
