// group NFNLGRP_NFTABLES -> socket filter (not our own commits) -> changed(): is it about our
// table?
#include "dataplane/kernel/nft_monitor.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "dataplane/kernel/netlink_attributes.hpp"

namespace fairlead::nft {
namespace {

// Drops datagrams whose first message was caused by `port`. One datagram has the messages of one
// transaction only. A load converts from network byte order, which netlink does not use, so the
// constant is converted as well.
Result<> ignore_sender(int fd, std::uint32_t port) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(nlmsghdr, nlmsg_pid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  }};
  const sock_fprog filter{program.size(), program.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) != 0)
    return system_error(errno, "attach filter to nftables monitor");
  return {};
}

// The table's name is attribute 1 of every nftables object but a generation.
static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
              NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1 &&
              NFTA_FLOWTABLE_TABLE == 1);

bool is_about(const nlmsghdr& message, std::string_view table) {
  if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES) return false;
  if (NFNL_MSG_TYPE(message.nlmsg_type) == NFT_MSG_NEWGEN) return false;
  if (static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message))->nfgen_family != NFPROTO_INET)
    return false;
  bool found = false;
  for_each_attribute(message, sizeof(nfgenmsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == NFTA_TABLE_NAME)
      found = table == mnl_attr_get_str(&attribute);
  });
  return found;
}

}  // namespace

Result<Monitor> Monitor::open(std::string table, const NetlinkSocket& own) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_NETFILTER));
  TRY_VOID(ignore_sender(socket.fd(), own.port_id()));
  TRY_VOID(socket.join(NFNLGRP_NFTABLES));
  return Monitor(std::move(socket), std::move(table));
}

Result<bool> Monitor::changed() {
  bool ours = false;
  auto complete = socket_.drain([&](const nlmsghdr& message) -> Result<> {
    ours |= is_about(message, table_);
    return {};
  });
  if (!complete) return prefix("monitor nftables", std::move(complete).error());
  return ours || !*complete;
}

}  // namespace fairlead::nft
