// Where packets to a prefix go: one way, or several that are equally good.
#pragma once

#include <optional>
#include <vector>

#include "dataplane/bgp/peer_rules.hpp"

namespace fairlead::bgp {

/// Where packets go.
struct Way {
  NextHop next_hop{};
  /// Whose link a link-local address is on; of other addresses nothing.
  std::optional<PeerId> link{};
  bool operator==(const Way&) const = default;
};

/// Each once, sorted: by address, then by link.
struct NextHopSet {
  std::vector<Way> ways{};
  bool operator==(const NextHopSet&) const = default;
};

}  // namespace fairlead::bgp

template <>
struct std::hash<fairlead::bgp::NextHopSet> {
  std::size_t operator()(const fairlead::bgp::NextHopSet& set) const {
    std::size_t value = set.ways.size();
    for (const auto& way : set.ways)
      for (const std::uint8_t byte : way.next_hop.address.bytes)
        value = (value ^ byte) * 0x100000001b3ULL;
    return value;
  }
};
