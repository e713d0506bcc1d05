// A netlink socket: requests with their answer, dumps, and the messages of groups.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

struct nlmsghdr;

namespace fairlead {

/// Called for each message of a dump or a group. An error ends the reading and is returned.
using OnMessage = std::function<Result<>(const nlmsghdr&)>;

/// What the kernel refused: `sequence` is the message's, `error` an errno value.
struct Refusal {
  std::uint32_t sequence = 0;
  int error = 0;
};

class NetlinkSocket {
 public:
  /// `protocol`: NETLINK_NETFILTER or NETLINK_ROUTE. The socket belongs to the calling thread's
  /// network namespace.
  static Result<NetlinkSocket> open(int protocol);

  /// The kernel's name of this socket; the sender in notifications that it caused. Host byte order.
  [[nodiscard]] std::uint32_t port_id() const { return port_id_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Sends one request and waits for its acknowledgement; a reply before it goes to `on_message`.
  /// The error's code is the kernel's errno.
  Result<> query(nlmsghdr& message, const OnMessage& on_message);

  /// Sends a dump request. False: the kernel says that what was dumped changed meanwhile
  /// (NLM_F_DUMP_INTR).
  Result<bool> dump(nlmsghdr& message, const OnMessage& on_message);

  /// Sends all pages as one datagram, which netfilter takes as one transaction, and reads what the
  /// kernel refused. At least one message must ask for an acknowledgement (NLM_F_ACK).
  Result<std::vector<Refusal>> transact(std::span<const iovec> pages);

  /// Subscribes to a multicast group (NFNLGRP_…, RTNLGRP_…).
  Result<> join(int group);
  /// Reads what has arrived, without waiting. False: messages were lost.
  Result<bool> drain(const OnMessage& on_message);

 private:
  NetlinkSocket(Fd fd, std::uint32_t port_id);
  Result<> send(nlmsghdr& message);
  Result<std::size_t> receive(int flags);
  Result<> reserve_send_buffer(std::size_t bytes);

  Fd fd_;
  std::uint32_t port_id_ = 0;
  std::uint32_t sequence_ = 0;
  std::size_t send_buffer_ = 0;
  std::vector<char> buffer_;
};

}  // namespace fairlead
