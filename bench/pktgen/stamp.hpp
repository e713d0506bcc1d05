// What the payload of every packet says, so that the sink knows it again whatever NAT has done to
// its addresses and ports.
//
//   offset  0  magic     2 bytes, 0xFA1D
//           2  run       2 bytes; each trial has a number of its own
//           4  flow      4 bytes
//           8  sequence  4 bytes, of the flow, from 0; wraps
//          12  time      6 bytes, nanoseconds of CLOCK_MONOTONIC when its burst was made; wraps
//          18  filler    up to the frame's end; known from the run and the position
//
// 18 bytes are what the smallest Ethernet frame has behind IPv4 and UDP. All in network byte order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "bench/pktgen/checksum.hpp"

namespace fairlead::bench::pktgen {

inline constexpr std::size_t kStampBytes = 18;

struct Stamp {
  std::uint16_t run = 0;
  std::uint32_t flow = 0, sequence = 0;
  std::uint64_t time_ns = 0;  // the lower 48 bits
  bool operator==(const Stamp&) const = default;
};

/// `at` has kStampBytes.
void write(const Stamp& stamp, std::uint8_t* at);
/// None where it is no payload of ours: too short, or without the magic.
std::optional<Stamp> read(Bytes payload);

/// What follows the stamp.
void fill(std::uint16_t run, std::span<std::uint8_t> payload);
bool is_filled(std::uint16_t run, Bytes payload);

/// Nanoseconds from `then` (of a stamp) to `now`, right for up to 78 hours.
inline std::uint64_t elapsed_ns(std::uint64_t then, std::uint64_t now) {
  return (now - then) & ((std::uint64_t{1} << 48) - 1);
}

}  // namespace fairlead::bench::pktgen
