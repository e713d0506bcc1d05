// Prefixes that wait -> routes -> what each peer has to hear. A peer hears only what differs from
// what it was told last, however often a route went back and forth between two flushes.
#include <algorithm>

#include "dataplane/bgp/export_rules.hpp"
#include "dataplane/bgp/families.hpp"
#include "dataplane/bgp/routing_table.hpp"
#include "dataplane/bgp/routing_table_peer.hpp"

namespace fairlead::bgp {
namespace {

/// A route's attributes as somebody's rules change them.
struct ExportKey {
  const PathAttributes* attributes = nullptr;
  std::size_t source = 0;  // a peer, or the place of a rule for originated routes
  std::uint32_t to = 0;
  bool own = false, ipv4 = false;
  bool operator==(const ExportKey&) const = default;
};

struct ExportKeyHash {
  std::size_t operator()(const ExportKey& key) const {
    std::size_t hash = std::hash<const void*>{}(key.attributes);
    for (const std::size_t part :
         {key.source, std::size_t{key.to}, std::size_t{key.own}, std::size_t{key.ipv4}})
      hash = (hash ^ hash >> 29 ^ part) * 0x9e3779b97f4a7c15ULL;
    return hash;
  }
};

}  // namespace

/// Of one flush. Rules are applied to a set of attributes once, and not for each of its prefixes.
class RoutingTable::Exporter {
 public:
  explicit Exporter(RoutingTable& table) : table_(table), outgoing_(table.peers_.size()) {}

  /// `repeat`: also if it is what the peer was told last.
  void tell(const Entry& entry, std::vector<Told>& told, Peer& peer, bool repeat) {
    const Family family = entry.first.family();
    AttributesRef wanted =
        peer.session.negotiated.families[family] ? exported(entry, peer) : AttributesRef{};
    const auto had = std::ranges::find(told, peer.id, &Told::peer);
    if (had == told.end() && !wanted) return;
    if (had != told.end() && had->attributes == wanted && !repeat) return;
    if (wanted)
      group(peer, family, wanted).push_back(entry.first);
    else
      outgoing_[peer.id.number].changes.withdrawn[family].push_back(entry.first);
    if (!wanted) {
      told.erase(had);
      --peer.told[family];
    } else if (had == told.end()) {
      told.push_back({.attributes = std::move(wanted), .peer = peer.id});
      ++peer.told[family];
    } else {
      had->attributes = std::move(wanted);
    }
  }

  /// What was collected for `peer`, if it has anything to hear.
  void hand_over(Peer& peer, std::vector<PeerChanges>& to) {
    PeerChanges& changes = outgoing_[peer.id.number].changes;
    changes.peer = peer.id;
    changes.complete = !table_.awaits_learned(peer) && std::exchange(peer.complete_due, false);
    const bool is_silent = changes.announced.empty() && changes.withdrawn.ipv4.empty() &&
                           changes.withdrawn.ipv6.empty() && !changes.complete;
    if (!is_silent) to.push_back(std::move(changes));
  }

 private:
  struct Outgoing {
    PeerChanges changes{};
    std::unordered_map<ExportKey, std::size_t, ExportKeyHash> groups{};
  };

  std::vector<Prefix>& group(const Peer& peer, Family family, const AttributesRef& attributes) {
    auto& [changes, groups] = outgoing_[peer.id.number];
    const ExportKey key{.attributes = attributes.get(), .ipv4 = family == Family::kIpv4};
    const auto [place, is_new] = groups.try_emplace(key, changes.announced.size());
    if (is_new) changes.announced.push_back({family, attributes, {}});
    return changes.announced[place->second].prefixes;
  }

  AttributesRef exported(const Entry& entry, const Peer& to) {
    const Route& route = entry.second.route;
    if (!route.best) return {};
    if (route.peer == kOwnRoutes) return own(entry.first, to);
    const Peer& from = table_.at(route.peer);
    if (!may_pass(from.rules, to.rules)) return {};
    const Family family = entry.first.family();
    return remembered(
        {route.best.get(), route.peer.number, to.id.number, false, family == Family::kIpv4},
        [&] { return passed_on(*route.best, family, table_.speaker_, from.view(), to.view()); });
  }

  AttributesRef own(const Prefix& prefix, const Peer& to) {
    const auto found = table_.own_.find(prefix);
    const Family family = prefix.family();
    const auto& rules = to.rules.own_routes;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto route = std::ranges::find(found->second, rules[i].tag, &OwnRoute::first);
      if (route == found->second.end()) continue;
      return remembered({route->second.get(), i, to.id.number, true, family == Family::kIpv4},
                        [&] { return own_route(*route->second, family, rules[i], to.view()); });
    }
    return {};
  }

