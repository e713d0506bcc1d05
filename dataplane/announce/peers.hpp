// BGPPeers -> the sessions that this node holds with them.
#pragma once

#include <vector>

#include "dataplane/announce/peer_addresses.hpp"
#include "dataplane/announce/pod_ranges.hpp"
#include "dataplane/announce/self.hpp"

namespace fairlead::announce {

/// Named "BGPPeer"'s names, without own routes. Those whose selector means this node, whose address
/// nobody has in `addresses`, and that nothing else speaks against.
std::vector<bgp::control::PeerSettings> configured_peers(const Self& self, const PodRanges& ranges,
                                                         const Objects& objects,
                                                         PeerAddresses& addresses,
                                                         std::vector<Problem>& problems);

}  // namespace fairlead::announce
