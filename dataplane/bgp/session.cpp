// start, stop and transports that come and go -> OPENs, attempts, refusals. A transport is known by
// its number from the moment that it is asked for or accepted until it is closed.
#include "dataplane/bgp/session.hpp"

#include <algorithm>

#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/session_timing.hpp"

namespace fairlead::bgp {

Session::Session(PeerConfig config, std::uint64_t seed)
    : config_(std::move(config)), backoff_(seed) {}

void Session::start(TimePoint now, Actions& out) {
  if (running_) return;
  running_ = true;
  paused_ = false;
  backoff_.forget_failures();
  refusing_ = false;
  if (config_.passive) return;
  if (config_.connect_delay.count() > 0)
    retry_at_ = now + backoff_.jittered(config_.connect_delay);
  else
    dial({now, out});
}

void Session::stop(const Notification& cease, TimePoint now, Actions& out) {
  running_ = false;
  retry_at_.reset();
  end_all({.cause = End::Cause::kNotificationSent, .notification = cease}, {now, out});
  drop_stale(out);
}

void Session::stop(TimePoint now, Actions& out) {
  stop(cease_notification(cease::kAdministrativeShutdown, config_.shutdown_text), now, out);
}

void Session::abandon(TimePoint now, Actions& out) {
  running_ = false;
  retry_at_.reset();
  end_all({.cause = End::Cause::kAbandoned}, {now, out});
  drop_stale(out);
}

void Session::reset(const Notification& cease, TimePoint now, Actions& out) {
  if (!running_) return;
  end_all({.cause = End::Cause::kNotificationSent, .notification = cease}, {now, out});
}

void Session::restart_is_over() {
  if (config_.graceful_restart) config_.graceful_restart->restarting = false;
}

void Session::connected(TransportId transport, TimePoint now, Actions& out) {
  Connection* connection = find(transport);
  if (connection == nullptr || connection->state != State::kConnecting) return;
  send_open(*connection, {now, out});
}

void Session::connect_failed(TransportId transport, TimePoint now, Actions& out) {
  const Connection* connection = find(transport);
  if (connection == nullptr || connection->state != State::kConnecting) return;
  end(transport, {.cause = End::Cause::kConnectFailed}, {now, out});
}

/// A second one from the peer while the first is still shaking hands: the peer has given that up.
/// One while there is a session: the peer may have lost it, which a KEEPALIVE finds out (the
/// answer is a reset), or which shows when the new one's handshake is through.
TransportId Session::accepted(TimePoint now, Actions& out) {
  const Step step{now, out};
  if (!running_ || refusing_) {
    const TransportId refused{++last_id_};
    refuse(refused, step);
    return refused;
  }
  if (const Connection* given_up = find_if([](const Connection& connection) {
        return !connection.outgoing && connection.is_handshaking();
      }))
    end_with(given_up->id, cease_notification(cease::kCollision), step);
  if (const Connection* session = established()) send(*session, Keepalive{}, out);
  Connection& connection = add(false, step);
  send_open(connection, step);
  return connection.id;
}

void Session::closed(TransportId transport, TimePoint now, Actions& out) {
  if (find(transport) == nullptr) return;
  end(transport, {.cause = End::Cause::kTransportLost}, {now, out});
}

void Session::sending_blocked(TransportId transport, bool blocked, TimePoint now) {
  Connection* connection = find(transport);
  if (connection == nullptr) return;
  if (!blocked)
    connection->send_hold.reset();
  else if (!connection->send_hold)
    connection->send_hold =
        now + std::max<Backoff::Duration>(kSendHoldTime, connection->agreed.hold_time * 2);
}

bool Session::request_refresh(Family family, Actions& out) {
  const Connection* session = established();
  if (session == nullptr || !session->agreed.route_refresh ||
      !session->agreed.negotiated.families[family])
    return false;
  send(*session, RouteRefresh{.family = family}, out);
  return true;
}

const Agreed* Session::agreed() const {
  const auto session = std::ranges::find_if(connections_, &Connection::is_established);
  return session == connections_.end() ? nullptr : &session->agreed;
}

void Session::dial(const Step& step) {
  Connection& connection = add(true, step);
  connection.expiry = step.now + backoff_.jittered(config_.connect_retry);
  step.out.emplace_back(Connect{connection.id});
}

Connection& Session::add(bool outgoing, const Step& step) {
  retry_at_.reset();
  paused_ = false;
  return connections_.emplace_back(
      Connection{.id = {++last_id_}, .outgoing = outgoing, .since = step.now});
}

void Session::refuse(TransportId id, const Step& step) const {
  send({.id = id}, cease_notification(cease::kConnectionRejected), step.out);
  step.out.emplace_back(Close{id});
}

void Session::send_open(Connection& connection, const Step& step) {
  connection.enter(State::kOpenSent, step.now);
  connection.expiry = step.now + kOpenHoldTime;
  send(connection, own_open(config_), step.out);
}

/// An UPDATE is not sent by us: what else there is always has room, and no form to agree on.
void Session::send(const Connection& connection, const Message& message, Actions& out) const {
  Send action{.transport = connection.id};
  if (encode(message, connection.agreed.negotiated, action.bytes))
    out.emplace_back(std::move(action));
}

Connection* Session::find(TransportId id) {
  return find_if([id](const Connection& connection) { return connection.id == id; });
}

Connection* Session::established() {
  return find_if([](const Connection& connection) { return connection.is_established(); });
}

}  // namespace fairlead::bgp
