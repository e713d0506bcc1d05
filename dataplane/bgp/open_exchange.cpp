// Pure: two OPENs in, one agreement or one NOTIFICATION out.
#include "dataplane/bgp/open_exchange.hpp"

#include <algorithm>

#include "dataplane/bgp/capabilities.hpp"
#include "dataplane/bgp/families.hpp"

namespace fairlead::bgp {
namespace {

FamilySet both(const FamilySet& a, const FamilySet& b) {
  return {.ipv4 = a.ipv4 && b.ipv4, .ipv6 = a.ipv6 && b.ipv6};
}

auto refuse(std::uint8_t subcode, Bytes data = {}) {
  return tl::unexpected(notification(ErrorCode::kOpen, subcode, std::move(data)));
}

/// RFC 9234 4.2: which roles fit each other.
bool fits(Role own, Role peers) {
  switch (own) {
    case Role::kProvider:
      return peers == Role::kCustomer;
    case Role::kCustomer:
      return peers == Role::kProvider;
    case Role::kRouteServer:
      return peers == Role::kRouteServerClient;
    case Role::kRouteServerClient:
      return peers == Role::kRouteServer;
    case Role::kPeer:
      return peers == Role::kPeer;
  }
  return false;
}

/// RFC 5492 3: the capabilities that would have been needed, as in an OPEN.
Bytes as_capabilities(const FamilySet& families) {
  Bytes data;
  Writer writer(data);
  for (const Family family : kFamilies) {
    if (!families[family]) continue;
    writer.u8(static_cast<std::uint8_t>(CapabilityCode::kMultiprotocol));
    writer.u8(4);
    writer.u16(afi_of(family));
    writer.u16(kSafiUnicast);
  }
  return data;
}

FamilySet families_of(const Open& peer) {
  const FamilySet& said = peer.capabilities.families;
  return said == FamilySet{} ? FamilySet{.ipv4 = true, .ipv6 = false} : said;
}

}  // namespace

Open own_open(const PeerConfig& config) {
  Open open{.as = config.own_as, .hold_time = config.hold_time, .router_id = config.router_id};
  open.capabilities = {.families = config.families,
                       .route_refresh = true,
                       .enhanced_route_refresh = true,
                       .ipv4_over_ipv6 = config.ipv4_over_ipv6,
                       .four_octet_as = true,
                       .role = config.role};
  if (const auto& restart = config.graceful_restart)
    open.capabilities.graceful_restart = {.restarting = restart->restarting,
                                          .notification = true,
                                          .time = restart->time,
                                          .families = config.families,
                                          .forwarding = both(config.families, restart->forwarding)};
  return open;
}

Decoded<Agreed> agree(const PeerConfig& config, const Open& peer) {
  const auto& theirs = peer.capabilities;
  if (peer.as != config.peer_as) return refuse(open_error::kBadPeerAs);
  // RFC 6286 2.2: within an AS identifiers are unique; between two they need not be.
  if (is_internal(config) && peer.router_id == config.router_id)
    return refuse(open_error::kBadIdentifier);
  if (config.role && theirs.role && !fits(*config.role, *theirs.role))
    return refuse(open_error::kRoleMismatch);
  const FamilySet families = both(config.families, families_of(peer));
  if (families == FamilySet{})
    return refuse(open_error::kUnsupportedCapability, as_capabilities(config.families));
  Agreed agreed{.negotiated = {.internal = is_internal(config),
                               .four_octet_as = theirs.four_octet_as,
                               .ipv4_over_ipv6 = config.ipv4_over_ipv6 && theirs.ipv4_over_ipv6,
                               .families = families},
                .peer = peer,
                .hold_time = std::min(config.hold_time, peer.hold_time),
                .route_refresh = theirs.route_refresh,
                .enhanced_route_refresh = theirs.enhanced_route_refresh};
  if (config.graceful_restart && theirs.graceful_restart) {
    agreed.kept_over_restart = both(families, theirs.graceful_restart->families);
    agreed.notification_keeps_routes = theirs.graceful_restart->notification;
  }
  return agreed;
}

bool ours_wins(const PeerConfig& config, const Open& peer) {
  if (config.router_id != peer.router_id) return config.router_id > peer.router_id;
  return config.own_as > peer.as;
}

}  // namespace fairlead::bgp
