// Names -> tags, selectors and lists of names -> who says what to whom.
#include "dataplane/announce/advertisements.hpp"

#include <algorithm>
#include <set>

#include "dataplane/announce/mesh.hpp"

namespace fairlead::announce {
namespace {

bool lists(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

/// A number that stays when other advertisements come and go, but by bad luck.
std::map<std::string, bgp::RouteTag> number_tags(const Objects& objects) {
  std::map<std::string, bgp::RouteTag> tags;
  std::set<std::uint32_t> used{kMeshTag.number};
  for (const auto& [name, advertisement] : objects.advertisements) {
    std::uint32_t number = number_of(name);
    while (!used.insert(number).second) ++number;
    tags.emplace(name, bgp::RouteTag{number});
  }
  return tags;
}

bgp::OwnRouteRule rule_of(const BgpAdvertisement& advertisement, bgp::RouteTag tag) {
  bgp::OwnRouteRule rule{.tag = tag,
                         .med = advertisement.med,
                         .local_preference = advertisement.local_preference,
                         .prepend = advertisement.as_path_prepend};
  for (const std::uint32_t value : advertisement.communities.standard)
    rule.communities.push_back({value});
  for (const auto& large : advertisement.communities.large)
    rule.large_communities.push_back({large.global, large.local1, large.local2});
  return rule;
}

std::vector<const AddressPool*> pools_of(const BgpAdvertisement& advertisement,
                                         const Objects& objects) {
  std::vector<const AddressPool*> pools;
  for (const auto& [name, pool] : objects.pools)
    if (pool.announce == Announce::kBgp && lists(advertisement.pools, name)) pools.push_back(&pool);
  return pools;
}

void check_names(const BgpAdvertisement& advertisement, const Objects& objects,
                 std::vector<Problem>& problems) {
  const auto complain = [&](std::string_view list, std::size_t i, std::string message) {
    problems.push_back({"BGPAdvertisement " + advertisement.name,
                        "spec." + std::string(list) + '[' + std::to_string(i) + ']',
                        std::move(message)});
  };
  for (std::size_t i = 0; i < advertisement.peers.size(); ++i)
    if (!objects.peers.contains(advertisement.peers[i]))
      complain("peers", i, "there is no BGPPeer " + advertisement.peers[i]);
  for (std::size_t i = 0; i < advertisement.pools.size(); ++i) {
    const auto pool = objects.pools.find(advertisement.pools[i]);
    if (pool == objects.pools.end())
      complain("pools", i, "there is no AddressPool " + advertisement.pools[i]);
    else if (pool->second.announce != Announce::kBgp)
      complain("pools", i,
               "AddressPool " + pool->first + " is not announced by BGP: its announce is another");
  }
}

}  // namespace

std::vector<Advertised> advertise(const Self& self, const Objects& objects,
                                  std::vector<bgp::control::PeerSettings>& peers,
                                  std::vector<Problem>& problems) {
  const auto tags = number_tags(objects);
  std::vector<Advertised> made;
  for (const auto& [name, advertisement] : objects.advertisements) {
    check_names(advertisement, objects, problems);
    if (!advertisement.nodes.matches(self.node.labels)) continue;
    bool is_heard = false;
    for (auto& peer : peers) {
      if (!lists(advertisement.peers, peer.name)) continue;
      peer.rules.own_routes.push_back(rule_of(advertisement, tags.at(name)));
      is_heard = true;
    }
    if (is_heard) made.push_back({&advertisement, tags.at(name), pools_of(advertisement, objects)});
  }
  return made;
}

}  // namespace fairlead::announce
