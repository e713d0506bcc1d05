// The path to one neighbor: RFC 5880's asynchronous mode as a state machine. What happened goes in,
// what to do comes out.
#pragma once

#include <array>
#include <random>

#include "dataplane/bfd/session_actions.hpp"
#include "model/result.hpp"

namespace fairlead::bfd {

/// How often, at most, packets come and go, and how many in a row may be lost.
struct Pace {
  microseconds desired_min_tx{300'000};   // more than 0
  microseconds required_min_rx{300'000};  // more than 0
  std::uint8_t multiplier = 3;            // at least 1
  bool operator==(const Pace&) const = default;
};
/// Names the field that no session could be run with.
Result<> check(const Pace& pace);

struct Counters {
  std::uint64_t received = 0, sent = 0;
  std::array<std::uint64_t, kRefusals> refused{};

  void count(Refusal refusal) { ++refused.at(static_cast<std::size_t>(refusal)); }
};

/// Every event appends to `out` what is to be done, in order. `now` never goes back. After each
/// event ask next_timer(). Takes the active role; echo, demand mode and authentication are not
/// offered, and a peer's demand mode is heeded.
class Session {
 public:
  /// `own` is not 0 and no other session's; `pace` passes check(). `seed`: for jitter alone.
  Session(Discriminator own, const Pace& pace, std::uint64_t seed);

  /// Started already: nothing happens.
  void start(TimePoint now, Actions& out);
  /// AdminDown: tells the peer so for a detection time, and then no more: next_timer() is nothing.
  void stop(TimePoint now, Actions& out);
  /// The peer agrees by a Poll Sequence; until then what it may still rely on holds.
  void set_pace(const Pace& pace, TimePoint now, Actions& out);

  /// The payload of one datagram and the TTL (hop limit) that it came with.
  void received(ByteView payload, std::uint8_t ttl, TimePoint now, Actions& out);
  /// Give the session what the socket holds first: only silence counts that was heard.
  void timers_due(TimePoint now, Actions& out);
  [[nodiscard]] Deadline next_timer() const;

  [[nodiscard]] State state() const { return state_; }
  /// Of the last way down.
  [[nodiscard]] Diagnostic diagnostic() const { return diagnostic_; }
  [[nodiscard]] Discriminator own() const { return own_; }
  [[nodiscard]] const Pace& pace() const { return pace_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// Silence for that long is the end; 0 while nothing is known of the peer.
  [[nodiscard]] microseconds detection_time() const;
  /// Between packets, before jitter; 0: the peer wants none but those that say something new.
  [[nodiscard]] microseconds transmit_interval() const;

 private:
  struct Step {
    TimePoint now;
    Actions& out;
  };
  /// What the last packet said; as it is here before there was one (RFC 5880 6.8.1).
  struct Peer {
    Discriminator discriminator{};
    State state = State::kDown;
    microseconds min_rx{1};
    microseconds min_tx{0};
    std::uint8_t multiplier = 0;
    bool demand = false;
    bool independent = false;
  };

  // session.cpp: what happens
  void take(const ControlPacket& packet, const Step& step);
  void follow(State peers, const Step& step);
  void enter(State next, Diagnostic why, const Step& step);

  // session_timing.cpp: when, and how often
  [[nodiscard]] microseconds desired_min_tx() const;
  [[nodiscard]] microseconds min_tx() const;
  [[nodiscard]] microseconds min_rx() const;
  [[nodiscard]] Deadline expiry() const;
  [[nodiscard]] TimePoint::duration jittered(microseconds interval);
  void poll_with(microseconds min_tx, microseconds min_rx);
  void final_received();
  void expire(const Step& step);
  /// Whatever changed: when the next packet is sent, and when the peer has been silent too long.
  void retime();
  void send(bool final, const Step& step);

  Discriminator own_;
  Pace pace_;
  std::minstd_rand random_;
  State state_ = State::kAdminDown;
  Diagnostic diagnostic_ = Diagnostic::kNone;
  Peer peer_{};
  Counters counters_{};

  bool polling_ = false;
  bool poll_again_ = false;  // the pace has changed since the poll began
  /// While polling we send no less often, and wait no shorter, than by what the peer knew before
  /// (RFC 5880 6.8.3).
  microseconds held_min_tx_{0}, held_min_rx_{0};

  Deadline heard_{};          // the last good packet
  TimePoint sent_{};          // the last packet that was not a mere answer
  microseconds interval_{0};  // by which next_send_ was drawn
  Deadline next_send_{};
  Deadline goodbye_{};  // until then AdminDown is said
};

}  // namespace fairlead::bfd
