// Two Sessions and a link between them that loses, delays, repeats and reorders packets, or carries
// nothing at all in one direction; all from one seed.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

#include "dataplane/bfd/session.hpp"

namespace fairlead::bfd::simulated {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Faults {
  double lost = 0;
  double repeated = 0;
  milliseconds longest_delay{5};
  bool reorders = false;
  std::array<bool, 2> is_cut{};  // towards side
};

class Link {
 public:
  Link(const Pace& first, const Pace& second, std::uint64_t seed)
      : random_(seed), sides_{Side({0x11}, first, seed * 2 + 1), Side({0x22}, second, seed + 7)} {}

  Faults faults{};

  struct Side {
    Side(Discriminator own, const Pace& pace, std::uint64_t seed) : session(own, pace, seed) {}
    Session session;
    std::uint32_t failures = 0;
    TimePoint changed{};       // its state
    TimePoint heard{};         // the last packet
    TimePoint last_arrival{};  // of what is on its way to it
    TimePoint wake = TimePoint::max();
  };
  Side& side(std::size_t index) { return sides_.at(index); }
  [[nodiscard]] TimePoint now() const { return now_; }

  /// An event of side `index` from outside.
  void at(std::size_t index, const std::function<void(Session&, TimePoint, Actions&)>& event) {
    Side& self = side(index);
    Actions actions;
    event(self.session, now_, actions);
    for (const Action& action : actions) {
      if (const auto* send = std::get_if<Send>(&action)) deliver(index, *send);
      if (const auto* change = std::get_if<StateChanged>(&action)) note(self, *change);
    }
    wake(index);
  }
  void start() {
    for (std::size_t index = 0; index < 2; ++index)
      at(index, [](Session& session, TimePoint now, Actions& out) { session.start(now, out); });
  }
  void run_for(TimePoint::duration time) {
    const TimePoint end = now_ + time;
    while (!events_.empty() && events_.begin()->first <= end) step();
    now_ = end;
  }
  /// Whether `holds` did, within that time.
  bool run_until(const std::function<bool()>& holds, TimePoint::duration within) {
    const TimePoint end = now_ + within;
    while (!holds() && !events_.empty() && events_.begin()->first <= end) step();
    return holds();
  }
  bool are_both(State state) {
    return side(0).session.state() == state && side(1).session.state() == state;
  }
  bool chance(double probability) {
    return std::uniform_real_distribution<>(0, 1)(random_) < probability;
  }
  milliseconds up_to(milliseconds most) {
    return milliseconds(std::uniform_int_distribution<milliseconds::rep>(0, most.count())(random_));
  }

 private:
  void step() {
    const auto next = events_.begin();
    now_ = next->first;
    const auto event = std::move(next->second);
    events_.erase(next);
    event();
  }

  void note(Side& self, const StateChanged& change) const {
    EXPECT_NE(change.from, change.to);
    EXPECT_EQ(self.session.state() == State::kUp, change.to == State::kUp);
    self.failures += is_failure(change) ? 1 : 0;
    self.changed = now_;
  }

  void deliver(std::size_t from, const Send& send) {
    const auto packet = decode(send.packet);
    ASSERT_TRUE(packet);
    EXPECT_FALSE(packet->poll && packet->final);
    const std::size_t to = 1 - from;
    if (faults.is_cut[to]) return;
    for (int copies = chance(faults.repeated) ? 2 : 1; copies > 0; --copies)
      if (!chance(faults.lost))
        events_.emplace(arrival(to), [this, to, bytes = send.packet] {
          side(to).heard = now_;
          at(to, [&](Session& session, TimePoint now, Actions& out) {
            session.received(bytes, 255, now, out);
          });
        });
  }

  TimePoint arrival(std::size_t to) {
    const TimePoint at = now_ + up_to(faults.longest_delay);
    if (faults.reorders) return at;
    return side(to).last_arrival = std::max(side(to).last_arrival, at);
  }

  void wake(std::size_t index) {
    const auto next = side(index).session.next_timer();
    if (!next || *next >= side(index).wake) return;
    side(index).wake = *next;
    events_.emplace(std::max(*next, now_), [this, index, at = *next] {
      if (side(index).wake == at) side(index).wake = TimePoint::max();
      this->at(index,
               [](Session& session, TimePoint now, Actions& out) { session.timers_due(now, out); });
    });
  }

  std::mt19937_64 random_;
  std::array<Side, 2> sides_;
  std::multimap<TimePoint, std::function<void()>> events_;
  TimePoint now_{};
};

}  // namespace fairlead::bfd::simulated
