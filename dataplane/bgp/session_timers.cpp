// What is due now. However long nobody asked, each timer counts once.
#include <algorithm>

#include "dataplane/bgp/session.hpp"

namespace fairlead::bgp {

void Session::timers_due(TimePoint now, Actions& out) {
  const Step step{now, out};
  std::vector<TransportId> transports;
  for (const Connection& connection : connections_) transports.push_back(connection.id);
  for (const TransportId transport : transports) connection_timers(transport, step);
  if (is_due(stale_until_, now)) drop_stale(out);
  if (!is_due(retry_at_, now)) return;
  retry_at_.reset();
  paused_ = refusing_ = false;
  if (!config_.passive) dial(step);
}

void Session::connection_timers(TransportId id, const Step& step) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (is_due(connection->expiry, step.now) && !is_excused(*connection, step.now)) {
    if (connection->state == State::kConnecting)
      return end(id, {.cause = End::Cause::kConnectTimedOut}, step);
    return end_with(id, notification(ErrorCode::kHoldTimerExpired), step);
  }
  if (is_due(connection->send_hold, step.now))
    return end_with(id, notification(ErrorCode::kSendHoldTimerExpired), step);
  if (is_due(connection->keepalive, step.now)) send_keepalive(*connection, step);
}

/// Whoever looks at the clock a KEEPALIVE's time too late (a stopped process, a machine that was
/// asleep) has not listened either: once, until something is heard, the peer gets that time more.
bool Session::is_excused(Connection& connection, TimePoint now) {
  const auto keepalive_time = connection.agreed.hold_time / 3;
  const bool is_held = connection.is_established() && keepalive_time.count() > 0;
  if (!is_held || connection.excused || now - *connection.expiry < keepalive_time) return false;
  connection.excused = true;
  connection.expiry = now + keepalive_time;
  return true;
}

void Session::send_keepalive(Connection& connection, const Step& step) {
  send(connection, Keepalive{}, step.out);
  if (connection.agreed.hold_time.count() == 0) return;
  Backoff::Duration pause = Backoff::Duration(connection.agreed.hold_time) / 3;
  if (config_.keepalive) pause = std::min<Backoff::Duration>(pause, *config_.keepalive);
  connection.keepalive = step.now + backoff_.jittered(pause);
}

Deadline Session::next_timer() const {
  Deadline next;
  const auto consider = [&next](const Deadline& deadline) {
    if (deadline && (!next || *deadline < *next)) next = deadline;
  };
  for (const Connection& connection : connections_) {
    consider(connection.expiry);
    consider(connection.keepalive);
    consider(connection.send_hold);
  }
  consider(retry_at_);
  consider(stale_until_);
  return next;
}

SessionState Session::state() const {
  const auto furthest = std::ranges::max_element(connections_, {}, &Connection::state);
  if (furthest == connections_.end())
    return !running_ || paused_ ? SessionState::kIdle : SessionState::kActive;
  switch (furthest->state) {
    case State::kConnecting:
      return SessionState::kConnect;
    case State::kOpenSent:
      return SessionState::kOpenSent;
    case State::kOpenConfirm:
      return SessionState::kOpenConfirm;
    case State::kEstablished:
      return SessionState::kEstablished;
  }
  return SessionState::kIdle;
}

std::string_view to_string(SessionState state) {
  switch (state) {
    case SessionState::kIdle:
      return "Idle";
    case SessionState::kConnect:
      return "Connect";
    case SessionState::kActive:
      return "Active";
    case SessionState::kOpenSent:
      return "OpenSent";
    case SessionState::kOpenConfirm:
      return "OpenConfirm";
    case SessionState::kEstablished:
      return "Established";
  }
  return "";
}

}  // namespace fairlead::bgp
