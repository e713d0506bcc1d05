// ctnetlink: a dump that the kernel filters where it can, by protocol (5.8) and by state; what an
// older kernel sends in addition is left out here. Deletion is by tuple and id.
#include "dataplane/kernel/conntrack.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <array>

#include "dataplane/kernel/netlink_attributes.hpp"

namespace fairlead {
namespace {

using Request = std::array<char, 512>;

// CTA_FILTER_F_CTA_PROTO_NUM: the kernel exports CTA_FILTER, but not its flags
// (net/netfilter/nf_internals.h).
constexpr std::uint32_t kFilterByProtocol = 1U << 3;

nlmsghdr* put_request(Request& request, std::uint16_t type, Family family) {
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | type);
  message->nlmsg_flags = NLM_F_REQUEST;
  auto* nfnetlink = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  nfnetlink->nfgen_family = family == Family::kIpv4 ? AF_INET : AF_INET6;
  nfnetlink->version = NFNETLINK_V0;
  return message;
}

void put_address(nlmsghdr* message, std::uint16_t v4, std::uint16_t v6, const Ip& ip) {
  if (ip.is_v4())
    mnl_attr_put(message, v4, 4, ip.bytes.data() + 12);
  else
    mnl_attr_put(message, v6, ip.bytes.size(), ip.bytes.data());
}

Ip address_in(const nlattr* v4, const nlattr* v6) {
  Ip ip;
  if (v4 != nullptr && mnl_attr_get_payload_len(v4) == 4) {
    const auto bytes = attribute_bytes(*v4);
    return ip_from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  }
  if (v6 != nullptr && mnl_attr_get_payload_len(v6) == ip.bytes.size())
    std::ranges::copy(attribute_bytes(*v6), ip.bytes.begin());
  return ip;
}

struct Tuple {
  Ip source, destination;
  Port source_port, destination_port;
  std::uint8_t protocol = 0;
};

Tuple parse_tuple(const nlattr& nest) {
  Tuple tuple;
  const auto parts = nested_attributes<CTA_TUPLE_MAX + 1>(nest);
  if (parts[CTA_TUPLE_IP] != nullptr) {
    const auto ip = nested_attributes<CTA_IP_MAX + 1>(*parts[CTA_TUPLE_IP]);
    tuple.source = address_in(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC]);
    tuple.destination = address_in(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST]);
  }
  if (parts[CTA_TUPLE_PROTO] == nullptr) return tuple;
  const auto proto = nested_attributes<CTA_PROTO_MAX + 1>(*parts[CTA_TUPLE_PROTO]);
  if (proto[CTA_PROTO_NUM] != nullptr) tuple.protocol = mnl_attr_get_u8(proto[CTA_PROTO_NUM]);
  if (proto[CTA_PROTO_SRC_PORT] != nullptr)
    tuple.source_port.host = ntohs(mnl_attr_get_u16(proto[CTA_PROTO_SRC_PORT]));
  if (proto[CTA_PROTO_DST_PORT] != nullptr)
    tuple.destination_port.host = ntohs(mnl_attr_get_u16(proto[CTA_PROTO_DST_PORT]));
  return tuple;
}

ConntrackEntry parse_entry(const nlmsghdr& message) {
  ConntrackEntry entry;
  for_each_attribute(message, sizeof(nfgenmsg), [&](const nlattr& attribute) {
    switch (mnl_attr_get_type(&attribute)) {
      case CTA_TUPLE_ORIG: {
        const Tuple tuple = parse_tuple(attribute);
        entry.protocol = static_cast<Protocol>(tuple.protocol);
        entry.source = tuple.source;
        entry.destination = tuple.destination;
        entry.source_port = tuple.source_port;
        entry.destination_port = tuple.destination_port;
        break;
      }
      case CTA_TUPLE_REPLY:
        entry.reply_source = parse_tuple(attribute).source;
        break;
      case CTA_STATUS: {
        const std::uint32_t status = ntohl(mnl_attr_get_u32(&attribute));
        entry.is_translated = (status & IPS_DST_NAT) != 0;
        entry.is_answered = (status & IPS_SEEN_REPLY) != 0;
        break;
      }
      case CTA_ID:
        entry.id = ntohl(mnl_attr_get_u32(&attribute));
        break;
      case CTA_ZONE:
        entry.zone = ntohs(mnl_attr_get_u16(&attribute));
        break;
      default:
        break;
    }
  });
  return entry;
}

