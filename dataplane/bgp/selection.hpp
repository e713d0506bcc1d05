// Which of the paths to a prefix is the best, and which others are as good (RFC 4271 9.1.2.2).
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/bgp/attributes.hpp"
#include "dataplane/bgp/peer_rules.hpp"

namespace fairlead::bgp {

/// Of what external peers say, and of what internal ones leave out.
inline constexpr std::uint32_t kDefaultLocalPreference = 100;

/// A path whose next hop can be reached.
struct Candidate {
  const PathAttributes* attributes = nullptr;
  PeerId peer{};  // kOwnRoutes: originated here, and better than what any peer says
  bool external = false;
  RouterId router_id{};  // the peer's; ORIGINATOR_ID stands in for it
  Ip peer_address{};
};

/// Leaves those that are equal up to the comparison of router ids, the best first, in an order that
/// does not depend on theirs. Distances to next hops are not compared: all are one hop away.
void select(std::vector<Candidate>& candidates);

}  // namespace fairlead::bgp
