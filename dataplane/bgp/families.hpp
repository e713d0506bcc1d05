// AFI and SAFI, IANA's numbers for families of addresses.
#pragma once

#include <optional>

#include "dataplane/bgp/types.hpp"

namespace fairlead::bgp {

inline constexpr std::uint16_t kAfiIpv4 = 1;
inline constexpr std::uint16_t kAfiIpv6 = 2;
inline constexpr std::uint8_t kSafiUnicast = 1;
inline constexpr std::array kFamilies{Family::kIpv4, Family::kIpv6};

/// Nothing for a family that we do not speak.
constexpr std::optional<Family> family_of(std::uint16_t afi, std::uint8_t safi) {
  if (safi != kSafiUnicast) return std::nullopt;
  if (afi == kAfiIpv4) return Family::kIpv4;
  if (afi == kAfiIpv6) return Family::kIpv6;
  return std::nullopt;
}

constexpr std::uint16_t afi_of(Family family) {
  return family == Family::kIpv4 ? kAfiIpv4 : kAfiIpv6;
}

}  // namespace fairlead::bgp
