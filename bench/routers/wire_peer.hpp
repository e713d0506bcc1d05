// One BGP session from its dialling end, which says what it is given and counts what it hears: what
// a router is measured with.
#pragma once

#include <chrono>

#include "dataplane/bgp/framer.hpp"
#include "dataplane/bgp/negotiated.hpp"
#include "dataplane/bgp/peer_config.hpp"
#include "dataplane/kernel/fd.hpp"

namespace fairlead::bench {

struct PeerEnds {
  Ip own{}, router{};
  Port port{};
  bgp::AsNumber as{}, router_as{};
  std::chrono::seconds hold_time{90};
};

class WirePeer {
 public:
  using Clock = std::chrono::steady_clock;

  static Result<WirePeer> dial(const PeerEnds& ends);

  /// Sends what is queued as far as the socket takes it, and hears what is there. An error: the
  /// session ended, and why.
  Result<> turn(Clock::time_point now);
  void queue(bgp::ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool has_more_to_send() const { return sent_ < out_.size(); }
  [[nodiscard]] bool is_established() const { return established_; }
  [[nodiscard]] const bgp::Negotiated& negotiated() const { return negotiated_; }
  /// Prefixes heard since the session began, repetitions counted.
  [[nodiscard]] std::size_t announced() const { return announced_; }
  [[nodiscard]] std::size_t withdrawn() const { return withdrawn_; }

 private:
  WirePeer(const PeerEnds& ends, Fd socket);
  Result<> send_queued();
  Result<> hear();
  Result<> take(const bgp::Message& message);

  bgp::PeerConfig config_;
  Fd socket_;
  bgp::Framer framer_;
  bgp::Negotiated negotiated_;
  bgp::Bytes out_;
  std::size_t sent_ = 0;  // of out_
  bool established_ = false;
  std::size_t announced_ = 0, withdrawn_ = 0;
  Clock::time_point next_keepalive_;
};

}  // namespace fairlead::bench
