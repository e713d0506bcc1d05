// One transport to the peer: how far its handshake is, and when it must have gone on.
#pragma once

#include "dataplane/bgp/framer.hpp"
#include "dataplane/bgp/session_actions.hpp"

namespace fairlead::bgp {

using Deadline = std::optional<TimePoint>;

inline bool is_due(const Deadline& deadline, TimePoint now) { return deadline && *deadline <= now; }

/// RFC 4271 8.2.2's states, as far as there is a transport.
struct Connection {
  enum class State : std::uint8_t { kConnecting, kOpenSent, kOpenConfirm, kEstablished };

  TransportId id{};
  bool outgoing = false;
  State state = State::kConnecting;
  TimePoint since{};  // in this state
  Framer framer{};
  Agreed agreed{};       // from kOpenConfirm on
  Deadline expiry{};     // of the attempt, of the wait for an OPEN, of the hold time
  Deadline keepalive{};  // when to send the next
  Deadline send_hold{};  // when the peer must have read something
  bool excused = false;  // a late look at the clock was forgiven, and nothing was heard since

  void enter(State next, TimePoint now) {
    state = next;
    since = now;
  }
  [[nodiscard]] bool is_established() const { return state == State::kEstablished; }
  [[nodiscard]] bool is_handshaking() const {
    return state == State::kOpenSent || state == State::kOpenConfirm;
  }
};

}  // namespace fairlead::bgp
