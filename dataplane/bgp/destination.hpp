// One prefix in the table: who leads there, which way was chosen, and who was told what of it.
#pragma once

#include <cstring>
#include <unordered_map>
#include <vector>

#include "dataplane/bgp/interned.hpp"
#include "dataplane/bgp/next_hop_set.hpp"
#include "dataplane/bgp/peer_rules.hpp"

namespace fairlead::bgp {

using AttributesRef = Interned<PathAttributes>;

struct Path {
  AttributesRef attributes{};
  PeerId peer{};
  bool stale = false;  // its session ended, and the peer promised to be back (RFC 4724)
};

/// The way that is used.
struct Route {
  AttributesRef best{};  // nothing: there is no way
  PeerId peer{};         // whose path the best one is
  /// Empty for what is originated here.
  Interned<NextHopSet> next_hops{};
  bool operator==(const Route&) const = default;
};

/// What a peer was told last.
struct Told {
  AttributesRef attributes{};
  PeerId peer{};
};

struct Destination {
  std::vector<Path> paths{};  // of each peer at most one
  std::vector<Told> told{};   // the same
  Route route{};
  bool waiting = false;  // among those to be looked at again
  bool tell = false;     // even if the same route is chosen again
};

struct PrefixHash {
  std::uint64_t seed = 0;

  std::size_t operator()(const Prefix& prefix) const {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), prefix.base.bytes.data(), sizeof words);
    return mix(mix(seed ^ words[0]) ^ words[1] ^ std::uint64_t{prefix.length} << 40);
  }

 private:
  /// The last step of MurmurHash3: each bit of the result depends on each bit of the word.
  static constexpr std::uint64_t mix(std::uint64_t word) {
    word = (word ^ word >> 33) * 0xff51afd7ed558ccdULL;
    word = (word ^ word >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return word ^ word >> 33;
  }
};

using Destinations = std::unordered_map<Prefix, Destination, PrefixHash>;

}  // namespace fairlead::bgp
