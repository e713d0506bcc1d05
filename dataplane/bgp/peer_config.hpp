// What one peer of ours is, as the configuration says it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "dataplane/bgp/message.hpp"
#include "model/result.hpp"

namespace fairlead::bgp {

/// Our side of RFC 4724.
struct RestartConfig {
  std::chrono::seconds time{120};  // how long the peer may keep our routes; 0 to 4095
  bool restarting = false;         // this speaker has just started again: the R bit
  FamilySet forwarding{};          // whose routes survived in the kernel: the F bits
  bool operator==(const RestartConfig&) const = default;
};

struct PeerConfig {
  AsNumber own_as{};
  RouterId router_id{};
  AsNumber peer_as{};    // equal to own_as: an internal peer
  bool passive = false;  // never dial, wait for the peer
  FamilySet families{.ipv4 = true, .ipv6 = false};
  bool ipv4_over_ipv6 = false;         // offer RFC 8950
  std::chrono::seconds hold_time{90};  // offered; 0 (no KEEPALIVEs), or 3 to 65535
  /// Between KEEPALIVEs; never more than a third of the hold time agreed on, which it is by
  /// default.
  std::optional<std::chrono::seconds> keepalive{};
  std::chrono::seconds connect_retry{5};
  /// Between start() and the first dial. A peer that has dialled already, and waits, is heard
  /// first: to it a second connection beside an established session means that we have restarted
  /// once more (RFC 4724 5), which ends what it kept for us.
  std::chrono::milliseconds connect_delay{0};
  /// Nothing: routes are neither kept for the peer nor by it.
  std::optional<RestartConfig> graceful_restart{};
  /// How long routes stay stale after the peer is back and before its End-of-RIB.
  std::chrono::seconds stale_time{360};
  std::optional<Role> role{};        // RFC 9234, for external peers
  std::size_t maximum_prefixes = 0;  // 0: no limit. The table counts, and calls Session::reset.
  std::string shutdown_text{};       // RFC 9003: said to the peer's operator when we stop
  bool operator==(const PeerConfig&) const = default;
};

/// Names the field that no session could be run with.
Result<> check(const PeerConfig& config);

constexpr bool is_internal(const PeerConfig& config) { return config.own_as == config.peer_as; }

}  // namespace fairlead::bgp
