// What the agent and its speaker say to one another over the speaker's control socket, as values.
// The agent says what is wanted, whole each time; the speaker works out what is different.
//
//     agent ──Settings, NextHopState, Ask, Leave──▶ fairlead bgp-speaker ──▶ peers
//           ◀──RoutesChanged, RestartOver, PeerStatus, Answer──
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/bgp/peer_config.hpp"
#include "dataplane/bgp/peer_rules.hpp"
#include "dataplane/bgp/session.hpp"
#include "model/bgp_objects.hpp"

namespace fairlead::bgp::control {

/// How packets to and from a peer are made (and which are taken).
struct Transport {
  Ip address{};
  Port port{179};
  /// Of our end; nothing: the kernel chooses.
  std::optional<Ip> local_address{};
  /// Of a link-local address, and needed there.
  std::string interface {};
  std::string password{};     // RFC 2385; empty: none. Never in a log, never in an answer.
  std::uint8_t hops = 1;      // an external peer is at most this far away: the TTL of what we send
  bool ttl_security = false;  // RFC 5082: what has come more than `hops` hops is not taken
  std::optional<Bfd> bfd{};
  bool operator==(const Transport&) const = default;
};

struct PeerSettings {
  std::string name{};  // of one peer, and the key by which settings are compared
  Transport transport{};
  PeerConfig session{};
  PeerRules rules{};
  /// Our own address as next hop, for the family that the session's own end is not of. Nothing:
  /// that family's routes are not told, but where RFC 8950 was agreed on.
  PerFamily<std::optional<Ip>> next_hop{};
  bool operator==(const PeerSettings&) const = default;
};

/// A route of this node's own. Who hears of it: PeerRules::own_routes, by `tag`.
struct OwnRoute {
  Prefix prefix{};
  RouteTag tag{};
  auto operator<=>(const OwnRoute&) const = default;
};

/// All that is wanted. What is not in it any more is stopped and withdrawn.
struct Settings {
  Speaker speaker{};
  std::vector<PeerSettings> peers{};
  std::vector<OwnRoute> routes{};
  /// After our own restart: how long nothing is chosen while peers repeat what they said (RFC 4724
  /// 4.1). Of the first Settings alone.
  std::chrono::seconds restart_wait{0};
  bool operator==(const Settings&) const = default;
};

/// Next hops count as reachable until the agent has said otherwise.
struct NextHopState {
  Ip address{};
  bool reachable = true;
  bool operator==(const NextHopState&) const = default;
};

struct Ask {
  enum class What : std::uint8_t { kPeers, kRoutes };
  std::uint64_t id = 0;  // of the answer
  What what = What::kPeers;
  /// Of kRoutes: one prefix alone.
  std::optional<Prefix> prefix{};
  bool operator==(const Ask&) const = default;
};

/// The last that is said to a speaker.
struct Leave {
  enum class How : std::uint8_t {
    kRestart,   // without a word: peers keep our routes, those that do graceful restart
    kShutdown,  // a Cease to each: our routes go
  };
  How how = How::kRestart;
  bool operator==(const Leave&) const = default;
};

using ToSpeaker = std::variant<Settings, NextHopState, Ask, Leave>;

struct Via {
  Ip address{};
  std::string interface {};  // of a link-local address
  auto operator<=>(const Via&) const = default;
};

/// The way that was chosen to a prefix that peers announce.
struct LearnedRoute {
  Prefix prefix{};
  std::vector<Via> via{};  // at least one; sorted, each once
  bool operator==(const LearnedRoute&) const = default;
};

/// Each prefix in one of the two, and maybe more than once; `gone` may have some that never were
/// set.
struct RoutesChanged {
  std::vector<LearnedRoute> set{};
  std::vector<Prefix> gone{};
  bool operator==(const RoutesChanged&) const = default;
};

/// Every route that peers still announce after our start has been told: what the kernel has from
/// before, and was not, is out of date.
struct RestartOver {
  bool operator==(const RestartOver&) const = default;
};

/// Of one peer, as of now.
struct PeerStatus {
  std::string name{};
  Ip address{};
  AsNumber as{};
  SessionState state = SessionState::kIdle;
  std::chrono::seconds in_state{0};                 // for how long
  std::optional<RouterId> router_id{};              // of an established session
  std::optional<std::chrono::seconds> hold_time{};  // agreed on
  std::string last_error{};                         // why the last connection ended; "": none did
  std::optional<std::string> bfd{};                 // "Down", "Init", "Up"; nothing: not asked for
  PerFamily<std::uint64_t> received{};              // prefixes taken
  PerFamily<std::uint64_t> announced{};             // prefixes told
  std::uint64_t refused = 0;                        // prefixes, by import rules
  std::uint64_t updates_in = 0, updates_out = 0;
  std::uint64_t messages_in = 0, messages_out = 0;
  std::uint64_t sessions = 0;  // established since the start
  std::uint64_t problems = 0;  // attributes damaged, by RFC 7606 without an end of the session
  bool operator==(const PeerStatus&) const = default;
};

/// One path, for people.
struct PathStatus {
  std::string peer{};  // its name; "": our own route
  std::vector<Ip> next_hops{};
  std::string as_path{};
  std::string origin{};
  std::optional<std::uint32_t> med{};
  std::optional<std::uint32_t> local_preference{};
  std::vector<std::string> communities{};
  bool used = false;   // among the ways that are used
  bool best = false;   // and the one that others are told
  bool stale = false;  // its session is down, and the peer promised to be back
  bool operator==(const PathStatus&) const = default;
};

struct RouteStatus {
  Prefix prefix{};
  std::vector<PathStatus> paths{};
  bool operator==(const RouteStatus&) const = default;
};

struct Answer {
  std::uint64_t id = 0;
  std::vector<PeerStatus> peers{};
  std::vector<RouteStatus> routes{};  // sorted by prefix
  bool more = false;                  // another Answer of this id follows
  bool operator==(const Answer&) const = default;
};

using FromSpeaker = std::variant<RoutesChanged, RestartOver, PeerStatus, Answer>;

}  // namespace fairlead::bgp::control
