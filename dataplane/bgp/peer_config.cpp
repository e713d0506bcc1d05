// A table of what must hold: the first row that does not is the error.
#include "dataplane/bgp/peer_config.hpp"

#include <array>

namespace fairlead::bgp {

Result<> check(const PeerConfig& config) {
  struct Rule {
    bool holds;
    const char* otherwise;
  };
  const auto hold = config.hold_time.count();
  const auto restart = config.graceful_restart.value_or(RestartConfig{}).time.count();
  const std::array rules{
      Rule{config.own_as.number != 0, "own AS: 0 is reserved (RFC 7607)"},
      Rule{config.peer_as.number != 0, "peer AS: 0 is reserved (RFC 7607)"},
      Rule{config.own_as != kAsTrans && config.peer_as != kAsTrans,
           "AS: 23456 is reserved (RFC 6793)"},
      Rule{config.router_id.number != 0, "router id: must not be 0.0.0.0"},
      Rule{config.families.ipv4 || config.families.ipv6, "families: none"},
      Rule{hold == 0 || (hold >= 3 && hold <= 0xffff), "hold time: must be 0, or 3 to 65535 s"},
      Rule{config.keepalive.value_or(std::chrono::seconds(1)).count() >= 1,
           "keepalive: must be 1 s or more"},
      Rule{config.connect_retry.count() >= 1, "connect retry: must be 1 s or more"},
      Rule{restart >= 0 && restart <= 0xfff, "restart time: must be 0 to 4095 s"},
      Rule{config.stale_time.count() >= 1, "stale time: must be 1 s or more"},
      Rule{!config.role || !is_internal(config), "role: only for a peer of another AS"},
  };
  for (const Rule& rule : rules)
    if (!rule.holds) return invalid(rule.otherwise);
  return {};
}

}  // namespace fairlead::bgp
