// Dumps:         rules -> next hop groups -> routes; the first that is not plain ends it.
// Notifications: a socket filter (net/core/filter.c) passes those of the same kinds.
#include "dataplane/kernel/routing.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "dataplane/kernel/netlink_attributes.hpp"

namespace fairlead {
namespace {

using IsPlain = bool (*)(const nlmsghdr&);

template <class Header>
const Header& header_of(const nlmsghdr& message) {
  return *static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

bool is_ip(int family) { return family == AF_INET || family == AF_INET6; }

// ---- what is plain ----

/// What each rule says that chooses from all packets alike.
bool chooses_nothing(const nlattr& attribute) {
  switch (mnl_attr_get_type(&attribute)) {
    case FRA_TABLE:
    case FRA_PRIORITY:
    case FRA_PROTOCOL:
    case FRA_PAD:
      return true;
    case FRA_SUPPRESS_PREFIXLEN:
      return mnl_attr_get_u32(&attribute) == ~std::uint32_t{0};
    default:
      return false;
  }
}

/// One of those that the kernel makes (fib_default_rules_init(), fib6_rules_net_init()).
bool is_plain_rule(const nlmsghdr& message) {
  const auto& rule = header_of<fib_rule_hdr>(message);
  if (!is_ip(rule.family)) return true;
  std::uint32_t table = rule.table, priority = 0;
  bool plain = rule.action == FR_ACT_TO_TBL && rule.src_len == 0 && rule.dst_len == 0 &&
               rule.tos == 0 && (rule.flags & FIB_RULE_INVERT) == 0;
  for_each_attribute(message, sizeof(rule), [&](const nlattr& attribute) {
    plain = plain && chooses_nothing(attribute);
    if (mnl_attr_get_type(&attribute) == FRA_TABLE) table = mnl_attr_get_u32(&attribute);
    if (mnl_attr_get_type(&attribute) == FRA_PRIORITY) priority = mnl_attr_get_u32(&attribute);
  });
  return plain && ((priority == 0 && table == RT_TABLE_LOCAL) ||
                   (priority == 32766 && table == RT_TABLE_MAIN) ||
                   (priority == 32767 && table == RT_TABLE_DEFAULT));
}

/// No group: where net.ipv4.nexthop_compat_mode is off, routes do not say what theirs is.
bool is_plain_next_hop(const nlmsghdr& message) {
  bool plain = true;
  for_each_attribute(message, sizeof(nhmsg), [&](const nlattr& attribute) {
    plain = plain && mnl_attr_get_type(&attribute) != NHA_GROUP;
  });
  return plain;
}

bool is_plain_route(const nlmsghdr& message) {
  const auto& route = header_of<rtmsg>(message);
  if (!is_ip(route.rtm_family)) return true;
  bool plain = route.rtm_src_len == 0 && route.rtm_tos == 0;
  for_each_attribute(message, sizeof(route), [&](const nlattr& attribute) {
    plain = plain && mnl_attr_get_type(&attribute) != RTA_MULTIPATH;
  });
  return plain;
}

// ---- dumps ----

/// What a kernel cannot have is plain.
bool is_unknown_kind(const Error& error) {
  return error.code == std::errc::operation_not_supported ||
         error.code == std::errc::address_family_not_supported;
}

Result<bool> all_plain(NetlinkSocket& socket, std::uint16_t type, std::size_t header_bytes,
                       IsPlain is_plain) {
  alignas(nlmsghdr) std::array<char, 64> request{};
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST;
  mnl_nlmsg_put_extra_header(message, header_bytes);
  bool plain = true;
  const auto consistent = socket.dump(*message, [&](const nlmsghdr& reply) -> Result<> {
    plain = plain && is_plain(reply);
    return {};
  });
  if (consistent) return plain && *consistent;
  if (is_unknown_kind(consistent.error())) return true;
  return tl::unexpected(consistent.error());
}

// ---- notifications ----

constexpr sock_filter statement(unsigned code, std::uint32_t value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}
/// Goes on `yes` or `no` statements behind the next one.
constexpr sock_filter jump_if(std::uint32_t equal_to, std::uint8_t yes, std::uint8_t no) {
  return {BPF_JMP | BPF_JEQ | BPF_K, yes, no, equal_to};
}
/// Loads give network byte order's value of what is in the host's.
sock_filter jump_if_type(std::uint16_t type, std::uint8_t yes, std::uint8_t no) {
  return jump_if(htons(type), yes, no);
}
constexpr std::uint32_t kTypeAt = offsetof(nlmsghdr, nlmsg_type);
constexpr std::uint32_t kFindAttribute = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_NLATTR);
/// `rtm_src_len` and `rtm_tos`.
constexpr std::uint32_t kSourceAndTosAt = NLMSG_HDRLEN + offsetof(rtmsg, rtm_src_len);
static_assert(offsetof(rtmsg, rtm_tos) == offsetof(rtmsg, rtm_src_len) + 1);

Result<> keep_plain_ones_back(int socket) {
  std::array filter{
      statement(BPF_LD | BPF_H | BPF_ABS, kTypeAt),  // 0
      jump_if_type(RTM_NEWRULE, 14, 0),              // 1: to 16
      jump_if_type(RTM_DELRULE, 13, 0),
      jump_if_type(RTM_NEWNEXTHOP, 3, 0),  // to 7
      jump_if_type(RTM_DELNEXTHOP, 2, 0),
      jump_if_type(RTM_NEWROUTE, 4, 0),   // to 10
      jump_if_type(RTM_DELROUTE, 3, 10),  // to 10, 17
      // 7: next hops
      statement(BPF_LDX | BPF_IMM, NHA_GROUP),
      statement(BPF_LD | BPF_IMM, NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(nhmsg))),
      statement(BPF_JMP | BPF_JA, 4),  // to 14
      // 10: routes
      statement(BPF_LD | BPF_H | BPF_ABS, kSourceAndTosAt),
      jump_if(0, 0, 4),  // to 16
      statement(BPF_LDX | BPF_IMM, RTA_MULTIPATH),
      statement(BPF_LD | BPF_IMM, NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(rtmsg))),
      // 14: has it the attribute?
      statement(BPF_LD | BPF_W | BPF_ABS, kFindAttribute),
      jump_if(0, 1, 0),
      statement(BPF_RET | BPF_K, ~std::uint32_t{0}),
      statement(BPF_RET | BPF_K, 0),
  };
  const sock_fprog program{static_cast<std::uint16_t>(filter.size()), filter.data()};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    return system_error(errno, "attach a filter to a netlink socket");
  return {};
}

}  // namespace

