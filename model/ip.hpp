// Addresses, prefixes, ports and protocols: parsed once at the edge, and never text or a bare
// integer again.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.hpp"

namespace fairlead {

enum class Family : std::uint8_t { kIpv4, kIpv6 };

/// An IPv4 or IPv6 address: 16 bytes in network byte order, IPv4 as ::ffff:a.b.c.d (RFC
/// 4291 2.5.5.2), so that one code path serves both families. Ordered by bytes.
struct Ip {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Ip&) const = default;

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] Family family() const { return is_v4() ? Family::kIpv4 : Family::kIpv6; }
  [[nodiscard]] bool is_unspecified() const;  // 0.0.0.0 or ::
  [[nodiscard]] bool is_loopback() const;     // 127.0.0.0/8 or ::1
  [[nodiscard]] bool is_link_local() const;   // 169.254.0.0/16 or fe80::/10
  [[nodiscard]] bool is_multicast() const;    // 224.0.0.0/4 or ff00::/8; also 255.255.255.255
};

/// The unspecified address of a family.
Ip any_address(Family family);

/// From the four bytes of an IPv4 address, in network byte order.
Ip ip_from_v4(std::array<std::uint8_t, 4> bytes);

/// Accepts what inet_pton accepts. An IPv4-mapped IPv6 text (::ffff:1.2.3.4) is refused:
/// Kubernetes' users never mean it, and it has been used to smuggle an IPv4 address past a filter.
Result<Ip> parse_ip(std::string_view text);
std::string to_string(const Ip& ip);

/// A prefix of one family. `length` counts bits of the family's own address: 0 to 32, or 0 to 128.
/// Host bits are zero.
struct Cidr {
  Ip base;
  std::uint8_t length = 0;
  auto operator<=>(const Cidr&) const = default;

  [[nodiscard]] Family family() const { return base.family(); }
  [[nodiscard]] bool contains(const Ip& ip) const;
};

/// "10.0.0.0/8"; surrounding white space and host bits are tolerated, as the API server does for
/// source ranges.
Result<Cidr> parse_cidr(std::string_view text);
std::string to_string(const Cidr& cidr);

/// A transport port in host byte order, 1 to 65535.
struct Port {
  std::uint16_t host = 0;
  auto operator<=>(const Port&) const = default;
};
Result<Port> make_port(std::int64_t number);

/// IANA protocol numbers.
enum class Protocol : std::uint8_t { kTcp = 6, kUdp = 17, kSctp = 132 };
/// "TCP", "UDP" or "SCTP", as Kubernetes writes them.
Result<Protocol> parse_protocol(std::string_view text);
std::string_view to_string(Protocol protocol);

/// "10.0.0.1:80" or "[fd00::1]:80".
std::string to_string(const Ip& ip, Port port);

}  // namespace fairlead
