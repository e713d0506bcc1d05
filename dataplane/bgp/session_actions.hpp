// What a Session wants done: by the sockets, by the table, by the log.
#pragma once

#include <chrono>
#include <optional>
#include <variant>
#include <vector>

#include "dataplane/bgp/open_exchange.hpp"

namespace fairlead::bgp {

using TimePoint = std::chrono::steady_clock::time_point;

/// One connection or attempt at one; never used again. Events of a transport that was closed may
/// still come, and are ignored.
struct TransportId {
  std::uint64_t number = 0;
  auto operator<=>(const TransportId&) const = default;
};

struct Connect {
  TransportId transport{};
};

/// After what was to be sent. No event of this transport is needed any more.
struct Close {
  TransportId transport{};
};

struct Send {
  TransportId transport{};
  Bytes bytes{};
};

/// Why a connection or an attempt ended.
struct End {
  enum class Cause : std::uint8_t {
    kConnectFailed,
    kConnectTimedOut,
    kTransportLost,
    kNotificationSent,
    kNotificationReceived,
    kReplaced,   // the peer has connected anew
    kAbandoned,  // we left without a word
  };
  Cause cause = Cause::kTransportLost;
  std::optional<Notification> notification{};  // sent or received
};
/// "transport lost", "sent Cease / Administrative Shutdown".
std::string describe(const End& end);

/// The owner of the table sends what it has on this transport, and then End-of-RIB for each family
/// (also without graceful restart: RFC 4724 2). Of stale routes only those of `keep_stale` stay,
/// until EndOfRib or StaleExpired; the rest goes now.
struct SessionUp {
  TransportId transport{};
  Agreed agreed{};
  FamilySet keep_stale{};
};

/// All routes of the peer go, but for those of the families in `stale`, which are marked. What was
/// marked already goes, too (RFC 4724 4.2).
struct SessionDown {
  End end{};
  FamilySet stale{};
};

/// The peer did not come back in time, or had not sent all within stale_time.
struct StaleExpired {};

/// A connection that was not the session's ended. Not for collisions, which are nobody's fault.
struct AttemptFailed {
  End end{};
};

struct UpdateReceived {
  Update update{};
};

/// What is still stale of `family` goes.
struct EndOfRib {
  Family family = Family::kIpv4;
};

/// kRequest: send all of `family` again. kBegin and kEnd (RFC 7313): the peer does so; what it has
/// not sent again between the two is gone.
struct RefreshReceived {
  Family family = Family::kIpv4;
  RouteRefresh::Kind kind = RouteRefresh::Kind::kRequest;
};

using Action = std::variant<Connect, Close, Send, SessionUp, SessionDown, StaleExpired,
                            AttemptFailed, UpdateReceived, EndOfRib, RefreshReceived>;
using Actions = std::vector<Action>;

}  // namespace fairlead::bgp
