// RTM_GETLINK and RTM_GETADDR dumps -> EthernetLink; RTM_NEWNEIGH and RTM_DELNEIGH with NTF_PROXY.
#include "dataplane/kernel/ethernet_links.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "dataplane/kernel/route_messages.hpp"

namespace fairlead {
namespace {

using namespace route_messages;

void add_link(const nlmsghdr& reply, std::vector<EthernetLink>& links) {
  const auto& header = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&reply));
  if (header.ifi_type != ARPHRD_ETHER || (header.ifi_flags & (IFF_LOOPBACK | IFF_NOARP)) != 0)
    return;
  const auto parts = attributes_of<IFLA_MAX + 1>(reply, sizeof(ifinfomsg));
  constexpr unsigned kRunning = IFF_UP | IFF_RUNNING;
  links.push_back({.index = header.ifi_index,
                   .name = text_of(parts[IFLA_IFNAME]),
                   .mac = mac_of(parts[IFLA_ADDRESS]).value_or(MacBytes{}),
                   .is_running = (header.ifi_flags & kRunning) == kRunning,
                   .addresses = {}});
}

struct AddressRow {
  int link = 0;
  LinkAddress address;
};

void add_address(const nlmsghdr& reply, std::vector<AddressRow>& rows) {
  const auto& header = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&reply));
  const auto parts = attributes_of<IFA_MAX + 1>(reply, sizeof(ifaddrmsg));
  const std::uint32_t flags =
      parts[IFA_FLAGS] != nullptr ? number_of(parts[IFA_FLAGS]) : header.ifa_flags;
  if ((flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0) return;
  auto address = ip_of(parts[IFA_LOCAL]);
  if (!address) address = ip_of(parts[IFA_ADDRESS]);
  if (address)
    rows.push_back({static_cast<int>(header.ifa_index), {*address, header.ifa_prefixlen}});
}

Result<> change_proxy(NetlinkSocket& socket, std::uint16_t type, int link, const Ip& address) {
  alignas(nlmsghdr) Request request{};
  auto* header = put_request<ndmsg>(request, type);
  if (type == RTM_NEWNEIGH) message_of(request).nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
  header->ndm_family = family_of(address);
  header->ndm_ifindex = link;
  header->ndm_flags = NTF_PROXY;
  header->ndm_state = NUD_PERMANENT;
  put_ip(&message_of(request), NDA_DST, address);
  return socket.query(message_of(request), [](const nlmsghdr&) { return Result<>(); });
}

}  // namespace

Result<std::vector<EthernetLink>> read_ethernet_links(NetlinkSocket& socket) {
  alignas(nlmsghdr) Request request{};
  put_request<ifinfomsg>(request, RTM_GETLINK);
  TRY(auto links, dump<EthernetLink>(socket, request, "links", add_link));
  request = {};
  put_request<ifaddrmsg>(request, RTM_GETADDR);
  TRY(const auto rows, dump<AddressRow>(socket, request, "addresses", add_address));
  for (const AddressRow& row : rows) {
    const auto link = std::ranges::find(links, row.link, &EthernetLink::index);
    if (link != links.end()) link->addresses.push_back(row.address);
  }
  std::ranges::sort(links, {}, &EthernetLink::index);
  return links;
}

Result<> add_neighbour_proxy(NetlinkSocket& socket, int link, const Ip& address) {
  auto done = change_proxy(socket, RTM_NEWNEIGH, link, address);
  if (done || done.error().code == std::errc::file_exists) return {};
  return prefix(fmt::format("join the group of {} on link {}", to_string(address), link),
                std::move(done).error());
}

Result<> delete_neighbour_proxy(NetlinkSocket& socket, int link, const Ip& address) {
  auto done = change_proxy(socket, RTM_DELNEIGH, link, address);
  const int error = done ? 0 : done.error().code.value();
  if (error == 0 || error == ENOENT || error == ENODEV || error == ESRCH || error == ENXIO ||
      error == EINVAL)
    return {};
  return prefix(fmt::format("leave the group of {} on link {}", to_string(address), link),
                std::move(done).error());
}

}  // namespace fairlead
