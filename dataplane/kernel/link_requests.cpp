// VethRequest, VxlanRequest -> RTM_NEWLINK -> the new link's index, which the kernel tells in the
// echo of its notification (Linux 6.2), or is asked for by name.
#include "dataplane/kernel/link_requests.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>

#include "dataplane/kernel/route_reads.hpp"

namespace fairlead {
namespace {

using Request = std::array<char, 2048>;

nlmsghdr* start_new_link(Request& request) {
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = RTM_NEWLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO;
  mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
  return message;
}

void put_identity(nlmsghdr* message, const std::string& name, const MacBytes& mac,
                  std::uint32_t mtu) {
  mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
  mnl_attr_put(message, IFLA_ADDRESS, mac.size(), mac.data());
  if (mtu != 0) mnl_attr_put_u32(message, IFLA_MTU, mtu);
}

void put_peer(nlmsghdr* message, const VethRequest& request) {
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  nlattr* peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
  mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
  put_identity(message, request.peer_name, request.peer_mac, request.mtu);
  mnl_attr_put_u32(message, IFLA_NET_NS_FD, static_cast<std::uint32_t>(request.peer_netns));
  mnl_attr_nest_end(message, peer);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
}

void put_vxlan(nlmsghdr* message, const VxlanRequest& request) {
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_KIND, "vxlan");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  mnl_attr_put_u32(message, IFLA_VXLAN_ID, request.vni);
  const auto& bytes = request.local.bytes;
  if (request.local.is_v4())
    mnl_attr_put(message, IFLA_VXLAN_LOCAL, 4, bytes.data() + 12);
  else
    mnl_attr_put(message, IFLA_VXLAN_LOCAL6, bytes.size(), bytes.data());
  mnl_attr_put_u16(message, IFLA_VXLAN_PORT, htons(request.port.host));
  mnl_attr_put_u8(message, IFLA_VXLAN_LEARNING, 0);
  if (request.underlay != 0)
    mnl_attr_put_u32(message, IFLA_VXLAN_LINK, static_cast<std::uint32_t>(request.underlay));
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
}

Result<int> send(NetlinkSocket& socket, nlmsghdr& message, const std::string& name) {
  int index = 0;
  auto done = socket.query(message, [&](const nlmsghdr& reply) -> Result<> {
    if (reply.nlmsg_type == RTM_NEWLINK)
      index = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&reply))->ifi_index;
    return {};
  });
  if (!done) return prefix("create link " + name, std::move(done).error());
  if (index != 0) return index;
  TRY(const auto link, read_link(socket, name));
  if (!link) return system_error(ENODEV, "find the new link " + name);
  return link->index;
}

}  // namespace

Result<int> create_veth(NetlinkSocket& socket, const VethRequest& request) {
  alignas(nlmsghdr) Request buffer{};
  nlmsghdr* message = start_new_link(buffer);
  put_identity(message, request.name, request.mac, request.mtu);
  put_peer(message, request);
  return send(socket, *message, request.name);
}

Result<int> create_vxlan(NetlinkSocket& socket, const VxlanRequest& request) {
  alignas(nlmsghdr) Request buffer{};
  nlmsghdr* message = start_new_link(buffer);
  put_identity(message, request.name, request.mac, request.mtu);
  put_vxlan(message, request);
  return send(socket, *message, request.name);
}

}  // namespace fairlead
