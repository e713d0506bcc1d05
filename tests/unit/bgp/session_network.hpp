// Two Sessions and a network between them that delays, refuses, cuts messages in pieces and loses
// connections, all from one seed. What a Session must never do is asserted with each action.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <random>

#include "dataplane/bgp/session.hpp"

namespace fairlead::bgp::simulated {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Faults {
  double refused = 0;      // of attempts
  double unanswered = 0;   // of attempts
  double broken = 0;       // of deliveries: the connection is lost with it
  double half_open = 0.5;  // of lost connections: one side is not told
};

class Network {
 public:
  Network(const PeerConfig& first, const PeerConfig& second, std::uint64_t seed)
      : random_(seed), sides_{Side(first, seed * 2), Side(second, seed * 2 + 1)} {}

  Faults faults{};

  struct Side {
    Side(const PeerConfig& config, std::uint64_t seed) : session(config, seed) {}
    Session session;
    bool is_up = false;
    TransportId up_on{};
    int ups = 0;
    std::map<TransportId, std::size_t> links{};  // those that are open at this side
    TimePoint wake = TimePoint::max();
  };
  Side& side(std::size_t index) { return sides_.at(index); }
  TimePoint now() const { return now_; }

  /// An event of side `index` from outside.
  void at(std::size_t index, const std::function<void(Session&, TimePoint, Actions&)>& event) {
    Actions actions;
    event(side(index).session, now_, actions);
    perform(index, actions);
  }
  void start() {
    for (std::size_t index = 0; index < 2; ++index)
      at(index, [](Session& session, TimePoint now, Actions& out) { session.start(now, out); });
  }

  void run_until(TimePoint end) {
    while (!events_.empty() && events_.begin()->first <= end) step();
    now_ = end;
  }
  void step() {
    const auto next = events_.begin();
    now_ = next->first;
    const auto event = std::move(next->second);
    events_.erase(next);
    event();
  }

  /// Both have a session, on one and the same connection, and no other transport.
  bool is_settled() {
    for (Side& one : sides_)
      if (!one.is_up || one.session.transports() != 1 || one.links.size() != 1) return false;
    return sides_[0].links.begin()->second == sides_[1].links.begin()->second;
  }

  void break_link(std::size_t link) {
    links_[link].is_broken = true;
    const std::size_t told = chance(0.5) ? 1 : 0;
    lose(link, told);
    if (!chance(faults.half_open)) lose(link, 1 - told);
  }
  std::size_t link_count() const { return links_.size(); }
  bool chance(double probability) {
    return std::uniform_real_distribution<>(0, 1)(random_) < probability;
  }
  seconds up_to(seconds most) {
    return seconds(std::uniform_int_distribution<seconds::rep>(0, most.count())(random_));
  }

 private:
  struct Link {
    std::array<std::optional<TransportId>, 2> ends{};  // by side
    std::array<TimePoint, 2> last_arrival{};           // at side
    bool is_broken = false;
  };

  milliseconds delay() { return milliseconds(std::uniform_int_distribution(1, 400)(random_)); }

  void perform(std::size_t index, Actions& actions) {
    Side& self = side(index);
    for (Action& action : actions) {
      if (const auto* connect = std::get_if<Connect>(&action)) dial(index, connect->transport);
      if (const auto* close = std::get_if<Close>(&action)) hang_up(index, close->transport);
      if (auto* send = std::get_if<Send>(&action)) deliver(index, *send);
      if (const auto* up = std::get_if<SessionUp>(&action)) {
        EXPECT_FALSE(self.is_up) << "two sessions at once";
        self.is_up = true;
        self.up_on = up->transport;
        ++self.ups;
      }
      if (std::holds_alternative<SessionDown>(action)) {
        EXPECT_TRUE(self.is_up) << "an end without a begin";
        self.is_up = false;
      }
    }
    EXPECT_EQ(self.is_up, self.session.state() == SessionState::kEstablished);
    EXPECT_LE(self.session.transports(), 3U);
    wake(index);
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

  void dial(std::size_t index, TransportId transport) {
    const std::size_t link = links_.size();
    links_.emplace_back().ends[index] = transport;
    side(index).links[transport] = link;
    if (chance(faults.unanswered)) return;
    const bool is_refused = chance(faults.refused);
    arrive(link, 1 - index, [this, index, link, is_refused] {
      arrive(link, index, [this, index, link, is_refused] {
        const auto& end = links_[link].ends[index];
        if (!end) return;
        const TransportId dialled = *end;
        if (is_refused) forget(index, link);
        at(index, [&](Session& session, TimePoint now, Actions& out) {
          is_refused ? session.connect_failed(dialled, now, out)
                     : session.connected(dialled, now, out);
        });
      });
      if (!is_refused) accept(1 - index, link);
    });
  }
  void accept(std::size_t index, std::size_t link) {
    Actions actions;
    const TransportId transport = side(index).session.accepted(now_, actions);
    links_[link].ends[index] = transport;
    side(index).links[transport] = link;
    perform(index, actions);
  }
  void hang_up(std::size_t index, TransportId transport) {
    ASSERT_TRUE(side(index).links.contains(transport)) << "closes what it does not have";
    const std::size_t link = side(index).links.at(transport);
    forget(index, link);
    if (!links_[link].is_broken) lose(link, 1 - index);
  }
  void deliver(std::size_t index, Send& send) {
    ASSERT_TRUE(side(index).links.contains(send.transport)) << "sends on what it does not have";
    const std::size_t link = side(index).links.at(send.transport);
    if (!links_[link].is_broken && chance(faults.broken)) break_link(link);
    if (links_[link].is_broken) return lose(link, index);  // the answer is a reset
    const std::size_t cut =
        std::uniform_int_distribution<std::size_t>(0, send.bytes.size())(random_);
    for (const ByteView part : {ByteView(send.bytes).first(cut), ByteView(send.bytes).subspan(cut)})
      arrive(link, 1 - index, [this, index, link, bytes = Bytes(part.begin(), part.end())] {
        const auto& end = links_[link].ends[1 - index];
        if (!end || links_[link].is_broken) return;
        at(1 - index, [&, transport = *end](Session& session, TimePoint now, Actions& out) {
          session.received(transport, bytes, now, out);
        });
      });
  }
  /// Side `index` learns that the connection is gone, if it still has it then.
  void lose(std::size_t link, std::size_t index) {
    arrive(link, index, [this, link, index] {
      const auto& end = links_[link].ends[index];
      if (!end) return;
      const TransportId transport = *end;
      forget(index, link);
      at(index, [&](Session& session, TimePoint now, Actions& out) {
        session.closed(transport, now, out);
      });
    });
  }
  void forget(std::size_t index, std::size_t link) {
    side(index).links.erase(*links_[link].ends[index]);
    links_[link].ends[index].reset();
  }
  /// In the order of sending, on each connection.
  void arrive(std::size_t link, std::size_t index, std::function<void()> event) {
    TimePoint& last = links_[link].last_arrival[index];
    last = std::max(last, now_ + delay());
    events_.emplace(last, std::move(event));
  }

  std::mt19937_64 random_;
  std::array<Side, 2> sides_;
  std::vector<Link> links_;
  std::multimap<TimePoint, std::function<void()>> events_;
  TimePoint now_{};
};

}  // namespace fairlead::bgp::simulated
