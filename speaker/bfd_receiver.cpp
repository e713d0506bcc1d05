// readable -> recvmsg, for the TTL comes beside the bytes -> hand on.
#include "speaker/bfd_receiver.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "speaker/addresses.hpp"

namespace fairlead::speaker {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::uint16_t kControlPort = 3784;
/// Whatever knocks: then others have their turn.
constexpr int kMostAtOnce = 256;

template <int level, int name>
using Flag = asio::detail::socket_option::boolean<level, name>;

std::uint8_t ttl_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    const bool is_ttl = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TTL) ||
                        (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_HOPLIMIT);
    if (!is_ttl) continue;
    int ttl = 0;
    std::memcpy(&ttl, CMSG_DATA(part), sizeof ttl);
    return static_cast<std::uint8_t>(ttl);
  }
  return 0;
}

}  // namespace

BfdReceiver::BfdReceiver(asio::io_context& io, Family family, Received received)
    : socket_(io), family_(family), received_(std::move(received)) {}

Result<> BfdReceiver::open() {
  if (socket_.is_open()) return {};
  const bool ipv6 = family_ == Family::kIpv6;
  const udp protocol = ipv6 ? udp::v6() : udp::v4();
  error_code error;
  socket_.open(protocol, error);
  if (!error) socket_.non_blocking(true, error);
  if (!error && ipv6) socket_.set_option(asio::ip::v6_only(true), error);
  if (!error && ipv6) socket_.set_option(Flag<IPPROTO_IPV6, IPV6_RECVHOPLIMIT>(true), error);
  if (!error && !ipv6) socket_.set_option(Flag<IPPROTO_IP, IP_RECVTTL>(true), error);
  if (!error) socket_.bind(udp::endpoint(protocol, kControlPort), error);
  if (error) {
    close();
    return failure(error, "listen on UDP port 3784 for BFD");
  }
  asio::co_spawn(socket_.get_executor(), run(), asio::detached);
  return {};
}

void BfdReceiver::close() {
  error_code ignored;
  socket_.close(ignored);
}

void BfdReceiver::read_now() {
  if (!socket_.is_open()) return;
  for (int i = 0; i < kMostAtOnce && read_one(); ++i) {
  }
}

asio::awaitable<void> BfdReceiver::run() {
  while (true) {
    const auto [error] = co_await socket_.async_wait(udp::socket::wait_read, kAwait);
    if (error) co_return;
    read_now();
  }
}

/// False: nothing has come. What is longer than a packet can be is cut, and refused for it or not.
bool BfdReceiver::read_one() {
  udp::endpoint from;
  std::array<std::uint8_t, 256> payload{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int)) * 2> control{};
  iovec where{.iov_base = payload.data(), .iov_len = payload.size()};
  msghdr message{};
  message.msg_name = from.data();
  message.msg_namelen = static_cast<socklen_t>(from.capacity());
  message.msg_iov = &where;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket_.native_handle(), &message, 0);
  if (size < 0) return false;
  from.resize(message.msg_namelen);
  const std::uint8_t ttl = ttl_of(message);
  const Ip address = ip_of(from.address());
  received_({.payload = bfd::ByteView(payload).first(static_cast<std::size_t>(size)),
             .ttl = ttl,
             .from = {.address = address, .interface = interface_of(from.address())}});
  return socket_.is_open();
}

}  // namespace fairlead::speaker
