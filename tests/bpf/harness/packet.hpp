// Packets as the tests speak of them, and their bytes. libtins builds and parses them, so that what
// the programs are held against is not our own idea of a checksum.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/ip.hpp"

namespace fairlead::test {

/// Bytes of an Ethernet frame, without its checksum.
using Frame = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

/// An address that the test's author wrote; anything else aborts the test program.
Ip operator""_ip(const char* text, std::size_t length);

struct Endpoint {
  Ip ip{};
  std::uint16_t port = 0;  // host byte order
  auto operator<=>(const Endpoint&) const = default;
};
std::string to_string(const Endpoint& endpoint);

enum TcpFlag : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16 };

/// One TCP or UDP packet. Fields in host byte order.
struct Packet {
  Mac from_mac{}, to_mac{};
  std::optional<std::uint16_t> vlan{};
  Endpoint from{}, to{};
  Protocol protocol = Protocol::kTcp;
  std::uint8_t hops = 64;  // TTL or hop limit
  std::uint8_t tcp_flags = kSyn;
  std::uint32_t seq = 1000, ack = 0;
  std::string payload{};
  bool dont_fragment = true;  // IPv4
  std::uint16_t id = 7;       // IPv4
  bool operator==(const Packet&) const = default;

  [[nodiscard]] Packet with_from(Endpoint value) const;
  [[nodiscard]] Packet with_to(Endpoint value) const;
  [[nodiscard]] Packet with_flags(std::uint8_t value) const;
  [[nodiscard]] Packet with_hops(std::uint8_t value) const;
  [[nodiscard]] Packet with_macs(Mac from_value, Mac to_value) const;
  [[nodiscard]] Packet with_payload(std::string value) const;
  /// What its receiver answers: addresses swapped; SYN by SYN ACK, all else by ACK.
  [[nodiscard]] Packet answered(std::string data = "") const;
};

/// All lengths and checksums right.
Frame bytes_of(const Packet& packet);

/// An ICMP or ICMPv6 message, by the family of its addresses.
struct IcmpError {
  Mac from_mac{}, to_mac{};
  Ip from{}, to{};
  std::uint8_t type = 0, code = 0;
  std::uint32_t mtu = 0;
  Frame quote{};  // from the IP header on
  std::uint8_t hops = 64;
};
Frame bytes_of(const IcmpError& error);
/// The frame without its Ethernet header, cut to `most` bytes.
Frame quote_of(const Frame& frame, std::size_t most = 65536);

/// Nothing if the frame is not a whole TCP or UDP packet without options and extension headers.
std::optional<Packet> parse_frame(const Frame& frame);
/// Lengths and checksums of all layers are what libtins would have written; a UDP checksum of 0
/// (IPv4) is right, too. `why` says what is not.
bool is_well_formed(const Frame& frame, std::string* why);

std::string to_string(const Packet& packet);
/// One line of hexadecimal digits.
std::string hex(const Frame& frame);

}  // namespace fairlead::test
