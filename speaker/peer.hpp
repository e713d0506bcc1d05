// One configured peer while the speaker runs: its Session, the sockets that the session asks for,
// and what it says to the table.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>

#include "dataplane/bgp/control/messages.hpp"
#include "dataplane/bgp/routing_table.hpp"
#include "dataplane/bgp/session.hpp"
#include "log/log.hpp"
#include "speaker/peer_socket.hpp"

namespace fairlead::speaker {

/// What all peers share.
struct PeerHost {
  boost::asio::io_context& io;
  bgp::RoutingTable& table;
  log::Logger log;
  std::function<void()> table_changed;             // it is to be flushed
  std::function<void(bgp::PeerId)> state_changed;  // as PeerStatus shows it
};

class Peer final : public PeerSocket::Owner, public std::enable_shared_from_this<Peer> {
 public:
  /// `seed`: of the session's jitter. `settings.session` passes check().
  Peer(PeerHost host, bgp::control::PeerSettings settings, std::uint64_t seed);
  ~Peer() override;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void start();
  /// The peer has connected to us.
  void accept(boost::asio::ip::tcp::socket socket);
  /// For good, with a word or without.
  void stop(const bgp::Notification& cease);
  void abandon();
  /// RFC 9384: the peer's BFD session is down. The BGP session ends and is tried again. What a
  /// restarting peer left behind stays, unless its BFD did not restart with it (RFC 5882 4.3).
  void bfd_down(bool is_independent);

  /// What needs no new session: rules, next hops, BFD.
  void change(bgp::control::PeerSettings settings);
  void restart_is_over() { session_.restart_is_over(); }
  /// What a flush came to for this peer.
  void tell(const bgp::PeerChanges& changes);

  [[nodiscard]] const bgp::control::PeerSettings& settings() const { return settings_; }
  [[nodiscard]] bgp::PeerId id() const { return id_; }
  /// That the peer's link-local addresses are on; "": not known.
  [[nodiscard]] const std::string& interface() const { return interface_; }
  /// Whether the peer has said all that it has, or is restarting itself, or would not say when it
  /// has (RFC 4724 4.1).
  [[nodiscard]] bool has_said_all() const;
  [[nodiscard]] bgp::control::PeerStatus status() const;

  void connected(bgp::TransportId transport) override;
  void connect_failed(bgp::TransportId transport, const Error& error) override;
  void received(bgp::TransportId transport, bgp::ByteView bytes) override;
  void closed(bgp::TransportId transport) override;
  void blocked(bgp::TransportId transport, bool blocked) override;
  void drained(bgp::TransportId transport) override;

 private:
  struct Counts {
    std::uint64_t messages_in = 0, messages_out = 0, updates_in = 0, updates_out = 0;
    std::uint64_t refused = 0, sessions = 0, problems = 0;
  };

  // peer.cpp
  template <class Event>
  void happen(Event event);
  void execute(bgp::Actions& actions);
  void set_timer();
  void timer_fired();
  PeerSocket& add_socket(bgp::TransportId transport);
  void drop_socket(bgp::TransportId transport);

  // peer_status.cpp
  static void count(const PeerSocket& socket, Counts& counts);

  // peer_actions.cpp: what the session wants
  void act(const bgp::Connect& action, bgp::Actions& more);
  void act(const bgp::Close& action, bgp::Actions& more);
  void act(const bgp::Send& action, bgp::Actions& more);
  void act(const bgp::SessionUp& action, bgp::Actions& more);
  void act(const bgp::SessionDown& action, bgp::Actions& more);
  void act(const bgp::StaleExpired& action, bgp::Actions& more);
  void act(const bgp::AttemptFailed& action, bgp::Actions& more);
  void act(const bgp::UpdateReceived& action, bgp::Actions& more);
  void act(const bgp::EndOfRib& action, bgp::Actions& more);
  void act(const bgp::RefreshReceived& action, bgp::Actions& more);
  void report_problems(const bgp::Update& update);
  void failed(const std::string& why);
  [[nodiscard]] bgp::Established established(const bgp::Agreed& agreed) const;

  PeerHost host_;
  bgp::control::PeerSettings settings_;
  log::Logger log_;
  bgp::PeerId id_;
  bgp::Session session_;
  std::map<bgp::TransportId, std::shared_ptr<PeerSocket>> sockets_;
  boost::asio::steady_timer timer_;
  bgp::Deadline armed_;  // when the timer fires
  bool stopped_ = false;

  // Of the session that is up:
  std::optional<bgp::TransportId> session_transport_;
  std::string interface_;
  bgp::FamilySet said_all_{};    // End-of-RIB came
  bgp::FamilySet refreshing_{};  // asked for again: RFC 7313's end is due
  bool over_limit_ = false;      // too many prefixes; what is still to be looked at does not count
  std::uint64_t reported_problems_ = 0;

  bgp::SessionState state_ = bgp::SessionState::kIdle;
  bgp::TimePoint state_since_;
  std::string last_error_, logged_failure_;
  Counts counts_;  // of sockets that are gone, and what is not theirs
};

}  // namespace fairlead::speaker