Result<bool> read_has_plain_routing(NetlinkSocket& socket) {
  struct Kind {
    std::uint16_t type;
    std::size_t header_bytes;
    IsPlain is_plain;
  };
  for (const Kind& kind : {Kind{RTM_GETRULE, sizeof(fib_rule_hdr), is_plain_rule},
                           Kind{RTM_GETNEXTHOP, sizeof(nhmsg), is_plain_next_hop},
                           Kind{RTM_GETROUTE, sizeof(rtmsg), is_plain_route}}) {
    auto plain = all_plain(socket, kind.type, kind.header_bytes, kind.is_plain);
    if (!plain) return prefix("read rules and routes", std::move(plain).error());
    if (!*plain) return false;
  }
  return true;
}

Result<RoutingMonitor> RoutingMonitor::open() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY_VOID(keep_plain_ones_back(socket.fd()));
  for (const int group : {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_ROUTE,
                          RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP})
    TRY_VOID(socket.join(group));
  return RoutingMonitor(std::move(socket));
}

Result<bool> RoutingMonitor::drain() {
  bool any = false;
  auto complete = socket_.drain([&](const nlmsghdr&) {
    any = true;
    return Result<>();
  });
  if (!complete) return prefix("listen for changed rules", std::move(complete).error());
  return any || !*complete;
}

}  // namespace fairlead
