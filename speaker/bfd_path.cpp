// packets and the clock -> bfd::Session -> packets, and news for the log and the peer.
#include "speaker/bfd_path.hpp"

namespace fairlead::speaker {

using bfd::TimePoint;

bfd::Pace pace_of(const Bfd& configured) {
  return {.desired_min_tx = configured.interval,
          .required_min_rx = configured.interval,
          .multiplier = configured.multiplier};
}

BfdPath::BfdPath(Host host, bgp::control::Transport transport, bfd::Discriminator own,
                 std::uint64_t seed)
    : host_(std::move(host)),
      transport_(std::move(transport)),
      session_(own, pace_of(*transport_.bfd), seed),
      sender_(host_.io, host_.ports, transport_),
      timer_(host_.io) {}

/// `event` is given the clock and the list for actions.
template <class Event>
void BfdPath::happen(Event event) {
  const auto self = shared_from_this();
  bfd::Actions actions;
  event(std::chrono::steady_clock::now(), actions);
  set_timer();
  for (const bfd::Action& action : actions) std::visit([this](const auto& it) { act(it); }, action);
  if (session_.state() == bfd::State::kAdminDown && !session_.next_timer()) host_.silent();
}

void BfdPath::start() {
  happen([this](TimePoint at, bfd::Actions& out) { session_.start(at, out); });
}

void BfdPath::stop() {
  happen([this](TimePoint at, bfd::Actions& out) { session_.stop(at, out); });
}

void BfdPath::set_pace(const bfd::Pace& pace) {
  happen([&](TimePoint at, bfd::Actions& out) { session_.set_pace(pace, at, out); });
}

void BfdPath::received(bfd::ByteView payload, std::uint8_t ttl) {
  happen([&](TimePoint at, bfd::Actions& out) { session_.received(payload, ttl, at, out); });
}

/// Once for each new text: the same again, each second, is no news.
void BfdPath::act(const bfd::Send& action) {
  const auto sent = sender_.send(action.packet);
  if (sent || sent.error().doing == logged_failure_) return;
  logged_failure_ = sent.error().doing;
  host_.log.warn("cannot say anything to the peer by BFD", {{"error", sent.error()}});
}

void BfdPath::act(const bfd::StateChanged& action) {
  if (action.from == bfd::State::kUp) sender_.close();
  if (action.to == bfd::State::kUp) logged_failure_.clear();
  if (is_failure(action))
    host_.log.warn("BFD: the peer is not reached any more", {{"why", to_string(action.why)}});
  else if (action.to == bfd::State::kUp)
    host_.log.info("BFD: the peer is reached");
  host_.changed(action);
}

void BfdPath::set_timer() {
  const bfd::Deadline next = session_.next_timer();
  // Most deadlines move away before they come: who fires too early looks again.
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  timer_.expires_at(*next);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->timer_fired();
  });
}

/// What the socket holds was said in time.
void BfdPath::timer_fired() {
  armed_.reset();
  host_.read_now();
  happen([this](TimePoint at, bfd::Actions& out) { session_.timers_due(at, out); });
}

}  // namespace fairlead::speaker
