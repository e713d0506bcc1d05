// The Internet checksum (RFC 1071) in the parts in which the generator needs it: sums of what never
// changes are made once, those of what changes are added for each packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fairlead::bench::pktgen {

using Bytes = std::span<const std::uint8_t>;

/// Big-endian 16-bit words, added up; an odd last byte is the high half of a word. May be continued
/// with the result, after an even number of bytes. 64 bits do not overflow within a frame.
std::uint64_t sum(Bytes bytes, std::uint64_t start = 0);

/// The checksum that belongs to a sum, in host byte order. Over bytes that hold a right checksum it
/// is 0.
std::uint16_t checksum(std::uint64_t sum);

/// What UDP and TCP add for the addresses (4 or 16 bytes each), protocol and length (RFC 768,
/// 9293 3.1, 8200 8.1).
std::uint64_t pseudo_header_sum(Bytes source, Bytes destination, std::uint8_t protocol,
                                std::size_t length);

/// Network byte order at any alignment.
inline void put16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
inline void put32(std::uint8_t* at, std::uint32_t value) {
  put16(at, static_cast<std::uint16_t>(value >> 16));
  put16(at + 2, static_cast<std::uint16_t>(value));
}
inline std::uint16_t get16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline std::uint32_t get32(const std::uint8_t* at) {
  return std::uint32_t{get16(at)} << 16 | get16(at + 2);
}

}  // namespace fairlead::bench::pktgen
