// Who should answer for which address: all nodes compute the same from what the API says.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/address_pool.hpp"
#include "model/object.hpp"

namespace fairlead::layer2 {

/// The nodes that may answer for an address, the one that should first. Never empty.
using Ranking = std::vector<std::string>;

/// Of one address among nodes, best first: by the highest random weight (rendezvous hashing), so
/// that addresses spread, and a node that comes or goes moves its own addresses only. The same on
/// every node and in every version.
Ranking rank(const Ip& address, std::vector<std::string> nodes);

/// Addresses of Services that are in a pool of Announce::kLayer2, with who may answer.
///
/// A Node that is being deleted, or has the label
/// node.kubernetes.io/exclude-from-external-load-balancers, may not. Those that are not ready (by
/// their taints) come behind all others. With policy Local only nodes with an endpoint of the
/// address's family may; an address that nobody may answer for is left out.
std::map<Ip, Ranking> rank_addresses(const Snapshot& cluster,
                                     const std::map<std::string, AddressPool>& pools);

}  // namespace fairlead::layer2
