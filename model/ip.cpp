// Text -> Ip, Cidr, Port, Protocol and back. inet_pton decides what an address is; the rest is
// prefixes.
#include "model/ip.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "model/quoted.hpp"

namespace fairlead {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::size_t bit_offset(const Ip& ip) { return ip.is_v4() ? 96 : 0; }

void clear_host_bits(Ip& ip, std::size_t prefix_bits) {
  for (std::size_t i = 0; i < ip.bytes.size(); ++i) {
    const std::size_t kept =
        prefix_bits > i * 8 ? std::min<std::size_t>(prefix_bits - i * 8, 8) : 0;
    ip.bytes[i] = static_cast<std::uint8_t>(ip.bytes[i] & (0xff00U >> kept));
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

bool Ip::is_v4() const { return std::equal(kV4Mapped.begin(), kV4Mapped.end(), bytes.begin()); }

bool Ip::is_unspecified() const { return *this == any_address(family()); }

bool Ip::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  return std::all_of(bytes.begin(), bytes.begin() + 15, [](auto b) { return b == 0; }) &&
         bytes[15] == 1;
}

bool Ip::is_link_local() const {
  if (is_v4()) return bytes[12] == 169 && bytes[13] == 254;
  return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool Ip::is_multicast() const {
  if (!is_v4()) return bytes[0] == 0xff;
  const bool broadcast =
      std::all_of(bytes.begin() + 12, bytes.end(), [](auto b) { return b == 255; });
  return broadcast || (bytes[12] & 0xf0) == 0xe0;
}

Ip any_address(Family family) { return family == Family::kIpv4 ? ip_from_v4({0, 0, 0, 0}) : Ip{}; }

Ip ip_from_v4(std::array<std::uint8_t, 4> bytes) {
  Ip ip;
  std::copy(kV4Mapped.begin(), kV4Mapped.end(), ip.bytes.begin());
  std::copy(bytes.begin(), bytes.end(), ip.bytes.begin() + 12);
  return ip;
}

Result<Ip> parse_ip(std::string_view text) {
  if (text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string_view::npos) {
    const std::string terminated(text);
    std::array<std::uint8_t, 4> v4{};
    if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return ip_from_v4(v4);
    Ip ip;
    if (inet_pton(AF_INET6, terminated.c_str(), ip.bytes.data()) == 1 && !ip.is_v4()) return ip;
  }
  return invalid(quoted(text) + " is not an IP address");
}

std::string to_string(const Ip& ip) {
  std::array<char, INET6_ADDRSTRLEN> text;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  if (!ip.is_v4()) return inet_ntop(AF_INET6, ip.bytes.data(), text.data(), text.size());
  char* end = text.data();
  for (std::size_t i = 12; i < ip.bytes.size(); ++i) {
    end = std::to_chars(end, text.data() + text.size(), ip.bytes[i]).ptr;
    *end++ = '.';
  }
  return {text.data(), end - 1};
}

bool Cidr::contains(const Ip& ip) const {
  if (ip.family() != family()) return false;
  Ip masked = ip;
  clear_host_bits(masked, bit_offset(base) + length);
  return masked == base;
}

Result<Cidr> parse_cidr(std::string_view text) {
  const std::string_view inner = trimmed(text);
  const auto slash = inner.find('/');
  if (slash == std::string_view::npos) return invalid(quoted(text) + " is not a CIDR: no '/'");
  auto ip = parse_ip(inner.substr(0, slash));
  if (!ip) return invalid(quoted(text) + " is not a CIDR");
  unsigned length = 0;
  const std::string_view digits = inner.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const unsigned longest = ip->is_v4() ? 32 : 128;
  if (error != std::errc() || end != digits.data() + digits.size() || length > longest) {
    return invalid(quoted(text) + " is not a CIDR: the prefix length must be 0 to " +
                   std::to_string(longest));
  }
  clear_host_bits(*ip, bit_offset(*ip) + length);
  return Cidr{*ip, static_cast<std::uint8_t>(length)};
}

std::string to_string(const Cidr& cidr) {
  return to_string(cidr.base) + '/' + std::to_string(cidr.length);
}

Result<Port> make_port(std::int64_t number) {
  if (number < 1 || number > 65535)
    return invalid(std::to_string(number) + " must be between 1 and 65535");
  return Port{static_cast<std::uint16_t>(number)};
}

Result<Protocol> parse_protocol(std::string_view text) {
  for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    if (text == to_string(protocol)) return protocol;
  }
  return invalid(quoted(text) + " is not a protocol: TCP, UDP or SCTP");
}

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "TCP";
    case Protocol::kUdp:
      return "UDP";
    case Protocol::kSctp:
      return "SCTP";
  }
  return "unknown";
}

std::string to_string(const Ip& ip, Port port) {
  const std::string number = std::to_string(port.host);
  return ip.is_v4() ? to_string(ip) + ':' + number : '[' + to_string(ip) + "]:" + number;
}

}  // namespace fairlead
