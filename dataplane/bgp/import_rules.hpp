// Whether a route that a peer announces takes part, and as what.
#pragma once

#include <optional>
#include <string_view>

#include "dataplane/bgp/peer_rules.hpp"

namespace fairlead::bgp {

enum class Refusal : std::uint8_t {
  kPrefix,         // no import rule allows it
  kOwnAs,          // our AS stands in its path (RFC 4271 9.1.2)
  kOwnOriginator,  // it was ours, and came back through a reflector (RFC 4456 8)
  kOwnCluster,     // it was reflected by us (RFC 4456 8)
  kFirstAs,        // its path does not begin with the peer's AS (RFC 4271 6.3)
  kRouteLeak,      // RFC 9234 5
  kOwnNextHop,     // we would be the next hop (RFC 4271 5.1.3)
};
inline constexpr std::size_t kRefusals = 7;
/// "prefix not allowed", "own AS in path" …
std::string_view to_string(Refusal refusal);

/// Of all prefixes with these attributes. Nothing: it may take part.
std::optional<Refusal> refuse(const PathAttributes& attributes, const Speaker& speaker,
                              const PeerView& from);

bool allows(const PeerRules& rules, const Prefix& prefix);

/// What the table keeps: ONLY_TO_CUSTOMER added (RFC 9234 5), and for what an external peer is
/// about to withdraw the lowest preference (RFC 8326 4).
PathAttributes imported(PathAttributes attributes, const PeerRules& from);

}  // namespace fairlead::bgp
