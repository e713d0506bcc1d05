// socket -> Framer -> decode -> counters, and queued bytes -> socket. Nothing is retried: a session
// that ends ends the measurement.
#include "bench/routers/wire_peer.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/open_exchange.hpp"
#include "dataplane/bgp/text.hpp"

namespace fairlead::bench {
namespace {

sockaddr_in address_of(const Ip& ip, Port port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.host);
  std::memcpy(&address.sin_addr, &ip.bytes[12], sizeof address.sin_addr);
  return address;
}

std::uint32_t number_of(const Ip& ip) {
  std::uint32_t number = 0;
  for (std::size_t i = 12; i < ip.bytes.size(); ++i) number = number << 8 | ip.bytes[i];
  return number;
}

}  // namespace

WirePeer::WirePeer(const PeerEnds& ends, Fd socket) : socket_(std::move(socket)) {
  config_.own_as = ends.as;
  config_.peer_as = ends.router_as;
  config_.router_id = {number_of(ends.own)};
  config_.hold_time = ends.hold_time;
  next_keepalive_ = Clock::time_point::max();
}

Result<WirePeer> WirePeer::dial(const PeerEnds& ends) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(errno, "make a socket");
  const int one = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const sockaddr_in own = address_of(ends.own, Port{0});
  const sockaddr_in router = address_of(ends.router, ends.port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
    return system_error(errno, "bind to " + to_string(ends.own));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&router), sizeof router) != 0)
    return system_error(errno, "connect to " + to_string(ends.router, ends.port));
  WirePeer peer(ends, std::move(socket));
  bgp::encode(bgp::own_open(peer.config_), peer.out_);
  return peer;
}

Result<> WirePeer::turn(Clock::time_point now) {
  if (now >= next_keepalive_) {
    bgp::encode(bgp::Keepalive{}, out_);
    next_keepalive_ = now + config_.hold_time / 3;
  }
  TRY_VOID(hear());
  if (established_ && next_keepalive_ == Clock::time_point::max() && config_.hold_time.count() > 0)
    next_keepalive_ = now + config_.hold_time / 3;
  return send_queued();
}

Result<> WirePeer::send_queued() {
  while (has_more_to_send()) {
    const ssize_t sent = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (sent < 0) return system_error(errno, "send to the router");
    sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  return {};
}

Result<> WirePeer::hear() {
  std::array<std::uint8_t, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  while (true) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got < 0) return system_error(errno, "receive from the router");
    if (got == 0) return invalid("the router has closed the connection");
    framer_.feed({buffer.data(), static_cast<std::size_t>(got)});
    while (true) {
      const auto message = framer_.next();
      if (!message) return invalid("the router's stream: " + describe(message.error()));
      if (!*message) break;
      const auto decoded = bgp::decode(**message, negotiated_);
      if (!decoded) return invalid("the router's message: " + describe(decoded.error()));
      TRY_VOID(take(*decoded));
    }
  }
}

Result<> WirePeer::take(const bgp::Message& message) {
  if (const auto* open = std::get_if<bgp::Open>(&message)) {
    const auto agreed = bgp::agree(config_, *open);
    if (!agreed) return invalid("the router's OPEN: " + describe(agreed.error()));
    negotiated_ = agreed->negotiated;
    bgp::encode(bgp::Keepalive{}, out_);
  } else if (std::holds_alternative<bgp::Keepalive>(message)) {
    established_ = true;
  } else if (const auto* update = std::get_if<bgp::Update>(&message)) {
    for (const auto& announcement : update->announced) announced_ += announcement.prefixes.size();
    withdrawn_ += update->withdrawn[Family::kIpv4].size();
  } else if (const auto* notification = std::get_if<bgp::Notification>(&message)) {
    return invalid("the router ended the session: " + describe(*notification));
  }
  return {};
}

}  // namespace fairlead::bench
