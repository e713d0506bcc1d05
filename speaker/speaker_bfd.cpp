// Settings -> paths that are watched; a path that is lost -> the end of its peer's session.
#include "speaker/speaker.hpp"

namespace fairlead::speaker {

void Speaker::set_bfd(const Settings& settings) {
  std::set<std::string> wanted;
  for (const PeerSettings& peer : settings.peers)
    if (peer.transport.bfd && peers_.contains(peer.name)) wanted.insert(peer.name);
  bfd_.keep_only(wanted);
  for (const PeerSettings& peer : settings.peers)
    if (wanted.contains(peer.name)) bfd_.set(peer.name, peer.transport);
}

/// At once, and not after the peer's hold time; what is down because somebody wants it says nothing
/// about the path.
void Speaker::bfd_changed(const std::string& name, const bfd::StateChanged& change) {
  const auto found = peers_.find(name);
  if (leaving_ || found == peers_.end()) return;
  if (is_failure(change)) found->second->bfd_down(change.peer_is_independent);
  peer_changed(found->second->id());
}

bgp::control::PeerStatus Speaker::status_of(const Peer& peer) const {
  bgp::control::PeerStatus status = peer.status();
  if (const bfd::Session* path = bfd_.find(status.name))
    status.bfd = std::string(to_string(path->state()));
  return status;
}

}  // namespace fairlead::speaker
