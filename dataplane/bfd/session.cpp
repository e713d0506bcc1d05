// start, stop and packets -> states. RFC 5880 6.8.6's order: what the packet says is noted, then
// the state follows, then it is answered.
#include "dataplane/bfd/session.hpp"

#include <algorithm>

namespace fairlead::bfd {
namespace {

/// RFC 5881 5: nobody farther away than one hop can send this.
constexpr std::uint8_t kTtl = 255;

}  // namespace

Result<> check(const Pace& pace) {
  constexpr microseconds kLongest{0xffffffff};
  if (pace.desired_min_tx.count() <= 0 || pace.desired_min_tx > kLongest)
    return invalid("desired_min_tx: not 1 to 4294967295 microseconds");
  if (pace.required_min_rx.count() <= 0 || pace.required_min_rx > kLongest)
    return invalid("required_min_rx: not 1 to 4294967295 microseconds");
  if (pace.multiplier == 0) return invalid("multiplier: 0");
  return {};
}

Session::Session(Discriminator own, const Pace& pace, std::uint64_t seed)
    : own_(own), pace_(pace), random_(static_cast<std::minstd_rand::result_type>(seed)) {}

void Session::start(TimePoint now, Actions& out) {
  if (state_ != State::kAdminDown) return;
  const Step step{now, out};
  goodbye_.reset();
  peer_ = {};
  enter(State::kDown, diagnostic_, step);
  send(false, step);
}

void Session::stop(TimePoint now, Actions& out) {
  if (state_ == State::kAdminDown) return;
  const Step step{now, out};
  const bool has_listener = heard_.has_value();
  heard_.reset();
  enter(State::kAdminDown, Diagnostic::kAdministrativelyDown, step);
  if (has_listener) goodbye_ = now + pace_.multiplier * std::max(min_tx(), peer_.min_rx);
  send(false, step);
}

void Session::set_pace(const Pace& pace, TimePoint now, Actions& out) {
  if (pace == pace_) return;
  const microseconds tx = min_tx(), rx = min_rx();
  pace_ = pace;
  if (state_ != State::kUp) return retime();
  poll_with(tx, rx);
  send(false, {now, out});
}

void Session::received(ByteView payload, std::uint8_t ttl, TimePoint now, Actions& out) {
  if (ttl != kTtl) return counters_.count(Refusal::kTtl);
  const auto packet = decode(payload);
  if (!packet) return counters_.count(packet.error());
  if (packet->yours != Discriminator{} && packet->yours != own_)
    return counters_.count(Refusal::kUnknownSession);
  if (state_ == State::kAdminDown) return counters_.count(Refusal::kAdministratively);
  ++counters_.received;
  take(*packet, {now, out});
}

void Session::take(const ControlPacket& packet, const Step& step) {
  const State before = state_;
  peer_ = {.discriminator = packet.mine,
           .state = packet.state,
           .min_rx = packet.required_min_rx,
           .min_tx = packet.desired_min_tx,
           .multiplier = packet.multiplier,
           .demand = packet.demand,
           .independent = packet.control_plane_independent};
  heard_ = step.now;
  if (packet.final) final_received();
  follow(packet.state, step);
  retime();
  if (packet.poll)
    send(true, step);
  else if (state_ != before)
    send(false, step);
}

void Session::follow(State peers, const Step& step) {
  const bool is_peer_ready = peers == State::kInit || peers == State::kUp;
  switch (state_) {
    case State::kAdminDown:
      return;
    case State::kDown:
      if (peers == State::kDown) enter(State::kInit, diagnostic_, step);
      if (peers == State::kInit) enter(State::kUp, diagnostic_, step);
      return;
    case State::kInit:
      if (is_peer_ready) enter(State::kUp, diagnostic_, step);
      if (peers == State::kAdminDown) enter(State::kDown, Diagnostic::kNeighborSignaledDown, step);
      return;
    case State::kUp:
      if (!is_peer_ready) enter(State::kDown, Diagnostic::kNeighborSignaledDown, step);
      return;
  }
}

/// Outside of Up nobody relies on a pace, so nothing is held there and nothing is asked for.
void Session::enter(State next, Diagnostic why, const Step& step) {
  const State before = state_;
  const microseconds tx = min_tx();
  state_ = next;
  diagnostic_ = why;
  polling_ = poll_again_ = false;
  if (next == State::kUp && desired_min_tx() != tx) poll_with(tx, pace_.required_min_rx);
  const bool by_peer = why == Diagnostic::kNeighborSignaledDown && peer_.state == State::kAdminDown;
  step.out.emplace_back(StateChanged{
      .from = before,
      .to = next,
      .why = why,
      .administratively = before == State::kAdminDown || next == State::kAdminDown || by_peer,
      .peer_is_independent = peer_.independent});
}

}  // namespace fairlead::bfd
