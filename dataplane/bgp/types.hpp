// The words that BGP messages are made of. Numbers are in host byte order; only the wire has
// another.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "model/ip.hpp"

namespace fairlead::bgp {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Address families are AFI 1 and 2 with SAFI 1 (unicast); no other is spoken.
using fairlead::Family;
using Prefix = fairlead::Cidr;

struct AsNumber {
  std::uint32_t number = 0;
  auto operator<=>(const AsNumber&) const = default;
};

/// Stands in two octets for an AS number that needs four (RFC 6793 9).
inline constexpr AsNumber kAsTrans{23456};

/// A BGP identifier, cluster identifier or IPv4 address as the number that its four bytes in
/// network order spell: 10.0.0.1 is 0x0a000001. RFC 4271 6.8 compares identifiers as numbers.
struct RouterId {
  std::uint32_t number = 0;
  auto operator<=>(const RouterId&) const = default;
};

/// RFC 1997: the AS in the upper 16 bits.
struct Community {
  std::uint32_t value = 0;
  auto operator<=>(const Community&) const = default;
};
inline constexpr Community kGracefulShutdown{0xffff0000};  // RFC 8326
inline constexpr Community kNoExport{0xffffff01};
inline constexpr Community kNoAdvertise{0xffffff02};
inline constexpr Community kNoExportSubconfed{0xffffff03};

/// RFC 8092.
struct LargeCommunity {
  std::uint32_t global = 0;
  std::uint32_t local_1 = 0;
  std::uint32_t local_2 = 0;
  auto operator<=>(const LargeCommunity&) const = default;
};

/// RFC 4360: eight bytes as they are on the wire, whatever they mean.
struct ExtendedCommunity {
  std::array<std::uint8_t, 8> bytes{};
  auto operator<=>(const ExtendedCommunity&) const = default;

  /// May cross the border of an AS (RFC 4360 2).
  [[nodiscard]] bool is_transitive() const { return (bytes[0] & 0x40) == 0; }
};

/// One T for each family: `withdrawn[Family::kIpv6]`.
template <class T>
struct PerFamily {
  T ipv4{};
  T ipv6{};
  T& operator[](Family family) { return family == Family::kIpv4 ? ipv4 : ipv6; }
  const T& operator[](Family family) const { return family == Family::kIpv4 ? ipv4 : ipv6; }
  bool operator==(const PerFamily&) const = default;
};
using FamilySet = PerFamily<bool>;

}  // namespace fairlead::bgp
