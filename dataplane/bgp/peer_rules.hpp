// What the table knows of a peer: the rules by which routes are taken from it and told to it, and
// what its session has agreed on.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/bgp/attributes.hpp"
#include "dataplane/bgp/message.hpp"
#include "dataplane/bgp/negotiated.hpp"
#include "model/bgp_objects.hpp"

namespace fairlead::bgp {

/// Of one table, and never given to a second peer.
struct PeerId {
  std::uint32_t number = 0;
  auto operator<=>(const PeerId&) const = default;
};
/// Stands where a peer would for what this node itself originates.
inline constexpr PeerId kOwnRoutes{0xffffffff};

/// Why a route is originated: an advertisement, in the caller's numbering.
struct RouteTag {
  std::uint32_t number = 0;
  auto operator<=>(const RouteTag&) const = default;
};

/// How originated routes of a tag are told to a peer.
struct OwnRouteRule {
  RouteTag tag{};
  std::vector<Community> communities{};  // added to the route's own
  std::vector<LargeCommunity> large_communities{};
  std::optional<std::uint32_t> med{};               // in place of the route's own
  std::optional<std::uint32_t> local_preference{};  // the same; internal peers only
  std::uint8_t prepend = 0;                         // our AS this often more; external peers only
  bool operator==(const OwnRouteRule&) const = default;
};

/// The speaker itself.
struct Speaker {
  AsNumber as{};
  RouterId router_id{};
  RouterId cluster_id{};       // as a reflector (RFC 4456 7); usually the router id
  std::size_t max_paths = 16;  // next hops of a route, at least one
  /// Of the hash of prefixes, so that nobody outside can choose ones that collide.
  std::uint64_t hash_seed = 0;
  bool operator==(const Speaker&) const = default;
};

struct PeerRules {
  Ip address{};
  AsNumber as{};
  AsNumber local_as{};         // whom the peer takes us for
  std::optional<Role> role{};  // what we are to the peer (RFC 9234)

  std::vector<PrefixRule> imports{};  // none: nothing is taken
  std::size_t own_as_allowed = 0;     // how often our AS may stand in a path
  bool first_as_checked = true;       // an external peer's AS stands first; false: a route server
  std::uint32_t max_prefixes = BgpPeer::kDefaultMaxPrefixes;  // taken, of a family

  bool client = false;         // of us as reflector
  bool next_hop_self = false;  // in what external peers told us, to this internal one
  /// Learned routes are told to this external peer (RFC 8212: only if somebody says so).
  bool transit = false;
  std::vector<OwnRouteRule> own_routes{};  // the first whose tag a route has holds; none: not told

  [[nodiscard]] bool internal() const { return as == local_as; }
  bool operator==(const PeerRules&) const = default;
};

/// Of a session that is up.
struct Established {
  RouterId router_id{};
  Negotiated negotiated{};
  /// Our address as next hop; of IPv4 an IPv6 one where RFC 8950 was agreed on. Nothing: routes
  /// that need it are not told.
  PerFamily<std::optional<NextHop>> next_hop{};
};

/// One peer to the rules of routes.
struct PeerView {
  const PeerRules& rules;
  const Established& session;
};

/// All prefixes within the ranges: what is taken where nobody says otherwise.
std::vector<PrefixRule> imports_within(std::span<const Cidr> ranges);

}  // namespace fairlead::bgp
