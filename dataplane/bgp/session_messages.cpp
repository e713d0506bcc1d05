// Bytes -> messages -> what they mean in the connection's state. What does not belong there is
// answered by RFC 6608's subcode for the state.
#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/restart.hpp"
#include "dataplane/bgp/session.hpp"
#include "dataplane/bgp/session_timing.hpp"

namespace fairlead::bgp {
namespace {

Notification unexpected_message(Connection::State state) {
  switch (state) {
    case Connection::State::kConnecting:  // nothing can come
      break;
    case Connection::State::kOpenSent:
      return notification(ErrorCode::kStateMachine, state_error::kInOpenSent);
    case Connection::State::kOpenConfirm:
      return notification(ErrorCode::kStateMachine, state_error::kInOpenConfirm);
    case Connection::State::kEstablished:
      return notification(ErrorCode::kStateMachine, state_error::kInEstablished);
  }
  return notification(ErrorCode::kStateMachine);
}

}  // namespace

/// A message may end its connection, and with it all that came behind.
void Session::received(TransportId transport, ByteView bytes, TimePoint now, Actions& out) {
  const Step step{now, out};
  Connection* connection = find(transport);
  if (connection == nullptr || connection->state == State::kConnecting) return;
  connection->framer.feed(bytes);
  for (; connection != nullptr; connection = find(transport)) {
    const auto frame = connection->framer.next();
    if (!frame) return end_with(transport, frame.error(), step);
    if (!*frame) return;
    auto message = decode(**frame, connection->agreed.negotiated);
    if (!message) return end_with(transport, message.error(), step);
    heard(*connection, now);
    handle(*connection, std::move(*message), step);
  }
}

/// RFC 4271 restarts the hold timer for KEEPALIVE and UPDATE; a peer that asks for routes lives.
void Session::heard(Connection& connection, TimePoint now) const {
  connection.excused = false;
  const bool is_held =
      connection.state == State::kEstablished || connection.state == State::kOpenConfirm;
  if (is_held && connection.agreed.hold_time.count() > 0)
    connection.expiry = now + connection.agreed.hold_time;
}

void Session::handle(Connection& connection, Message&& message, const Step& step) {
  if (auto* said = std::get_if<Notification>(&message))
    return end(connection.id,
               {.cause = End::Cause::kNotificationReceived, .notification = std::move(*said)},
               step);
  if (connection.is_established()) return handle_established(connection, std::move(message), step);
  const auto* open = std::get_if<Open>(&message);
  if (connection.state == State::kOpenSent && open != nullptr)
    return handle_open(connection, *open, step);
  if (connection.state == State::kOpenConfirm && std::holds_alternative<Keepalive>(message))
    return establish(connection.id, step);
  end_with(connection.id, unexpected_message(connection.state), step);
}

void Session::handle_open(Connection& connection, const Open& open, const Step& step) {
  const TransportId id = connection.id;
  auto agreed = agree(config_, open);
  if (!agreed) return end_with(id, agreed.error(), step);
  if (!survives_collision(connection, open, step))
    return end_with(id, cease_notification(cease::kCollision), step);
  Connection& confirmed = *find(id);
  confirmed.agreed = std::move(*agreed);
  confirmed.enter(State::kOpenConfirm, step.now);
  const bool is_held = confirmed.agreed.hold_time.count() > 0;
  confirmed.expiry = step.now + (is_held ? confirmed.agreed.hold_time : kOpenHoldTime);
  send_keepalive(confirmed, step);
}

/// RFC 4271 6.8, decided as soon as the identifier is known: both sides see the same two
/// identifiers, so they decide alike. Ends the other connection where that loses. The session
/// itself is no party: whether the peer still has it shows in the next KEEPALIVE.
bool Session::survives_collision(const Connection& connection, const Open& open, const Step& step) {
  const bool outgoing = connection.outgoing;
  const Connection* other = find_if([&connection](const Connection& candidate) {
    return candidate.id != connection.id && !candidate.is_established();
  });
  if (other == nullptr) return true;
  if (other->state == State::kConnecting) {
    end(other->id, {.cause = End::Cause::kAbandoned}, step);
    return true;
  }
  const bool other_is_stuck =
      other->state == State::kOpenSent && step.now - other->since > kOpenPatience;
  if (outgoing != ours_wins(config_, open) && !other_is_stuck) return false;
  end_with(other->id, cease_notification(cease::kCollision), step);
  return true;
}

/// The session before ends first: never two at once. What we dialled beside is given up; what the
/// peer dialled is the peer's to give up, which may have decided for it.
void Session::establish(TransportId id, const Step& step) {
  if (const Connection* before = established())
    end(before->id, {.cause = End::Cause::kReplaced}, step);
  if (const Connection* beside = find_if(
          [id](const Connection& candidate) { return candidate.outgoing && candidate.id != id; }))
    end_with(beside->id, cease_notification(cease::kCollision), step);
  Connection& session = *find(id);
  session.enter(State::kEstablished, step.now);
  if (session.agreed.hold_time.count() == 0) session.expiry.reset();
  stale_ = still_forwarding(stale_, session.agreed);
  stale_until_.reset();
  if (stale_ != FamilySet{}) stale_until_ = step.now + config_.stale_time;
  step.out.emplace_back(SessionUp{.transport = id, .agreed = session.agreed, .keep_stale = stale_});
}

void Session::handle_established(Connection& connection, Message&& message, const Step& step) {
  if (auto* update = std::get_if<Update>(&message))
    handle_update(std::move(*update), step);
  else if (const auto* refresh = std::get_if<RouteRefresh>(&message))
    handle_refresh(connection, *refresh, step);
  else if (std::holds_alternative<Open>(message))
    end_with(connection.id, unexpected_message(connection.state), step);
}

void Session::handle_update(Update&& update, const Step& step) {
  const auto end_of_rib = update.end_of_rib;
  if (!end_of_rib) {
    step.out.emplace_back(UpdateReceived{std::move(update)});
    return;
  }
  stale_[*end_of_rib] = false;
  if (stale_ == FamilySet{}) stale_until_.reset();
  step.out.emplace_back(EndOfRib{*end_of_rib});
}

/// RFC 2918 4, RFC 7313 4 and 5: what was not agreed on is ignored.
void Session::handle_refresh(const Connection& connection, const RouteRefresh& refresh,
                             const Step& step) {
  using enum RouteRefresh::Kind;
  const Agreed& agreed = connection.agreed;
  if (!refresh.family || !agreed.negotiated.families[*refresh.family]) return;
  const bool is_frame = refresh.kind == kBegin || refresh.kind == kEnd;
  if (refresh.kind == kRequest || (is_frame && agreed.enhanced_route_refresh))
    step.out.emplace_back(RefreshReceived{.family = *refresh.family, .kind = refresh.kind});
}

}  // namespace fairlead::bgp
