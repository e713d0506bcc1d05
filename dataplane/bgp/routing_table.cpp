// What peers and this node say -> paths. Nothing is decided here: a prefix about which something
// new was said waits for the next flush.
#include "dataplane/bgp/routing_table.hpp"

#include "dataplane/bgp/families.hpp"
#include "dataplane/bgp/routing_table_peer.hpp"

namespace fairlead::bgp {

RoutingTable::RoutingTable(const Speaker& speaker)
    : speaker_(speaker),
      destinations_(0, PrefixHash{speaker.hash_seed}),
      own_(0, PrefixHash{speaker.hash_seed}) {
  speaker_.max_paths = std::max<std::size_t>(speaker.max_paths, 1);
}

RoutingTable::~RoutingTable() = default;

RoutingTable::Peer& RoutingTable::at(PeerId peer) { return *peers_.at(peer.number); }
const RoutingTable::Peer& RoutingTable::at(PeerId peer) const { return *peers_.at(peer.number); }

void RoutingTable::look_again(Entry& entry, bool tell) {
  entry.second.tell |= tell;
  if (std::exchange(entry.second.waiting, true)) return;
  waiting_.push_back(&entry);
}

void RoutingTable::put_path(Peer& peer, Entry& entry, const AttributesRef& attributes) {
  if (Path* path = path_of(entry.second, peer.id)) {
    path->stale = false;
    if (path->attributes == attributes) return;
    path->attributes = attributes;
  } else {
    entry.second.paths.push_back({.attributes = attributes, .peer = peer.id});
    ++peer.paths[entry.first.family()];
  }
  look_again(entry);
}

bool RoutingTable::drop_path(Peer& peer, Entry& entry) {
  const auto dropped =
      std::erase_if(entry.second.paths, [&](const Path& path) { return path.peer == peer.id; });
  if (dropped == 0) return false;
  --peer.paths[entry.first.family()];
  look_again(entry);
  return true;
}

void RoutingTable::drop_path(Peer& peer, const Prefix& prefix) {
  const auto found = destinations_.find(prefix);
  if (found != destinations_.end()) drop_path(peer, *found);
}

void RoutingTable::announce(Peer& peer, const Announcement& announcement, Received& received) {
  const auto refuse_one = [&](const Prefix& prefix, Refusal refusal) {
    ++received.refused[static_cast<std::size_t>(refusal)];
    drop_path(peer, prefix);  // it replaces what the peer said before all the same
  };
  const auto refusal = refuse(announcement.attributes, speaker_, peer.view());
  const auto attributes =
      refusal ? AttributesRef{} : attributes_.intern(imported(announcement.attributes, peer.rules));
  for (const Prefix& prefix : announcement.prefixes) {
    if (refusal || !allows(peer.rules, prefix)) {
      refuse_one(prefix, refusal.value_or(Refusal::kPrefix));
      continue;
    }
    put_path(peer, *destinations_.try_emplace(prefix).first, attributes);
    if (peer.paths[announcement.family] <= peer.rules.max_prefixes) continue;
    received.over_limit = announcement.family;
    return;
  }
}

Received RoutingTable::receive(PeerId id, const Update& update) {
  Peer& peer = at(id);
  Received received;
  for (const Family family : kFamilies)
    for (const Prefix& prefix : update.withdrawn[family]) drop_path(peer, prefix);
  for (const Announcement& announcement : update.announced) {
    announce(peer, announcement, received);
    if (received.over_limit) break;
  }
  return received;
}

void RoutingTable::put_own(Entry& entry, const std::vector<OwnRoute>& routes) {
  auto& paths = entry.second.paths;
  std::erase_if(paths, [](const Path& path) { return path.peer == kOwnRoutes; });
  if (!routes.empty()) paths.push_back({.attributes = routes.front().second, .peer = kOwnRoutes});
  look_again(entry, true);
}

void RoutingTable::originate(const Prefix& prefix, RouteTag tag, PathAttributes attributes) {
  auto& routes = own_[prefix];
  const OwnRoute route{tag, attributes_.intern(std::move(attributes))};
  const auto place = std::ranges::lower_bound(routes, tag, {}, &OwnRoute::first);
  if (place == routes.end() || place->first != tag)
    routes.insert(place, route);
  else if (std::exchange(place->second, route.second) == route.second)
    return;
  put_own(*destinations_.try_emplace(prefix).first, routes);
}

void RoutingTable::withdraw(const Prefix& prefix, RouteTag tag) {
  const auto found = own_.find(prefix);
  if (found == own_.end()) return;
  auto& routes = found->second;
  if (std::erase_if(routes, [&](const OwnRoute& it) { return it.first == tag; }) == 0) return;
  put_own(*destinations_.try_emplace(prefix).first, routes);
  if (routes.empty()) own_.erase(found);
}

void RoutingTable::set_reachable(const Ip& next_hop, bool reachable) {
  const bool changed =
      reachable ? unreachable_.erase(next_hop) > 0 : unreachable_.insert(next_hop).second;
  if (!changed) return;
  const auto leads_there = [&](const Path& path) {
    return path.attributes->next_hop.address == next_hop;
  };
  for (Entry& entry : destinations_)
    if (std::ranges::any_of(entry.second.paths, leads_there)) look_again(entry);
}

const Route* RoutingTable::find(const Prefix& prefix) const {
  const auto found = destinations_.find(prefix);
  return found == destinations_.end() || !found->second.route.best ? nullptr : &found->second.route;
}

std::size_t RoutingTable::paths_of(PeerId peer, Family family) const {
  return at(peer).paths[family];
}

std::size_t RoutingTable::told_to(PeerId peer, Family family) const {
  return at(peer).told[family];
}

}  // namespace fairlead::bgp
