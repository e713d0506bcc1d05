// packet -> a socket that is bound to a port of its own and connected to the peer's 3784.
#include "speaker/bfd_sender.hpp"

#include <netinet/in.h>
#include <netinet/ip.h>

#include "speaker/addresses.hpp"

namespace fairlead::speaker {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

namespace {

constexpr std::uint16_t kControlPort = 3784;
constexpr int kTtl = 255;
/// Somebody else may have one.
constexpr int kTries = 64;

template <int level, int name>
using Option = asio::detail::socket_option::integer<level, name>;

}  // namespace

std::uint16_t SourcePorts::take() {
  constexpr std::size_t kPorts = 65536 - 49152;
  std::uint16_t port = 0;
  do port = static_cast<std::uint16_t>(49152 + random_() % kPorts);
  while (taken_.contains(port) && taken_.size() < kPorts);
  taken_.insert(port);
  return port;
}

BfdSender::BfdSender(asio::io_context& io, SourcePorts& ports, bgp::control::Transport transport)
    : socket_(io), ports_(ports), transport_(std::move(transport)), port_(ports.take()) {}

BfdSender::~BfdSender() { ports_.give_back(port_); }

Result<> BfdSender::send(const bfd::Datagram& packet) {
  if (!socket_.is_open()) {
    if (auto opened = open(); !opened) {
      close();
      return prefix("open a socket for BFD", std::move(opened.error()));
    }
  }
  error_code error;
  socket_.send(asio::buffer(packet), 0, error);
  // The peer's answer to an earlier packet: nobody listens there yet. This one was not sent.
  if (error == asio::error::connection_refused) socket_.send(asio::buffer(packet), 0, error);
  if (!error || error == asio::error::connection_refused) return {};
  close();
  return failure(error, "send a BFD packet");
}

void BfdSender::close() {
  error_code ignored;
  socket_.close(ignored);
}

Result<> BfdSender::open() {
  TRY(const auto found, endpoint_of(transport_.address, kControlPort, transport_.interface));
  const udp::endpoint peer(found.address(), found.port());
  const bool ipv6 = peer.protocol() == udp::v6();
  error_code error;
  socket_.open(peer.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (!error && ipv6) socket_.set_option(Option<IPPROTO_IPV6, IPV6_UNICAST_HOPS>(kTtl), error);
  if (!error && ipv6) socket_.set_option(Option<IPPROTO_IPV6, IPV6_TCLASS>(IPTOS_CLASS_CS6), error);
  if (!error && !ipv6) socket_.set_option(Option<IPPROTO_IP, IP_TTL>(kTtl), error);
  if (!error && !ipv6) socket_.set_option(Option<IPPROTO_IP, IP_TOS>(IPTOS_CLASS_CS6), error);
  if (error) return failure(error, "set options");
  asio::ip::address local = udp::endpoint(peer.protocol(), 0).address();
  if (transport_.local_address) {
    TRY(const auto own, endpoint_of(*transport_.local_address, 0, transport_.interface));
    local = own.address();
  }
  TRY_VOID(bind(local));
  socket_.connect(peer, error);
  if (error) return failure(error, "connect to " + to_string(transport_.address, {kControlPort}));
  return {};
}

Result<> BfdSender::bind(const asio::ip::address& local) {
  error_code error;
  for (int tries = 0; tries < kTries; ++tries) {
    socket_.bind(udp::endpoint(local, port_), error);
    if (error != asio::error::address_in_use) break;
    const std::uint16_t other = ports_.take();
    ports_.give_back(std::exchange(port_, other));
  }
  if (error) return failure(error, "bind to " + local.to_string());
  return {};
}

}  // namespace fairlead::speaker
