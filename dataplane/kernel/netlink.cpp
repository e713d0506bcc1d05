// query:    send -> receive until NLMSG_ERROR of our sequence number
// dump:     send -> receive until NLMSG_DONE, each message to the caller
// transact: sendmsg (the kernel works the whole batch off inside of it) -> receive what is queued,
// without waiting drain:    receive what is queued
#include "dataplane/kernel/netlink.hpp"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <numeric>

namespace fairlead {
namespace {

// One receive gets a whole datagram; the kernel fills dumps up to the size that it has seen asked
// for, at most 32 KiB.
constexpr std::size_t kReceiveBytes = 64 * 1024;
// Holds the notifications of a busy moment, and the refusals of a large batch.
constexpr int kReceiveQueueBytes = 8 * 1024 * 1024;

int error_of(const nlmsghdr& message) {
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message))->error;
}

}  // namespace

NetlinkSocket::NetlinkSocket(Fd fd, std::uint32_t port_id)
    : fd_(std::move(fd)), port_id_(port_id), buffer_(kReceiveBytes) {}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return system_error(errno, "open netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  socklen_t size = sizeof(address);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return system_error(errno, "bind netlink socket");
  const int on = 1;
  // Neither is needed to work: an error without them is longer, or tells less.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveQueueBytes,
               sizeof(kReceiveQueueBytes));
  return NetlinkSocket(std::move(fd), address.nl_pid);
}

Result<> NetlinkSocket::send(nlmsghdr& message) {
  message.nlmsg_seq = ++sequence_;
  if (::send(fd_.get(), &message, message.nlmsg_len, 0) < 0)
    return system_error(errno, "send netlink request");
  return {};
}

Result<std::size_t> NetlinkSocket::receive(int flags) {
  while (true) {
    const ssize_t got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), flags | MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "receive from netlink");
    if (static_cast<std::size_t>(got) <= buffer_.size()) return static_cast<std::size_t>(got);
    return system_error(EMSGSIZE, "receive from netlink");
  }
}

Result<> NetlinkSocket::query(nlmsghdr& message, const OnMessage& on_message) {
  message.nlmsg_flags |= NLM_F_ACK;
  TRY_VOID(send(message));
  while (true) {
    TRY(std::size_t left_size, receive(0));
    int left = static_cast<int>(left_size);
    for (auto* reply = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(reply, left);
         reply = mnl_nlmsg_next(reply, &left)) {
      if (reply->nlmsg_seq != sequence_) continue;
      if (reply->nlmsg_type != NLMSG_ERROR) {
        TRY_VOID(on_message(*reply));
        continue;
      }
      if (const int error = error_of(*reply); error != 0)
        return system_error(error, "netlink request");
      return {};
    }
  }
}

Result<bool> NetlinkSocket::dump(nlmsghdr& message, const OnMessage& on_message) {
  message.nlmsg_flags |= NLM_F_DUMP;
  TRY_VOID(send(message));
  bool consistent = true;
  Result<> outcome;
  while (true) {
    TRY(std::size_t left_size, receive(0));
    int left = static_cast<int>(left_size);
    for (auto* reply = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(reply, left);
         reply = mnl_nlmsg_next(reply, &left)) {
      if (reply->nlmsg_seq != sequence_) continue;
      if ((reply->nlmsg_flags & NLM_F_DUMP_INTR) != 0) consistent = false;
      if (reply->nlmsg_type == NLMSG_ERROR) return system_error(error_of(*reply), "netlink dump");
      if (reply->nlmsg_type == NLMSG_DONE) {
        if (!outcome) return tl::unexpected(std::move(outcome).error());
        return consistent;
      }
      // After an error the rest is still read, or it would be taken for the answer to the next
      // request.
      if (outcome) outcome = on_message(*reply);
    }
  }
}

Result<> NetlinkSocket::reserve_send_buffer(std::size_t bytes) {
  if (bytes <= send_buffer_) return {};
  // The kernel refuses a datagram that is larger than the buffer. It doubles the value itself.
  const int wanted = static_cast<int>(bytes);
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof(wanted)) != 0)
    return system_error(errno, "enlarge netlink send buffer");
  send_buffer_ = bytes;
  return {};
}

Result<std::vector<Refusal>> NetlinkSocket::transact(std::span<const iovec> pages) {
  const std::size_t bytes =
      std::accumulate(pages.begin(), pages.end(), std::size_t{0},
                      [](std::size_t sum, const iovec& page) { return sum + page.iov_len; });
  TRY_VOID(reserve_send_buffer(bytes + 64 * 1024));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  msghdr header{};
  header.msg_name = &kernel;
  header.msg_namelen = sizeof(kernel);
  header.msg_iov = const_cast<iovec*>(pages.data());
  header.msg_iovlen = pages.size();
  ssize_t sent = 0;
  do sent = ::sendmsg(fd_.get(), &header, 0);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return system_error(errno, "send netlink transaction");

  std::vector<Refusal> refusals;
  bool answered = false;
  while (true) {
    auto got = receive(MSG_DONTWAIT);
    if (!got && got.error().code == std::errc::resource_unavailable_try_again) break;
    // So many refusals that not all fit: the transaction has failed, as any refusal fails it.
    if (!got) return tl::unexpected(std::move(got).error());
    int left = static_cast<int>(*got);
    for (auto* reply = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(reply, left);
         reply = mnl_nlmsg_next(reply, &left)) {
      if (reply->nlmsg_type != NLMSG_ERROR) continue;
      answered = true;
      if (const int error = error_of(*reply); error != 0)
        refusals.push_back({reply->nlmsg_seq, error});
    }
  }
  if (!answered) return system_error(EPROTO, "the kernel did not answer a netlink transaction");
  return refusals;
}

Result<> NetlinkSocket::join(int group) {
  if (::setsockopt(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
    return system_error(errno, "join netlink group " + std::to_string(group));
  return {};
}

Result<bool> NetlinkSocket::drain(const OnMessage& on_message) {
  bool complete = true;
  while (true) {
    auto got = receive(MSG_DONTWAIT);
    if (!got && got.error().code == std::errc::resource_unavailable_try_again) return complete;
    if (!got && (got.error().code == std::errc::no_buffer_space ||
                 got.error().code == std::errc::message_size)) {
      complete = false;
      continue;
    }
    if (!got) return tl::unexpected(std::move(got).error());
    int left = static_cast<int>(*got);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left))
      TRY_VOID(on_message(*message));
  }
}

}  // namespace fairlead
