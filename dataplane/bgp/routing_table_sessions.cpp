// Peers and their sessions begin and end: calls that concern all that one peer said or was told,
// and walk over the whole table.
#include "dataplane/bgp/families.hpp"
#include "dataplane/bgp/routing_table.hpp"
#include "dataplane/bgp/routing_table_peer.hpp"

namespace fairlead::bgp {

PeerId RoutingTable::add_peer(PeerRules rules) {
  const PeerId id{static_cast<std::uint32_t>(peers_.size())};
  peers_.push_back(std::make_unique<Peer>(Peer{.id = id, .rules = std::move(rules)}));
  return id;
}

void RoutingTable::remove_peer(PeerId id) {
  session_down(id);
  peers_[id.number].reset();
}

void RoutingTable::set_rules(PeerId id, PeerRules rules) {
  Peer& peer = at(id);
  peer.rules = std::move(rules);
  peer.tell_all = peer.up;
  for (Entry& entry : destinations_) {
    const Path* path = path_of(entry.second, id);
    if (path == nullptr) continue;
    // Others may hear of it differently: the peer may have become a client.
    look_again(entry, true);
    if (!allows(peer.rules, entry.first) || refuse(*path->attributes, speaker_, peer.view()))
      drop_path(peer, entry);
  }
}

void RoutingTable::session_up(PeerId id, Established session) {
  Peer& peer = at(id);
  const bool same_router = peer.session.router_id == session.router_id;
  peer.session = std::move(session);
  peer.up = peer.tell_all = peer.complete_due = true;
  if (same_router || peer.paths == PerFamily<std::size_t>{}) return;
  for (Entry& entry : destinations_)
    if (path_of(entry.second, id) != nullptr) look_again(entry, true);
}

void RoutingTable::session_down(PeerId id, FamilySet kept) {
  Peer& peer = at(id);
  peer.up = peer.held = peer.tell_all = peer.complete_due = false;
  peer.repeat = {};
  peer.told = {};
  for (Entry& entry : destinations_) {
    const auto untold =
        std::erase_if(entry.second.told, [&](const Told& told) { return told.peer == id; });
    // It may have been there only because a held peer was still to hear that it is gone.
    if (untold > 0 && entry.second.paths.empty()) look_again(entry);
    Path* path = path_of(entry.second, id);
    if (path == nullptr) continue;
    if (!kept[entry.first.family()] || std::exchange(path->stale, true)) drop_path(peer, entry);
  }
}

void RoutingTable::remove_stale(PeerId id, FamilySet families) {
  Peer& peer = at(id);
  if (peer.paths == PerFamily<std::size_t>{}) return;
  for (Entry& entry : destinations_) {
    const Path* path = path_of(entry.second, id);
    if (path != nullptr && path->stale && families[entry.first.family()]) drop_path(peer, entry);
  }
}

void RoutingTable::mark_stale(PeerId id, Family family) {
  for (Entry& entry : destinations_)
    if (Path* path = path_of(entry.second, id); path != nullptr && entry.first.family() == family)
      path->stale = true;
}

/// Who was held is compared with the whole table, as after a session's begin.
void RoutingTable::hold(PeerId id, bool held) {
  Peer& peer = at(id);
  if (!peer.up || peer.held == held) return;
  peer.held = held;
  peer.tell_all = true;
}

void RoutingTable::refresh(PeerId id, Family family) {
  Peer& peer = at(id);
  if (!peer.up) return;
  peer.tell_all = true;
  peer.repeat[family] = true;
}

}  // namespace fairlead::bgp
