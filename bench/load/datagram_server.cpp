// recvmmsg -> count -> those that ask are sent back. A server on the wildcard address answers from
// the address that was asked (IP_PKTINFO): a client's connected socket takes no other, nor does
// conntrack. All memory is there before the first datagram.
#include "bench/load/datagram_server.hpp"

#include <netinet/in.h>

#include <cerrno>

#include "bench/load/wire.hpp"

namespace fairlead::bench {
namespace {

/// How long a batch may come late, so that what is lost is lost on the way. The kernel takes half
/// of it for its own books.
constexpr int kReceiveBuffer = 32 << 20;
/// A client that asks one at a time asks again within this; the other sockets wait for so long.
constexpr std::chrono::milliseconds kPause{10};

/// Where the datagram came in says nothing about the way of the answer.
void forget_interface(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO)
      reinterpret_cast<in_pktinfo*>(CMSG_DATA(part))->ipi_ifindex = 0;
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      // A link-local address means nothing without its interface.
      auto* info = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(part));
      if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
    }
  }
}

}  // namespace

Result<DatagramServer> DatagramServer::open(const ServerOptions& options) {
  const SocketAddress address(options.address, options.port);
  Fd socket = open_socket(address, SOCK_DGRAM);
  const std::string doing = "listen on " + to_string(options.address, options.port) + "/UDP";
  if (!socket) return socket_error(errno, doing);
  const int one = 1, size = kReceiveBuffer;
  if (options.threads > 1)
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
  // Beyond net.core.rmem_max where it may.
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  if (address.family() == AF_INET6)
    (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
  else
    (void)::setsockopt(socket.get(), IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
  limit_receiving(socket.get(), kPause);
  if (::bind(socket.get(), address.get(), address.size) != 0) return socket_error(errno, doing);
  return DatagramServer(std::move(socket));
}

DatagramServer::DatagramServer(Fd socket)
    : socket_(std::move(socket)),
      buffers_(kBatch * kMaxDatagram),
      messages_(kBatch),
      parts_(kBatch),
      senders_(kBatch),
      controls_(kBatch) {}

std::size_t DatagramServer::receive(bool wait) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts_[i] = {.iov_base = &buffers_[i * kMaxDatagram], .iov_len = kMaxDatagram};
    messages_[i] = {.msg_hdr = {.msg_name = &senders_[i],
                                .msg_namelen = sizeof(senders_[i]),
                                .msg_iov = &parts_[i],
                                .msg_iovlen = 1,
                                .msg_control = controls_[i].data(),
                                .msg_controllen = kControlBytes,
                                .msg_flags = 0},
                    .msg_len = 0};
  }
  const int received = ::recvmmsg(socket_.get(), messages_.data(), kBatch,
                                  wait ? MSG_WAITFORONE : MSG_DONTWAIT, nullptr);
  return received > 0 ? static_cast<std::size_t>(received) : 0;
}

void DatagramServer::answer(std::size_t index) {
  parts_[index].iov_len = messages_[index].msg_len;
  forget_interface(messages_[index].msg_hdr);
  // An answer that cannot be sent is one that the client misses, and counts.
  (void)::sendmsg(socket_.get(), &messages_[index].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void DatagramServer::serve(ServerCounts& counts) {
  bool client_is_alone = false;
  for (std::size_t received = receive(false); received > 0; received = receive(client_is_alone)) {
    counts.datagrams.add(received);
    for (std::size_t i = 0; i < received; ++i) {
      if (messages_[i].msg_len == 0) continue;
      const Kind kind{*static_cast<const char*>(parts_[i].iov_base)};
      if (kind == Kind::kEcho || kind == Kind::kEchoAlone) answer(i);
      client_is_alone = kind == Kind::kEchoAlone;
    }
    if (!client_is_alone) return;
  }
}

}  // namespace fairlead::bench
