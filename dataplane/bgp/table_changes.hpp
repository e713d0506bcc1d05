// What a batch of updates came to: routes for the kernel, and words for peers.
#pragma once

#include <vector>

#include "dataplane/bgp/destination.hpp"
#include "model/result.hpp"

namespace fairlead::bgp {

/// For one peer; holds attributes of the table, and must not outlive it. In no order.
struct PeerChanges {
  struct Group {
    Family family = Family::kIpv4;
    AttributesRef attributes{};
    std::vector<Prefix> prefixes{};
  };

  PeerId peer{};
  PerFamily<std::vector<Prefix>> withdrawn{};
  std::vector<Group> announced{};
  /// With these the peer has all that it is told since its session began: End-of-RIB is due.
  bool complete = false;
};

struct TableChanges {
  /// Prefixes whose best path or next hops differ from before; RoutingTable::find has the new ones.
  std::vector<Prefix> routes{};
  std::vector<PeerChanges> peers{};  // those with something to hear
};

/// Withdrawals, announcements and, where due, End-of-RIB of each family, appended to `out` in as
/// few UPDATEs as there are sets of attributes. What cannot be put into a message is withdrawn, so
/// that the peer does not keep what it was told before: the errors say why.
std::vector<Error> encode(const PeerChanges& changes, const Negotiated& negotiated, Bytes& out);

}  // namespace fairlead::bgp
