// How a connection ended -> what the peer is told, what the table keeps, when it is tried again.
#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/restart.hpp"
#include "dataplane/bgp/session.hpp"
#include "dataplane/bgp/session_timing.hpp"

namespace fairlead::bgp {
namespace {

using Cause = End::Cause;

bool is_cease(const End& end, std::uint8_t subcode) {
  return end.notification &&
         end.notification->code == static_cast<std::uint8_t>(ErrorCode::kCease) &&
         end.notification->subcode == subcode;
}

/// For these the peer would be back at once with the same, and must not be.
std::optional<std::chrono::seconds> refusal_after(const End& end) {
  if (end.cause != Cause::kNotificationSent) return std::nullopt;
  if (is_cease(end, cease::kMaximumPrefixes)) return kTooManyPrefixesPause;
  if (is_cease(end, cease::kOutOfResources)) return kNoResourcesPause;
  return std::nullopt;
}

/// A lost session is no failure: its peer may be on its way up again.
bool is_failure(const Connection& ended, const End& end) {
  if (end.cause == Cause::kNotificationSent || end.cause == Cause::kNotificationReceived)
    return !is_cease(end, cease::kCollision);
  return end.cause == Cause::kTransportLost && !ended.is_established();
}

std::string_view describe_cause(Cause cause) {
  switch (cause) {
    case Cause::kConnectFailed:
      return "connect failed";
    case Cause::kConnectTimedOut:
      return "connect timed out";
    case Cause::kTransportLost:
      return "transport lost";
    case Cause::kNotificationSent:
      return "sent";
    case Cause::kNotificationReceived:
      return "received";
    case Cause::kReplaced:
      return "the peer has connected anew";
    case Cause::kAbandoned:
      return "abandoned";
  }
  return "";
}

}  // namespace

std::string describe(const End& end) {
  std::string text(describe_cause(end.cause));
  if (end.notification) text += " " + describe(*end.notification);
  return text;
}

void Session::end_with(TransportId id, const Notification& notification, const Step& step) {
  end(id, {.cause = Cause::kNotificationSent, .notification = notification}, step);
}

void Session::end_all(const End& why, const Step& step) {
  while (!connections_.empty()) end(connections_.back().id, why, step);
}

/// Nothing can be said on a transport that is not yet, or no longer, there.
void Session::end(TransportId id, const End& why, const Step& step) {
  const auto place = std::ranges::find(connections_, id, &Connection::id);
  const Connection ended = std::move(*place);
  connections_.erase(place);
  End how = why;
  if (how.cause == Cause::kNotificationSent && ended.state == State::kConnecting)
    how = {.cause = Cause::kAbandoned};
  if (how.cause == Cause::kNotificationSent) {
    how.notification = on_the_wire(*how.notification, ended.agreed);
    send(ended, *how.notification, step.out);
  }
  if (how.cause != Cause::kTransportLost && how.cause != Cause::kConnectFailed)
    step.out.emplace_back(Close{id});
  report(ended, how, step);
  if (ended.is_established() && step.now - ended.since >= kStable) backoff_.forget_failures();
  if (running_ && connections_.empty()) schedule(ended, why, step.now);
}

void Session::report(const Connection& ended, const End& how, const Step& step) {
  if (ended.is_established()) {
    stale_ = running_ ? kept_after(ended.agreed, how) : FamilySet{};
    stale_until_.reset();
    if (stale_ != FamilySet{})
      stale_until_ = step.now + ended.agreed.peer.capabilities.graceful_restart->time;
    step.out.emplace_back(SessionDown{.end = how, .stale = stale_});
  } else if (how.cause != Cause::kAbandoned && !is_cease(how, cease::kCollision)) {
    step.out.emplace_back(AttemptFailed{how});
  }
}

void Session::schedule(const Connection& ended, const End& why, TimePoint now) {
  const auto refusal = refusal_after(why);
  refusing_ = refusal.has_value();
  paused_ = refusing_ || (is_failure(ended, why) && !config_.passive);
  if (refusal)
    retry_at_ = now + *refusal;
  else if (config_.passive)
    retry_at_.reset();
  else if (why.cause == Cause::kConnectTimedOut)
    retry_at_ = now;
  else
    retry_at_ =
        now + (paused_ ? backoff_.after_failure() : backoff_.jittered(config_.connect_retry));
}

/// For good: whoever waits for the peer to come back waits in vain.
void Session::drop_stale(Actions& out) {
  if (stale_until_) out.emplace_back(StaleExpired{});
  stale_ = {};
  stale_until_.reset();
}

}  // namespace fairlead::bgp