void put_filter(nlmsghdr* message, Protocol protocol, ConntrackSelection selection) {
  nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
  nlattr* proto = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(message, CTA_PROTO_NUM, static_cast<std::uint8_t>(protocol));
  mnl_attr_nest_end(message, proto);
  mnl_attr_nest_end(message, tuple);
  nlattr* filter = mnl_attr_nest_start(message, CTA_FILTER);
  mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, kFilterByProtocol);
  mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, 0);
  mnl_attr_nest_end(message, filter);
  if (selection == ConntrackSelection::kAll) return;
  mnl_attr_put_u32(message, CTA_STATUS, 0);
  mnl_attr_put_u32(message, CTA_STATUS_MASK, htonl(IPS_DST_NAT | IPS_SEEN_REPLY));
}

bool is_selected(const ConntrackEntry& entry, ConntrackSelection selection) {
  return selection == ConntrackSelection::kAll || (!entry.is_translated && !entry.is_answered);
}

}  // namespace

Result<> load_conntrack() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_NETFILTER));
  Request request{};
  // The number of entries: no walk over them.
  nlmsghdr* message = put_request(request, IPCTNL_MSG_CT_GET_STATS, Family::kIpv4);
  auto outcome = socket.query(*message, [](const nlmsghdr&) -> Result<> { return {}; });
  if (!outcome) return prefix("ask ctnetlink", std::move(outcome).error());
  return {};
}

Result<> list_conntrack(NetlinkSocket& socket, Family family, Protocol protocol,
                        ConntrackSelection selection,
                        const std::function<void(const ConntrackEntry&)>& visit) {
  Request request{};
  nlmsghdr* message = put_request(request, IPCTNL_MSG_CT_GET, family);
  put_filter(message, protocol, selection);
  auto outcome = socket.dump(*message, [&](const nlmsghdr& reply) -> Result<> {
    const ConntrackEntry entry = parse_entry(reply);
    if (entry.protocol == protocol && is_selected(entry, selection)) visit(entry);
    return {};
  });
  if (!outcome) return prefix("list conntrack entries", std::move(outcome).error());
  return {};
}

Result<> delete_conntrack(NetlinkSocket& socket, const ConntrackEntry& entry) {
  Request request{};
  nlmsghdr* message = put_request(request, IPCTNL_MSG_CT_DELETE, entry.source.family());
  nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
  nlattr* ip = mnl_attr_nest_start(message, CTA_TUPLE_IP);
  put_address(message, CTA_IP_V4_SRC, CTA_IP_V6_SRC, entry.source);
  put_address(message, CTA_IP_V4_DST, CTA_IP_V6_DST, entry.destination);
  mnl_attr_nest_end(message, ip);
  nlattr* proto = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(message, CTA_PROTO_NUM, static_cast<std::uint8_t>(entry.protocol));
  mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(entry.source_port.host));
  mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(entry.destination_port.host));
  mnl_attr_nest_end(message, proto);
  mnl_attr_nest_end(message, tuple);
  if (entry.zone != 0) mnl_attr_put_u16(message, CTA_ZONE, htons(entry.zone));
  mnl_attr_put_u32(message, CTA_ID, htonl(entry.id));
  auto outcome = socket.query(*message, [](const nlmsghdr&) -> Result<> { return {}; });
  if (outcome || outcome.error().code == std::errc::no_such_file_or_directory) return {};
  return prefix("delete conntrack entry of " + to_string(entry.destination, entry.destination_port),
                std::move(outcome).error());
}

}  // namespace fairlead
