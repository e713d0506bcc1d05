// Ranges of addresses: what pools consist of.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Addresses of one family, both ends included; first <= last.
struct IpRange {
  Ip first, last;
  auto operator<=>(const IpRange&) const = default;

  [[nodiscard]] Family family() const { return first.family(); }
  [[nodiscard]] bool contains(const Ip& ip) const {
    return ip.family() == family() && first <= ip && ip <= last;
  }
  [[nodiscard]] bool overlaps(const IpRange& other) const {
    return other.family() == family() && first <= other.last && other.first <= last;
  }
  /// How many; the greatest uint64_t stands for all that are more.
  [[nodiscard]] std::uint64_t size() const;
};

IpRange range_of(const Cidr& cidr);
/// "10.0.0.0/24", or "10.0.0.10-10.0.0.20" with blanks around the dash if one likes.
Result<IpRange> parse_ip_range(std::string_view text);
/// "10.0.0.10-10.0.0.20".
std::string to_string(const IpRange& range);

/// The address after `ip`, of whatever family the number says. nullopt after the last one.
std::optional<Ip> next_address(const Ip& ip);

}  // namespace fairlead
