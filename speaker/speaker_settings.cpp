// Settings -> what differs from what runs. What did not change is not touched.
#include <algorithm>

#include "speaker/speaker.hpp"

namespace fairlead::speaker {
namespace {

/// What a session is made of. How we have started is said once, and BFD beside the session.
bool same_session(const bgp::control::PeerSettings& a, const bgp::control::PeerSettings& b) {
  const auto comparable = [](const bgp::control::PeerSettings& settings) {
    auto [transport, session] = std::pair(settings.transport, settings.session);
    transport.bfd.reset();
    if (session.graceful_restart) {
      session.graceful_restart->restarting = false;
      session.graceful_restart->forwarding = {};
    }
    return std::pair(std::move(transport), std::move(session));
  };
  return comparable(a) == comparable(b);
}

}  // namespace

/// As another speaker: nothing of the former one holds.
void Speaker::end_everything() {
  log_.warn("the speaker's own numbers have changed, all sessions begin anew");
  while (!peers_.empty())
    remove_peer(std::string(peers_.begin()->first), bgp::cease::kConfigurationChange);
  set_routes({});
  if (restarting_) restart_is_over();
  flush();
}

void Speaker::begin(const Settings& settings) {
  const bool first = table_ == nullptr;
  as_whom_ = settings.speaker;
  table_ = std::make_unique<bgp::RoutingTable>(as_whom_);
  for (const Ip& address : unreachable_) table_->set_reachable(address, false);
  if (!first) return;
  log_.info("speaker started", {{"as", as_whom_.as.number},
                                {"peers", settings.peers.size()},
                                {"routes", settings.routes.size()},
                                {"restart_wait_s", settings.restart_wait.count()}});
  restarting_ = true;
  if (settings.restart_wait.count() == 0 || settings.peers.empty()) return restart_is_over();
  table_->defer();
  restart_timer_.expires_after(settings.restart_wait);
  restart_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !restarting_) return;
    log_.warn("not all peers have said what they had, going on without");
    restart_is_over();
  });
}

void Speaker::remove_peers(const Settings& settings) {
  std::set<std::string> gone;
  for (const auto& [name, peer] : peers_) gone.insert(name);
  for (const PeerSettings& peer : settings.peers) gone.erase(peer.name);
  for (const std::string& name : gone) remove_peer(name, bgp::cease::kPeerDeconfigured);
}

/// Before there are new peers: nobody of them gets in without.
void Speaker::set_passwords(const Settings& settings) {
  Passwords passwords;
  for (const PeerSettings& peer : settings.peers)
    passwords[peer.transport.address] = peer.transport.password;
  for (Listener& listener : listeners_) listener.set_passwords(passwords);
}

void Speaker::set_peer(const PeerSettings& wanted) {
  const auto found = peers_.find(wanted.name);
  if (found == peers_.end()) return add_peer(wanted);
  Peer& peer = *found->second;
  if (peer.settings() == wanted) return;
  if (same_session(peer.settings(), wanted)) return peer.change(wanted);
  remove_peer(wanted.name, bgp::cease::kConfigurationChange);
  add_peer(wanted);
}

void Speaker::add_peer(const PeerSettings& wanted) {
  if (auto checked = check(wanted.session); !checked) {
    log_.error("a peer that cannot be", {{"peer", wanted.name}, {"error", checked.error()}});
    const bgp::control::PeerStatus status{.name = wanted.name,
                                          .address = wanted.transport.address,
                                          .as = wanted.session.peer_as,
                                          .last_error = checked.error().doing};
    return agent_.say(status);
  }
  const PeerHost host{.io = io_,
                      .table = *table_,
                      .log = log_,
                      .table_changed = [this] { table_changed(); },
                      .state_changed = [this](bgp::PeerId id) { peer_changed(id); }};
  const auto peer = std::make_shared<Peer>(host, wanted, random_());
  if (!restarting_) peer->restart_is_over();
  peers_[wanted.name] = peer;
  peers_by_id_[peer->id()] = peer.get();
  peer->start();
}

void Speaker::remove_peer(const std::string& name, std::uint8_t cease) {
  const auto found = peers_.find(name);
  const auto peer = found->second;
  peers_.erase(found);
  peers_by_id_.erase(peer->id());
  peer->stop(bgp::cease_notification(cease));
}

void Speaker::set_routes(std::vector<bgp::control::OwnRoute> routes) {
  std::ranges::sort(routes);
  const auto repeated = std::ranges::unique(routes);
  routes.erase(repeated.begin(), repeated.end());
  std::vector<bgp::control::OwnRoute> gone, added;
  std::ranges::set_difference(routes_, routes, std::back_inserter(gone));
  std::ranges::set_difference(routes, routes_, std::back_inserter(added));
  for (const auto& [destination, tag] : added) table_->originate(destination, tag);
  for (const auto& [destination, tag] : gone) table_->withdraw(destination, tag);
  routes_ = std::move(routes);
}

}  // namespace fairlead::speaker
