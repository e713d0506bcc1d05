// backend -> (offset, skip), its permutation of the places -> in turn, each takes its next free
// place until none is left.
//
// Weights: in each round a backend gains `weight` of credit, and has its turn once the credit
// reaches the largest weight.
#include "dataplane/ebpf/maglev.hpp"

#include <algorithm>
#include <cstring>

namespace fairlead::ebpf {
namespace {

constexpr std::uint32_t kPrimes[] = {251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521};
constexpr std::uint16_t kFree = 0xffff;  // 65,521 places: no index is so large

struct Turn {
  std::uint32_t place, skip;
  std::uint32_t credit;
};

/// The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

Turn permutation_of(const Backend& backend, std::uint32_t size) {
  std::uint64_t half[2];
  std::memcpy(half, backend.address.bytes.data(), sizeof(half));
  const std::uint64_t hash = mix(half[1] ^ mix(half[0] ^ mix(backend.port.host)));
  return {static_cast<std::uint32_t>((hash >> 32) % size),
          static_cast<std::uint32_t>((hash & 0xffffffff) % (size - 1) + 1), 0};
}

}  // namespace

std::uint32_t maglev_size(std::size_t backends, std::uint32_t slots_each) {
  if (backends <= 1 || slots_each == 0) return 0;
  const auto* const size = std::ranges::find_if(
      kPrimes, [&](std::uint32_t prime) { return prime >= backends * slots_each; });
  return size == std::end(kPrimes) ? *std::prev(std::end(kPrimes)) : *size;
}

void fill_maglev(std::span<const Backend> backends, std::span<std::uint16_t> table) {
  const auto size = static_cast<std::uint32_t>(table.size());
  std::ranges::fill(table, kFree);
  std::vector<Turn> turns;
  turns.reserve(backends.size());
  std::uint32_t largest = 1;
  for (const Backend& backend : backends) {
    turns.push_back(permutation_of(backend, size));
    // Nobody is left without a place: credit enough for a turn in the first round.
    turns.back().credit = 0xffff;
    largest = std::max<std::uint32_t>(largest, backend.weight);
  }
  std::uint32_t left = size;
  while (true) {
    for (std::size_t i = 0; i < turns.size(); ++i) {
      Turn& turn = turns[i];
      turn.credit = std::min(turn.credit, largest) + backends[i].weight;
      if (turn.credit < largest) continue;
      turn.credit -= largest;
      while (table[turn.place] != kFree) {
        turn.place += turn.skip;
        if (turn.place >= size) turn.place -= size;
      }
      table[turn.place] = static_cast<std::uint16_t>(i);
      if (--left == 0) return;
    }
  }
}

}  // namespace fairlead::ebpf
