// The process behind `fairlead bgp-speaker`: one thread that owns the table, the peers and the
// sockets, and does what the agent says.
//
//     agent ◀──lines──▶ ControlSocket ──Settings──▶ peers ──sessions──▶ RoutingTable
//                            ▲                        ▲                     │ flush
//                            └────── RouteFeed ◀──────┼─────────────────────┘
//     Listeners ──who is a peer───────────────────────┘
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "log/log.hpp"
#include "speaker/answers.hpp"
#include "speaker/bfd_paths.hpp"
#include "speaker/control_socket.hpp"
#include "speaker/listener.hpp"
#include "speaker/peer.hpp"
#include "speaker/route_feed.hpp"

namespace fairlead::speaker {

class Speaker {
 public:
  Speaker(boost::asio::io_context& io, log::Logger log);
  ~Speaker();

  /// Takes over the descriptors.
  Result<> open(int control, const std::vector<int>& listeners);
  /// Until the agent says Leave, or ends, or a signal comes: then the context runs empty.
  void start();

 private:
  using Ask = bgp::control::Ask;
  using Settings = bgp::control::Settings;
  using PeerSettings = bgp::control::PeerSettings;

  // speaker.cpp: what comes in
  void said(Result<bgp::control::ToSpeaker> message);
  void take(const Settings& settings);
  void take(const bgp::control::NextHopState& state);
  void take(const Ask& ask);
  void take(const bgp::control::Leave& leave);
  void accepted(Listener::Socket socket, const boost::asio::ip::tcp::endpoint& from);
  void leave(bgp::control::Leave::How how);
  Peer* find(bgp::PeerId id);

  // speaker_settings.cpp: what differs
  void begin(const Settings& settings);
  void end_everything();
  void remove_peers(const Settings& settings);
  void set_passwords(const Settings& settings);
  void set_peer(const PeerSettings& wanted);
  void add_peer(const PeerSettings& wanted);
  void remove_peer(const std::string& name, std::uint8_t cease);
  void set_routes(std::vector<bgp::control::OwnRoute> routes);

  // speaker_bfd.cpp
  void set_bfd(const Settings& settings);
  void bfd_changed(const std::string& name, const bfd::StateChanged& change);
  [[nodiscard]] bgp::control::PeerStatus status_of(const Peer& peer) const;

  // speaker_flush.cpp: what goes out
  void table_changed();
  void flush();
  void peer_changed(bgp::PeerId id);
  void look_at_restart();
  void restart_is_over();
  void pump_answers();

  boost::asio::io_context& io_;
  log::Logger log_;
  boost::asio::signal_set signals_;
  ControlSocket agent_;
  std::deque<Listener> listeners_;
  RouteFeed feed_;
  std::deque<Answers> answers_;  // that are being told
  std::mt19937_64 random_;
  BfdPaths bfd_;

  // Nothing before the first Settings.
  std::unique_ptr<bgp::RoutingTable> table_;
  bgp::Speaker as_whom_;
  std::map<std::string, std::shared_ptr<Peer>> peers_;  // by name; before the table in destruction
  std::map<bgp::PeerId, Peer*> peers_by_id_;
  std::set<Ip> unreachable_;
  std::vector<bgp::control::OwnRoute> routes_;  // sorted

  boost::asio::steady_timer flush_timer_;
  bool flush_due_ = false;
  bgp::TimePoint next_flush_{};  // not before
  boost::asio::steady_timer restart_timer_;
  bool restarting_ = false;
  bool leaving_ = false;
  std::uint64_t strangers_ = 0;  // connections from where no peer is
};

}  // namespace fairlead::speaker
