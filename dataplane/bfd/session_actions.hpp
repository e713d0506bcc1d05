// What a Session wants done: by the socket, and by whoever relies on the path.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "dataplane/bfd/packet.hpp"

namespace fairlead::bfd {

using TimePoint = std::chrono::steady_clock::time_point;
using Deadline = std::optional<TimePoint>;

/// To the peer's port 3784, with a TTL of 255 (RFC 5881 4, 5).
struct Send {
  Datagram packet{};
};

struct StateChanged {
  State from = State::kDown;
  State to = State::kDown;
  Diagnostic why = Diagnostic::kNone;  // of a way down
  /// The peer, or we, stopped the session: that says nothing about the path (RFC 5882 3.2).
  bool administratively = false;
  /// The peer's BFD lives on without its control plane: its silence is the path's (RFC 5882 4.3).
  bool peer_is_independent = false;
  bool operator==(const StateChanged&) const = default;
};

/// The path was there, and is not any more.
constexpr bool is_failure(const StateChanged& change) {
  return change.from == State::kUp && change.to == State::kDown && !change.administratively;
}

using Action = std::variant<Send, StateChanged>;
using Actions = std::vector<Action>;

}  // namespace fairlead::bfd