  template <class Export>
  AttributesRef remembered(const ExportKey& key, Export export_route) {
    const auto [place, is_new] = memory_.try_emplace(key);
    if (!is_new) return place->second;
    if (auto attributes = export_route())
      place->second = table_.attributes_.intern(*std::move(attributes));
    return place->second;
  }

  RoutingTable& table_;
  std::vector<Outgoing> outgoing_;  // by PeerId
  std::unordered_map<ExportKey, AttributesRef, ExportKeyHash> memory_;
};

/// Of as many as may be used, best first.
NextHopSet RoutingTable::ways_of(const std::vector<Candidate>& equals) const {
  NextHopSet set;
  for (const Candidate& candidate : equals) {
    if (set.ways.size() == speaker_.max_paths) break;
    const NextHop& hop = candidate.attributes->next_hop;
    const bool on_link = !hop.address.is_v4() && hop.address.is_link_local();
    const Way way{.next_hop = hop, .link = on_link ? std::optional(candidate.peer) : std::nullopt};
    if (std::ranges::find(set.ways, way) == set.ways.end()) set.ways.push_back(way);
  }
  std::ranges::sort(set.ways, {}, [](const Way& way) {
    return std::tuple(way.next_hop.address, way.link, way.next_hop.link_local);
  });
  return set;
}

Route RoutingTable::choose(const Destination& destination) {
  candidates_.clear();
  for (const Path& path : destination.paths) {
    const bool own = path.peer == kOwnRoutes;
    if (!own && unreachable_.contains(path.attributes->next_hop.address)) continue;
    Candidate candidate{.attributes = path.attributes.get(), .peer = path.peer};
    if (!own) {
      const Peer& peer = at(path.peer);
      candidate.external = !peer.rules.internal();
      candidate.router_id = peer.session.router_id;
      candidate.peer_address = peer.rules.address;
    }
    candidates_.push_back(candidate);
  }
  if (candidates_.empty()) return {};
  select(candidates_);
  const PeerId best = candidates_.front().peer;
  Route route{.best = std::ranges::find(destination.paths, best, &Path::peer)->attributes,
              .peer = best};
  if (best != kOwnRoutes) route.next_hops = next_hop_sets_.intern(ways_of(candidates_));
  return route;
}

void RoutingTable::settle(Entry& entry, Exporter& exporter, TableChanges& changes) {
  Destination& destination = entry.second;
  Route route = choose(destination);
  const bool is_new = route != destination.route;
  destination.waiting = false;
  if (is_new) changes.routes.push_back(entry.first);
  destination.route = std::move(route);
  if (std::exchange(destination.tell, false) || is_new)
    for (const auto& peer : peers_)
      if (peer && peer->up && !peer->tell_all) exporter.tell(entry, destination.told, *peer, false);
}

/// `forgotten`: what a held peer did not hear of while it went, and nobody knows any more now.
void RoutingTable::tell_all(Peer& peer, Exporter& exporter, std::vector<Prefix>& forgotten) {
  for (Entry& entry : destinations_) {
    Destination& destination = entry.second;
    exporter.tell(entry, destination.told, peer, peer.repeat[entry.first.family()]);
    if (destination.paths.empty() && destination.told.empty()) forgotten.push_back(entry.first);
  }
  peer.tell_all = false;
  peer.repeat = {};
}

/// While it is deferred a peer has not heard all, if what others say could pass to it.
bool RoutingTable::awaits_learned(const Peer& peer) const {
  return deferred_ && std::ranges::any_of(peers_, [&peer](const auto& from) {
           return from && from->id != peer.id && may_pass(from->rules, peer.rules);
         });
}

TableChanges RoutingTable::flush() {
  TableChanges changes;
  Exporter exporter(*this);
  const auto later = std::ranges::partition(waiting_, [this](Entry* entry) {
    return !deferred_ || path_of(entry->second, kOwnRoutes) != nullptr ||
           entry->second.route.peer == kOwnRoutes;
  });
  std::vector<Entry*> deferred(later.begin(), later.end());
  waiting_.erase(later.begin(), later.end());
  for (Entry* entry : waiting_) settle(*entry, exporter, changes);
  std::vector<Prefix> forgotten;
  for (const auto& peer : peers_)
    if (peer && peer->tell_all && !peer->held) tell_all(*peer, exporter, forgotten);
  for (const auto& peer : peers_)
    if (peer && peer->up && !peer->held) exporter.hand_over(*peer, changes.peers);
  for (const Entry* entry : std::exchange(waiting_, std::move(deferred)))
    if (entry->second.paths.empty()) forgotten.push_back(entry->first);
  for (const Prefix& prefix : forgotten) {
    const auto found = destinations_.find(prefix);
    if (found != destinations_.end() && found->second.told.empty()) destinations_.erase(found);
  }
  return changes;
}

}  // namespace fairlead::bgp
