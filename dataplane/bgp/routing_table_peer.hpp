// The table's own notes about a peer, and the loop over what it said.
#pragma once

#include <algorithm>

#include "dataplane/bgp/routing_table.hpp"

namespace fairlead::bgp {

struct RoutingTable::Peer {
  PeerId id{};
  PeerRules rules{};
  Established session{};  // the last one, for what stays stale
  bool up = false;
  bool held = false;          // it reads nothing
  bool tell_all = false;      // every route is to be looked at for it
  bool complete_due = false;  // End-of-RIB
  FamilySet repeat{};         // what it was told already is told again
  PerFamily<std::size_t> paths{}, told{};

  [[nodiscard]] PeerView view() const { return {.rules = rules, .session = session}; }
};

inline Path* path_of(Destination& destination, PeerId peer) {
  const auto found = std::ranges::find(destination.paths, peer, &Path::peer);
  return found == destination.paths.end() ? nullptr : &*found;
}

}  // namespace fairlead::bgp
