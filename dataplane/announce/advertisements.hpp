// BGPAdvertisements of this node -> tags, and the rules by which peers hear of routes that have
// them.
#pragma once

#include <vector>

#include "dataplane/announce/self.hpp"

namespace fairlead::announce {

/// An advertisement that this node makes, to one peer at least.
struct Advertised {
  const BgpAdvertisement* advertisement = nullptr;
  bgp::RouteTag tag{};
  std::vector<const AddressPool*> pools{};  // announced by BGP, of those that it means
};

/// Sorted by name. Names of peers and pools that do not exist become Problems. The rules are added
/// to `peers`, which are BGPPeers' sessions.
std::vector<Advertised> advertise(const Self& self, const Objects& objects,
                                  std::vector<bgp::control::PeerSettings>& peers,
                                  std::vector<Problem>& problems);

}  // namespace fairlead::announce
