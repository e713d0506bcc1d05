// What a peer is told of a route, if anything.
#pragma once

#include <optional>

#include "dataplane/bgp/peer_rules.hpp"

namespace fairlead::bgp {

/// Whether routes of one peer are for another at all: not back to it, and between internal peers
/// only by reflection (RFC 4456 6). Cheap: it is asked for every pair.
bool may_pass(const PeerRules& from, const PeerRules& to);

/// A learned route that may_pass, as `to` is told it: path, next hop, reflection, communities that
/// forbid it (RFC 1997, 3765), roles (RFC 9234 5). Nothing: it is not.
std::optional<PathAttributes> passed_on(const PathAttributes& route, Family family,
                                        const Speaker& speaker, const PeerView& from,
                                        const PeerView& to);

/// An originated route by the rule for its tag. Its communities are for others to heed.
std::optional<PathAttributes> own_route(const PathAttributes& route, Family family,
                                        const OwnRouteRule& rule, const PeerView& to);

}  // namespace fairlead::bgp
