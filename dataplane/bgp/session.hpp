// One configured peer: RFC 4271 8 as a state machine. What happened goes in, what to do comes out.
#pragma once

#include <algorithm>

#include "dataplane/bgp/backoff.hpp"
#include "dataplane/bgp/connection.hpp"

namespace fairlead::bgp {

enum class SessionState : std::uint8_t {
  kIdle,  // stopped, or waiting after an error
  kConnect,
  kActive,  // waiting to dial again, or for the peer to
  kOpenSent,
  kOpenConfirm,
  kEstablished,
};
/// "Idle", "OpenSent": as operators know them.
std::string_view to_string(SessionState state);

/// Every event appends to `out` what is to be done, in order. `now` never goes back. After each
/// event ask next_timer(). Of the transports only one becomes the session; while it lasts, a new
/// one from the peer takes over once its handshake is through.
class Session {
 public:
  /// `config` passes check(). `seed`: for jitter alone.
  Session(PeerConfig config, std::uint64_t seed);

  /// Dials (unless passive) and accepts until stop(). Started already: nothing happens.
  void start(TimePoint now, Actions& out);
  /// For good: says `cease` to the peer. Stale routes go.
  void stop(const Notification& cease, TimePoint now, Actions& out);
  /// With Administrative Shutdown and the configured text.
  void stop(TimePoint now, Actions& out);
  /// For good, without a word: the peer keeps our routes if it does graceful restart (RFC 4724 4).
  void abandon(TimePoint now, Actions& out);
  /// Ends the connection with `cease` and comes back: after a pause where the reason is too many
  /// prefixes or no resources.
  void reset(const Notification& cease, TimePoint now, Actions& out);
  /// From now on OPENs say that the restart is over.
  void restart_is_over();

  void connected(TransportId transport, TimePoint now, Actions& out);
  void connect_failed(TransportId transport, TimePoint now, Actions& out);
  /// The peer has connected to us.
  TransportId accepted(TimePoint now, Actions& out);
  /// The peer has closed, or the kernel gave up.
  void closed(TransportId transport, TimePoint now, Actions& out);
  /// In whatever pieces the socket gives.
  void received(TransportId transport, ByteView bytes, TimePoint now, Actions& out);
  /// The socket takes no more bytes, or does so again (RFC 9687).
  void sending_blocked(TransportId transport, bool blocked, TimePoint now);

  /// Give the session what the sockets hold first: only silence counts that was heard.
  void timers_due(TimePoint now, Actions& out);
  [[nodiscard]] Deadline next_timer() const;

  /// Asks the peer to send its routes again (RFC 2918). False: it cannot, or there is no session.
  bool request_refresh(Family family, Actions& out);

  [[nodiscard]] SessionState state() const;
  /// Null unless established.
  [[nodiscard]] const Agreed* agreed() const;
  [[nodiscard]] const PeerConfig& config() const { return config_; }
  /// Of transports that were not closed, attempts included.
  [[nodiscard]] std::size_t transports() const { return connections_.size(); }

 private:
  struct Step {
    TimePoint now;
    Actions& out;
  };
  using State = Connection::State;

  /// Null if there is none. Good until a connection is added or ended.
  template <class Predicate>
  Connection* find_if(Predicate predicate) {
    const auto found = std::ranges::find_if(connections_, predicate);
    return found == connections_.end() ? nullptr : &*found;
  }
  Connection* find(TransportId id);
  Connection* established();

  // session.cpp: which transports there are
  void dial(const Step& step);
  Connection& add(bool outgoing, const Step& step);
  void refuse(TransportId id, const Step& step) const;
  void send_open(Connection& connection, const Step& step);
  void send(const Connection& connection, const Message& message, Actions& out) const;

  // session_messages.cpp: what the peer says
  void handle(Connection& connection, Message&& message, const Step& step);
  void handle_open(Connection& connection, const Open& open, const Step& step);
  void handle_established(Connection& connection, Message&& message, const Step& step);
  void handle_update(Update&& update, const Step& step);
  void handle_refresh(const Connection& connection, const RouteRefresh& refresh, const Step& step);
  bool survives_collision(const Connection& connection, const Open& open, const Step& step);
  void establish(TransportId id, const Step& step);
  void heard(Connection& connection, TimePoint now) const;

  // session_end.cpp: how it ends, and when it is tried again
  void end(TransportId id, const End& end, const Step& step);
  void end_with(TransportId id, const Notification& notification, const Step& step);
  void end_all(const End& end, const Step& step);
  void report(const Connection& ended, const End& end, const Step& step);
  void schedule(const Connection& ended, const End& end, TimePoint now);
  void drop_stale(Actions& out);

  // session_timers.cpp
  void connection_timers(TransportId id, const Step& step);
  bool is_excused(Connection& connection, TimePoint now);
  void send_keepalive(Connection& connection, const Step& step);

  PeerConfig config_;
  Backoff backoff_;
  std::uint64_t last_id_ = 0;
  bool running_ = false;
  bool paused_ = false;    // retry_at_ is the end of a pause after an error
  bool refusing_ = false;  // and until then the peer is refused, too
  /// In no order. At most one that we dialled, one that is the session, and one from the peer.
  std::vector<Connection> connections_;
  Deadline retry_at_;  // only while there is no connection
  FamilySet stale_{};
  Deadline stale_until_;
};

}  // namespace fairlead::bgp
