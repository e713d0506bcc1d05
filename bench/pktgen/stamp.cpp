// Stamp <-> the first bytes of a payload; filler <-> the others.
#include "bench/pktgen/stamp.hpp"

namespace fairlead::bench::pktgen {
namespace {

constexpr std::uint16_t kMagic = 0xfa1d;

// No two neighbours are alike, so that bytes which moved are seen, too.
std::uint8_t filler(std::uint16_t run, std::size_t position) {
  return static_cast<std::uint8_t>(position * 37 + run);
}

}  // namespace

void write(const Stamp& stamp, std::uint8_t* at) {
  put16(at, kMagic);
  put16(at + 2, stamp.run);
  put32(at + 4, stamp.flow);
  put32(at + 8, stamp.sequence);
  put16(at + 12, static_cast<std::uint16_t>(stamp.time_ns >> 32));
  put32(at + 14, static_cast<std::uint32_t>(stamp.time_ns));
}

std::optional<Stamp> read(Bytes payload) {
  if (payload.size() < kStampBytes || get16(payload.data()) != kMagic) return std::nullopt;
  const std::uint8_t* at = payload.data();
  return Stamp{get16(at + 2), get32(at + 4), get32(at + 8),
               std::uint64_t{get16(at + 12)} << 32 | get32(at + 14)};
}

void fill(std::uint16_t run, std::span<std::uint8_t> payload) {
  for (std::size_t i = kStampBytes; i < payload.size(); ++i) payload[i] = filler(run, i);
}

bool is_filled(std::uint16_t run, Bytes payload) {
  for (std::size_t i = kStampBytes; i < payload.size(); ++i)
    if (payload[i] != filler(run, i)) return false;
  return true;
}

}  // namespace fairlead::bench::pktgen
