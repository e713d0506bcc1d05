// What a peer is at the moment: for the agent, and for whoever waits for a restart's end.
#include <algorithm>

#include "dataplane/bgp/families.hpp"
#include "speaker/peer.hpp"

namespace fairlead::speaker {

void Peer::count(const PeerSocket& socket, Counts& counts) {
  counts.messages_in += socket.heard().messages();
  counts.messages_out += socket.sent().messages();
  counts.updates_in += socket.heard().updates();
  counts.updates_out += socket.sent().updates();
}

bool Peer::has_said_all() const {
  const bgp::Agreed* agreed = session_.agreed();
  if (agreed == nullptr) return false;
  const auto& restart = agreed->peer.capabilities.graceful_restart;
  if (!restart || restart->restarting) return true;
  return std::ranges::all_of(bgp::kFamilies, [&](Family family) {
    return said_all_[family] || !agreed->negotiated.families[family];
  });
}

bgp::control::PeerStatus Peer::status() const {
  Counts counts = counts_;
  for (const auto& [transport, socket] : sockets_) count(*socket, counts);
  bgp::control::PeerStatus status{.name = settings_.name,
                                  .address = settings_.transport.address,
                                  .as = settings_.session.peer_as,
                                  .state = state_,
                                  .in_state = std::chrono::duration_cast<std::chrono::seconds>(
                                      std::chrono::steady_clock::now() - state_since_),
                                  .last_error = last_error_,
                                  .refused = counts.refused,
                                  .updates_in = counts.updates_in,
                                  .updates_out = counts.updates_out,
                                  .messages_in = counts.messages_in,
                                  .messages_out = counts.messages_out,
                                  .sessions = counts.sessions,
                                  .problems = counts.problems};
  for (const Family family : bgp::kFamilies) {
    status.received[family] = host_.table.paths_of(id_, family);
    status.announced[family] = host_.table.told_to(id_, family);
  }
  if (const bgp::Agreed* agreed = session_.agreed()) {
    status.router_id = agreed->peer.router_id;
    status.hold_time = agreed->hold_time;
  }
  return status;
}

}  // namespace fairlead::speaker
