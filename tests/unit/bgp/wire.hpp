// Messages put together byte by byte, as no encoder of ours would: for tests of the decoder.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/encode.hpp"

namespace fairlead::bgp::wire {

inline constexpr std::uint8_t kWellKnown = 0x40, kOptional = 0x80, kOptionalTransitive = 0xc0;

inline Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes whole;
  for (const Bytes& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

/// "ff 00 17": white space is ignored.
inline Bytes hex(std::string_view text) {
  Bytes bytes;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

inline Bytes u16(std::size_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value & 0xff)};
}

inline Bytes message(MessageType type, const Bytes& body) {
  return joined({Bytes(16, 0xff), u16(kHeaderSize + body.size()),
                 Bytes(1, static_cast<std::uint8_t>(type)), body});
}

/// With its length in two octets where it needs them, and `claimed` in place of it if given.
inline Bytes attribute(std::uint8_t flags, std::size_t code, const Bytes& value,
                       std::optional<std::size_t> claimed = {}) {
  const std::size_t length = claimed.value_or(value.size());
  const bool extended = length > 255;
  const Bytes head{static_cast<std::uint8_t>(extended ? flags | 0x10 : flags),
                   static_cast<std::uint8_t>(code)};
  const Bytes size = extended ? u16(length) : Bytes(1, static_cast<std::uint8_t>(length));
  return joined({head, size, value});
}

inline Bytes update(const Bytes& withdrawn, const Bytes& attributes, const Bytes& nlri) {
  return message(MessageType::kUpdate, joined({u16(withdrawn.size()), withdrawn,
                                               u16(attributes.size()), attributes, nlri}));
}

inline Bytes origin() { return attribute(kWellKnown, 1, {0}); }
inline Bytes as_path(const Bytes& segments) { return attribute(kWellKnown, 2, segments); }
inline Bytes next_hop() { return attribute(kWellKnown, 3, {192, 0, 2, 1}); }

/// Origin, path (four octets) and next hop as they should be.
inline Bytes good_attributes() {
  return joined({origin(), as_path(hex("02 01 0000fde9")), next_hop()});
}

inline const Bytes kNlri = {16, 10, 1, 16, 10, 2};  // 10.1.0.0/16 and 10.2.0.0/16
inline const Bytes kWithdrawn = {24, 10, 9, 9};     // 10.9.9.0/24

/// IPv6 next hop 2001:db8::1 and prefixes 2001:db8:1::/48, 2001:db8:2::/48.
inline Bytes mp_reach_value() {
  return joined({hex("0002 01 10 20010db8000000000000000000000001 00"),
                 hex("30 20010db80001 30 20010db80002")});
}

inline Bytes open(const Bytes& parameters) {
  return message(MessageType::kOpen,
                 joined({hex("04 fde9 005a 0a000001"),
                         Bytes(1, static_cast<std::uint8_t>(parameters.size())), parameters}));
}

/// One parameter with `capabilities`.
inline Bytes open_with(const Bytes& capabilities) {
  return open(joined({{2, static_cast<std::uint8_t>(capabilities.size())}, capabilities}));
}

inline std::string error_of(const Decoded<Message>& decoded) {
  return decoded ? "none" : describe(decoded.error());
}

}  // namespace fairlead::bgp::wire
