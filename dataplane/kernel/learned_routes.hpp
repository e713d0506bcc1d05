// What the kernel has of learned routes and of what they need: the way to their next hops, and
// whether those answer.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/kernel/route_batch.hpp"

namespace fairlead {

struct LearnedRoutesState {
  std::vector<LearnedKernelRoute> routes;  // sorted
  /// Destinations at our metric that are somebody else's. Sorted.
  std::vector<Cidr> foreign;
};
Result<LearnedRoutesState> read_learned_routes(NetlinkSocket& socket);

/// By which gateways and links the kernel reaches an address. Empty: it does not, or by a link that
/// is down, or the address is its own, or the route to it is itself a learned one.
Result<std::vector<RouteHop>> find_hops(NetlinkSocket& socket, const Ip& address);

/// Neighbours that answer, and those that do not (NUD_FAILED); none of which that is not known.
struct NeighbourAnswers {
  std::vector<RouteHop> yes, no;  // sorted
};
Result<NeighbourAnswers> read_neighbour_answers(NetlinkSocket& socket);

/// Indices of links that are up and have a carrier. Sorted.
Result<std::vector<int>> read_working_links(NetlinkSocket& socket);

}  // namespace fairlead
