// Configuration -> the OPEN that we send; the peer's OPEN -> what the session is, or why there is
// none.
#pragma once

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/peer_config.hpp"

namespace fairlead::bgp {

/// What both OPENs together allow.
struct Agreed {
  Negotiated negotiated{};
  Open peer{};                        // as it came
  std::chrono::seconds hold_time{0};  // the lesser one; 0: none
  bool route_refresh = false;
  bool enhanced_route_refresh = false;  // RFC 7313
  /// Of which families the peer wants its routes kept while it restarts; none without RFC 4724 on
  /// both sides.
  FamilySet kept_over_restart{};
  bool notification_keeps_routes = false;  // RFC 8538, both sides
};

Open own_open(const PeerConfig& config);

/// RFC 4271 6.2 as far as it depends on who the peer should be. The error is what to answer.
Decoded<Agreed> agree(const PeerConfig& config, const Open& peer);

/// RFC 4271 6.8, RFC 6286 2.3: of two connections, the one that we dialled is kept.
bool ours_wins(const PeerConfig& config, const Open& peer);

}  // namespace fairlead::bgp
