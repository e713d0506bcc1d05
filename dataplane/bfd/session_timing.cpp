// What the two sides want -> how often packets go, and how long silence may last (RFC 5880 6.8.2 to
// 6.8.4, 6.8.7).
#include <algorithm>

#include "dataplane/bfd/session.hpp"

namespace fairlead::bfd {
namespace {

/// RFC 5880 6.8.3: no more often than once a second until there is somebody to agree with.
constexpr microseconds kSlow{1'000'000};

bool is_due(const Deadline& deadline, TimePoint now) { return deadline && *deadline <= now; }

}  // namespace

void Session::timers_due(TimePoint now, Actions& out) {
  const Step step{now, out};
  if (is_due(goodbye_, now)) {
    goodbye_.reset();
    next_send_.reset();
  }
  if (is_due(expiry(), now)) expire(step);
  if (is_due(next_send_, now)) send(false, step);
}

Deadline Session::next_timer() const {
  Deadline next;
  for (const Deadline& deadline : {next_send_, expiry(), goodbye_})
    if (deadline && (!next || *deadline < *next)) next = deadline;
  return next;
}

/// The peer may come back as another: nothing that it said holds any more (RFC 5880 6.8.1).
void Session::expire(const Step& step) {
  heard_.reset();
  if (state_ == State::kDown) {
    peer_ = {};
    return retime();
  }
  enter(State::kDown, Diagnostic::kDetectionTimeExpired, step);
  peer_ = {};
  send(false, step);
}

microseconds Session::desired_min_tx() const {
  return state_ == State::kUp ? pace_.desired_min_tx : std::max(pace_.desired_min_tx, kSlow);
}
microseconds Session::min_tx() const { return polling_ ? held_min_tx_ : desired_min_tx(); }
microseconds Session::min_rx() const { return polling_ ? held_min_rx_ : pace_.required_min_rx; }

microseconds Session::detection_time() const {
  return peer_.multiplier * std::max(min_rx(), peer_.min_tx);
}
Deadline Session::expiry() const {
  if (!heard_) return std::nullopt;
  return *heard_ + detection_time();
}

microseconds Session::transmit_interval() const {
  const bool is_demanded = peer_.demand && state_ == State::kUp && peer_.state == State::kUp;
  if (peer_.min_rx.count() == 0 || (is_demanded && !polling_)) return microseconds(0);
  return std::max(min_tx(), peer_.min_rx);
}

/// A fourth less at most; with a multiplier of 1 at least a tenth less, so that one packet's delay
/// is not taken for its loss.
TimePoint::duration Session::jittered(microseconds interval) {
  const TimePoint::duration whole = interval;
  const auto most = pace_.multiplier == 1 ? whole / 10 * 9 : whole;
  std::uniform_int_distribution<TimePoint::rep> between((whole / 4 * 3).count(), most.count());
  return TimePoint::duration(between(random_));
}

/// `min_tx` and `min_rx` are what was in use so far.
void Session::poll_with(microseconds min_tx, microseconds min_rx) {
  held_min_tx_ = std::min(min_tx, desired_min_tx());
  held_min_rx_ = std::max(min_rx, pace_.required_min_rx);
  poll_again_ = polling_;
  polling_ = true;
}

/// What changed during a poll may not have been in the packet that is answered here: it is asked
/// about once more.
void Session::final_received() {
  if (!polling_) return;
  polling_ = poll_again_;
  poll_again_ = false;
}

/// A shorter interval counts from the last packet (RFC 5880 6.8.3), and so does a longer one.
void Session::retime() {
  const microseconds interval = transmit_interval();
  const bool is_silent = state_ == State::kAdminDown && !goodbye_;
  if (is_silent || interval.count() == 0)
    next_send_.reset();
  else if (!next_send_ || interval != interval_)
    next_send_ = sent_ + jittered(interval);
  interval_ = interval;
}

/// An answer to a Poll goes at once, and moves no timer.
void Session::send(bool final, const Step& step) {
  ++counters_.sent;
  step.out.emplace_back(Send{encode({.diagnostic = diagnostic_,
                                     .state = state_,
                                     .poll = polling_ && !final,
                                     .final = final,
                                     .multiplier = pace_.multiplier,
                                     .mine = own_,
                                     .yours = peer_.discriminator,
                                     .desired_min_tx = desired_min_tx(),
                                     .required_min_rx = pace_.required_min_rx})});
  if (final) return;
  sent_ = step.now;
  next_send_.reset();
  retime();
}

}  // namespace fairlead::bfd
