// One Session, driven event by event; what it wants done is told in words.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/bfd/session.hpp"

namespace fairlead::bfd::driven {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = std::vector<std::string>;

inline constexpr Discriminator kOurs{0x11};
inline constexpr Discriminator kPeers{0x22};
inline constexpr std::uint8_t kTtl = 255;

/// What a well-behaved peer says; it knows us once it has heard us.
inline ControlPacket from_peer(State state) {
  const bool knows_us = state == State::kInit || state == State::kUp;
  return {.state = state,
          .multiplier = 3,
          .mine = kPeers,
          .yours = knows_us ? kOurs : Discriminator{},
          .desired_min_tx = milliseconds(state == State::kUp ? 300 : 1000),
          .required_min_rx = milliseconds(300)};
}

struct InWords {
  std::string operator()(const Send& send) const {
    const auto packet = decode(send.packet);
    if (!packet) return "damaged";
    return "send " + std::string(to_string(packet->state)) + (packet->poll ? " P" : "") +
           (packet->final ? " F" : "");
  }
  std::string operator()(const StateChanged& change) const {
    return std::string(to_string(change.from)) + " -> " + std::string(to_string(change.to)) +
           (change.to == State::kDown ? ": " + std::string(to_string(change.why)) : "") +
           (change.administratively ? " (administratively)" : "") +
           (is_failure(change) ? " (failure)" : "");
  }
};

class Driver {
 public:
  explicit Driver(const Pace& pace = {}, std::uint64_t seed = 7) : session(kOurs, pace, seed) {}

  Session session;
  TimePoint now{};
  Actions out{};
  std::optional<ControlPacket> last_sent{};

  /// What is to be done since the last call.
  Words words() {
    Words words;
    for (const Action& action : out) {
      words.push_back(std::visit(InWords{}, action));
      if (const auto* send = std::get_if<Send>(&action)) last_sent = *decode(send->packet);
    }
    out.clear();
    return words;
  }
  Words start() {
    session.start(now, out);
    return words();
  }
  Words hear(const ControlPacket& packet) {
    session.received(encode(packet), kTtl, now, out);
    return words();
  }
  Words hear(State state) { return hear(from_peer(state)); }
  Words wait(TimePoint::duration time) {
    now += time;
    session.timers_due(now, out);
    return words();
  }
  /// As whoever runs it would: at each time that it asks for.
  Words live_through(TimePoint::duration time) {
    const TimePoint end = now + time;
    for (auto next = session.next_timer(); next && *next <= end; next = session.next_timer()) {
      now = *next;
      session.timers_due(now, out);
    }
    now = end;
    return words();
  }
  void to(State state) {
    if (state == State::kAdminDown) return;
    start();
    if (state == State::kDown) return;
    hear(State::kDown);
    if (state == State::kUp) hear(State::kUp);
    ASSERT_EQ(session.state(), state);
  }
  /// Up, and the poll about the faster pace is over.
  void to_settled() {
    to(State::kUp);
    ControlPacket answer = from_peer(State::kUp);
    answer.final = true;
    hear(answer);
  }
  std::uint64_t refused(Refusal refusal) const {
    return session.counters().refused.at(static_cast<std::size_t>(refusal));
  }
};

}  // namespace fairlead::bfd::driven
