// The five messages of BGP-4 as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/bgp/attributes.hpp"
#include "dataplane/bgp/notification.hpp"
#include "dataplane/bgp/types.hpp"

namespace fairlead::bgp {

inline constexpr std::size_t kHeaderSize = 19;
inline constexpr std::size_t kMaximumMessageSize = 4096;  // RFC 8654 is not spoken

/// RFC 4724 3 and RFC 8538 2.
struct GracefulRestart {
  bool restarting = false;
  bool notification = false;     // a NOTIFICATION ends the connection but keeps the routes
  std::chrono::seconds time{0};  // 0 to 4095
  FamilySet families{};
  FamilySet forwarding{};  // of `families`: forwarding state survived the restart
  bool operator==(const GracefulRestart&) const = default;
};

/// RFC 9234 4.1: what the sender is to the receiver. Other numbers are possible in what a peer
/// says, and fit no role of ours.
enum class Role : std::uint8_t {
  kProvider = 0,
  kRouteServer = 1,
  kRouteServerClient = 2,
  kCustomer = 3,
  kPeer = 4,
};

struct Capabilities {
  /// RFC 4760 8. Nothing in both: the peer sent no such capability, and speaks IPv4 alone.
  FamilySet families{};
  bool route_refresh = false;           // RFC 2918
  bool enhanced_route_refresh = false;  // RFC 7313
  bool ipv4_over_ipv6 = false;          // RFC 8950: IPv4 unicast with an IPv6 next hop
  bool four_octet_as = false;           // RFC 6793; the number is Open::as
  std::optional<GracefulRestart> graceful_restart{};
  std::optional<Role> role{};
  /// Codes that we do not know, as the peer sent them; never encoded.
  std::vector<std::uint8_t> unknown{};
  bool operator==(const Capabilities&) const = default;
};

/// Version 4: no other is decoded.
struct Open {
  AsNumber as{};                      // the true one; AS_TRANS appears on the wire alone
  std::chrono::seconds hold_time{0};  // 0, or 3 to 65535
  RouterId router_id{};               // never 0 (RFC 6286)
  Capabilities capabilities{};
  bool operator==(const Open&) const = default;
};

/// What a damaged attribute costs (RFC 7606 2), mildest first. "AFI/SAFI disable" is not used.
enum class Consequence : std::uint8_t { kAttributeDiscard, kTreatAsWithdraw, kSessionReset };
/// "attribute-discard", "treat-as-withdraw", "session-reset".
std::string_view to_string(Consequence consequence);

/// Something in an UPDATE that was not as it should be, for the log and a counter. Never the reason
/// of a session's end: that is a Notification.
struct UpdateProblem {
  std::uint8_t attribute = 0;  // 0: not an attribute but the UPDATE itself
  std::string_view name{};     // "AS_PATH", "attribute 23"'s is "unknown", the UPDATE's "NLRI"
  std::string what{};          // "length 3, not 4"
  Consequence consequence = Consequence::kAttributeDiscard;
  bool operator==(const UpdateProblem&) const = default;
};

struct Announcement {
  Family family = Family::kIpv4;
  PathAttributes attributes{};
  std::vector<Prefix> prefixes{};  // in the message's order, repetitions kept; never empty
  bool operator==(const Announcement&) const = default;
};

/// Apply `withdrawn` before `announced`: a prefix in both is announced (RFC 4271 4.3). What RFC
/// 7606 treats as withdrawn is in `withdrawn`; families that were not agreed on are left out.
struct Update {
  PerFamily<std::vector<Prefix>> withdrawn{};
  /// One for each next hop: none, one, or (NLRI beside MP_REACH_NLRI) two.
  std::vector<Announcement> announced{};
  /// RFC 4724 2: the peer has sent all it had when the session began.
  std::optional<Family> end_of_rib{};
  std::vector<UpdateProblem> problems{};
  bool operator==(const Update&) const = default;
};

struct Keepalive {
  bool operator==(const Keepalive&) const = default;
};

struct RouteRefresh {
  /// RFC 7313 3.2.
  enum class Kind : std::uint8_t { kRequest = 0, kBegin = 1, kEnd = 2 };
  /// Nothing: a family that we do not speak; RFC 2918 4 says to ignore it.
  std::optional<Family> family{};
  /// Other numbers are possible; RFC 7313 5 says to ignore them.
  Kind kind = Kind::kRequest;
  bool operator==(const RouteRefresh&) const = default;
};

using Message = std::variant<Open, Update, Notification, Keepalive, RouteRefresh>;

}  // namespace fairlead::bgp
