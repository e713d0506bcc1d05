// The speaker's figures -> Prometheus. A peer that is configured no more keeps its counters and is
// down.
#include "agent/metrics.hpp"

namespace fairlead {

void Metrics::set_total(const char* name, const char* help, const prometheus::Labels& labels,
                        std::uint64_t total) {
  std::uint64_t& counted = counted_by_speaker_[{name, labels}];
  const std::uint64_t step = total >= counted ? total - counted : total;
  counted = total;
  counter(name, help, labels).Increment(static_cast<double>(step));
}

void Metrics::set_bgp(const bgp::BgpNode::Status& status,
                      const std::vector<bgp::control::PeerStatus>& peers) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  gauge("fairlead_bgp_speaker_up", "1 while the BGP speaker runs").Set(status.running ? 1 : 0);
  set_total("fairlead_bgp_speaker_starts_total", "How often the BGP speaker was started", {},
            status.starts);
  gauge("fairlead_bgp_kernel_routes", "Learned routes in the kernel")
      .Set(number(status.routes.routes));
  gauge("fairlead_bgp_own_prefixes", "Prefixes that this node announces to some peer")
      .Set(number(status.announced));
  const char* up = "fairlead_bgp_peer_up";
  const char* up_help = "1 while the session with the peer is established";
  std::set<std::string> gone = std::move(bgp_peers_);
  bgp_peers_.clear();
  for (const bgp::control::PeerStatus& peer : peers) {
    const prometheus::Labels labels{{"peer", peer.name}};
    const auto with = [&](const char* key, const char* value) {
      return prometheus::Labels{{"peer", peer.name}, {key, value}};
    };
    gone.erase(peer.name);
    bgp_peers_.insert(peer.name);
    gauge(up, up_help, labels).Set(peer.state == bgp::SessionState::kEstablished ? 1 : 0);
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const char* name = family == Family::kIpv4 ? "IPv4" : "IPv6";
      gauge("fairlead_bgp_prefixes_received", "Prefixes taken from the peer",
            with("ip_family", name))
          .Set(number(peer.received[family]));
      gauge("fairlead_bgp_prefixes_announced", "Prefixes told to the peer", with("ip_family", name))
          .Set(number(peer.announced[family]));
    }
    gauge("fairlead_bgp_prefixes_refused", "Prefixes of the peer that import rules refuse", labels)
        .Set(number(peer.refused));
    const char* messages = "fairlead_bgp_messages_total";
    const char* messages_help = "BGP messages from and to the peer";
    set_total(messages, messages_help, with("direction", "in"), peer.messages_in);
    set_total(messages, messages_help, with("direction", "out"), peer.messages_out);
    const char* updates = "fairlead_bgp_updates_total";
    const char* updates_help = "UPDATE messages from and to the peer";
    set_total(updates, updates_help, with("direction", "in"), peer.updates_in);
    set_total(updates, updates_help, with("direction", "out"), peer.updates_out);
    set_total("fairlead_bgp_sessions_total", "Sessions with the peer that were established", labels,
              peer.sessions);
    const bool is_up = peer.state == bgp::SessionState::kEstablished;
    set_total("fairlead_bgp_session_flaps_total", "Established sessions that ended", labels,
              peer.sessions - (is_up && peer.sessions > 0 ? 1 : 0));
    set_total("fairlead_bgp_damaged_attributes_total",
              "Attributes of the peer's that were damaged and cost less than the session", labels,
              peer.problems);
  }
  for (const std::string& name : gone) gauge(up, up_help, {{"peer", name}}).Set(0);
}

}  // namespace fairlead
