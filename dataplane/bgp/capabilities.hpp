// Capability codes (IANA), and one table of those that we know.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/bgp/message.hpp"
#include "dataplane/bgp/reader.hpp"
#include "dataplane/bgp/writer.hpp"

namespace fairlead::bgp {

enum class CapabilityCode : std::uint8_t {
  kMultiprotocol = 1,
  kRouteRefresh = 2,
  kExtendedNextHop = 5,
  kRole = 9,
  kGracefulRestart = 64,
  kFourOctetAs = 65,
  kEnhancedRouteRefresh = 70,
};

/// RFC 5492 4: parameter of an OPEN that holds capabilities.
inline constexpr std::uint8_t kCapabilitiesParameter = 2;

/// Bits of the graceful restart capability.
inline constexpr std::uint16_t kRestartingBit = 0x8000;    // RFC 4724 3
inline constexpr std::uint16_t kNotificationBit = 0x4000;  // RFC 8538 2
inline constexpr std::uint16_t kRestartTimeMask = 0x0fff;
inline constexpr std::uint8_t kForwardingBit = 0x80;

}  // namespace fairlead::bgp
