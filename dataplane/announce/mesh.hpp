// Sessions between the nodes of the cluster, which nobody configures.
#pragma once

#include <vector>

#include "dataplane/announce/peer_addresses.hpp"
#include "dataplane/announce/pod_ranges.hpp"
#include "dataplane/announce/self.hpp"

namespace fairlead::announce {

/// Of the own routes that nodes tell one another: their pod ranges. BGPAdvertisements have others.
inline constexpr bgp::RouteTag kMeshTag{0};

/// One session a family, so that each has its own end as next hop, and one family's trouble is not
/// the other's. The addresses of peers are added to `addresses`.
std::vector<bgp::control::PeerSettings> mesh_peers(const Options& options, const Self& self,
                                                   const std::map<std::string, Node>& nodes,
                                                   const PodRanges& ranges, const Objects& objects,
                                                   PeerAddresses& addresses,
                                                   std::vector<Problem>& problems);

}  // namespace fairlead::announce
