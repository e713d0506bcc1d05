// RTM_GETADDR dump -> IFA_LOCAL, or IFA_ADDRESS where there is no peer.
#include "dataplane/kernel/addresses.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>

#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/netlink_attributes.hpp"

namespace fairlead {
namespace {

std::optional<Ip> ip_of(std::span<const std::uint8_t> bytes) {
  Ip ip;
  if (bytes.size() == ip.bytes.size()) {
    std::ranges::copy(bytes, ip.bytes.begin());
    return ip;
  }
  if (bytes.size() != 4) return std::nullopt;
  return ip_from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

}  // namespace

Result<std::vector<Ip>> read_local_addresses() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  alignas(nlmsghdr) std::array<char, 64> request{};
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = RTM_GETADDR;
  message->nlmsg_flags = NLM_F_REQUEST;
  mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg));
  std::vector<Ip> addresses;
  // An interrupted dump is good enough: who changed an address will be told of it, and read again.
  auto outcome = socket.dump(*message, [&](const nlmsghdr& reply) -> Result<> {
    std::optional<Ip> local, address;
    for_each_attribute(reply, sizeof(ifaddrmsg), [&](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) == IFA_LOCAL) local = ip_of(attribute_bytes(attribute));
      if (mnl_attr_get_type(&attribute) == IFA_ADDRESS) address = ip_of(attribute_bytes(attribute));
    });
    if (local) address = local;
    if (address) addresses.push_back(*address);
    return {};
  });
  if (!outcome) return prefix("read local addresses", std::move(outcome).error());
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

}  // namespace fairlead
