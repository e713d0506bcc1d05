// Two ends of a bad link: they find one another, stay together while enough gets through, and part
// exactly when they must.
#include "tests/unit/bfd/session_network.hpp"

namespace fairlead::bfd {
namespace {

using simulated::Link;
using simulated::milliseconds;
using simulated::seconds;

constexpr std::uint64_t kRuns = 3000;

/// Paces that both are and are not alike, by the seed.
std::pair<Pace, Pace> paces(std::uint64_t seed) {
  constexpr std::array kIntervals{milliseconds(10), milliseconds(50), milliseconds(300),
                                  milliseconds(1000), milliseconds(2000)};
  const auto interval = [&](std::uint64_t digit) {
    return kIntervals.at(seed / digit % kIntervals.size());
  };
  return {{interval(1), interval(5), static_cast<std::uint8_t>(3 + seed % 3)},
          {interval(25), interval(125), static_cast<std::uint8_t>(3 + seed % 2)}};
}

TEST(BfdNetwork, OnAGoodLinkBothAreUpAndStayUp) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = paces(seed);
    Link link(first, second, seed);
    link.start();
    ASSERT_TRUE(link.run_until([&] { return link.are_both(State::kUp); }, seconds(3))) << seed;
    link.run_for(seconds(60));
    ASSERT_TRUE(link.are_both(State::kUp)) << seed;
    ASSERT_EQ(link.side(0).failures + link.side(1).failures, 0U) << seed;
  }
}

TEST(BfdNetwork, WhateverHappenedBothAreUpOnceTheLinkIsGood) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = paces(seed);
    Link link(first, second, seed);
    link.faults = {
        .lost = 0.3, .repeated = 0.1, .longest_delay = milliseconds(2500), .reorders = true};
    link.start();
    for (int i = 0; i < 20; ++i) {
      link.run_for(link.up_to(seconds(5)));
      link.faults.is_cut = {link.chance(0.2), link.chance(0.2)};
      const std::size_t index = link.chance(0.5) ? 1 : 0;
      if (!link.chance(0.3)) continue;
      const Pace pace = paces(seed + static_cast<std::uint64_t>(i)).first;
      link.at(index, [&](Session& session, TimePoint now, Actions& out) {
        session.stop(now, out);
        session.set_pace(pace, now, out);
        session.start(now, out);
      });
    }
    link.faults = {};
    link.run_for(seconds(20));  // what is on its way arrives, what was heard long ago expires
    ASSERT_TRUE(link.run_until([&] { return link.are_both(State::kUp); }, seconds(20))) << seed;
    const std::uint32_t failures = link.side(0).failures + link.side(1).failures;
    link.run_for(seconds(60));
    ASSERT_TRUE(link.are_both(State::kUp)) << seed;
    ASSERT_EQ(link.side(0).failures + link.side(1).failures, failures) << seed;
  }
}

TEST(BfdNetwork, WhoHearsNothingIsDownAfterExactlyTheDetectionTime) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = paces(seed);
    Link link(first, second, seed);
    link.start();
    link.run_for(seconds(20) + link.up_to(seconds(5)));
    ASSERT_TRUE(link.are_both(State::kUp)) << seed;
    link.faults.is_cut = {true, true};
    link.run_for(link.faults.longest_delay);
    const std::array times{link.side(0).session.detection_time(),
                           link.side(1).session.detection_time()};
    ASSERT_TRUE(link.run_until([&] { return link.are_both(State::kDown); }, seconds(20))) << seed;
    for (std::size_t index = 0; index < 2; ++index) {
      const auto& side = link.side(index);
      ASSERT_EQ(side.changed - side.heard, times.at(index)) << seed;
      ASSERT_EQ(side.session.diagnostic(), Diagnostic::kDetectionTimeExpired) << seed;
    }
  }
}

/// Only one hears nothing; the other is told, and does not wait for a silence of its own.
TEST(BfdNetwork, AOneWayFaultEndsBothSides) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = paces(seed);
    Link link(first, second, seed);
    link.start();
    link.run_for(seconds(20));
    link.faults.is_cut[0] = true;
    const auto was_down = [&] { return link.side(0).failures > 0 && link.side(1).failures > 0; };
    ASSERT_TRUE(link.run_until(was_down, seconds(20))) << seed;
    ASSERT_EQ(link.side(1).session.diagnostic(), Diagnostic::kNeighborSignaledDown) << seed;
    link.run_for(seconds(30));
    ASSERT_NE(link.side(0).session.state(), State::kUp) << seed;
    ASSERT_NE(link.side(1).session.state(), State::kUp) << seed;
  }
}

TEST(BfdNetwork, APaceThatChangesUnderWayEndsNothing) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = paces(seed);
    Link link(first, second, seed);
    link.start();
    link.run_for(seconds(10));
    ASSERT_TRUE(link.are_both(State::kUp)) << seed;
    for (std::uint64_t change = 0; change < 10; ++change) {
      const auto [one, other] = paces(seed * 31 + change * 7);
      link.at(0, [&](Session& s, TimePoint now, Actions& out) { s.set_pace(one, now, out); });
      link.run_for(link.up_to(milliseconds(500)));
      link.at(1, [&](Session& s, TimePoint now, Actions& out) { s.set_pace(other, now, out); });
      link.run_for(link.up_to(seconds(8)));
    }
    ASSERT_EQ(link.side(0).failures + link.side(1).failures, 0U) << seed;
  }
}

TEST(BfdNetwork, WhoStopsEndsTheOtherWithoutAFailure) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = paces(seed);
    Link link(first, second, seed);
    link.start();
    link.run_for(seconds(20));
    link.at(0, [](Session& session, TimePoint now, Actions& out) { session.stop(now, out); });
    link.run_for(seconds(60));
    ASSERT_EQ(link.side(1).session.state(), State::kDown) << seed;
    ASSERT_EQ(link.side(1).failures, 0U) << seed;
    ASSERT_EQ(link.side(0).session.next_timer(), std::nullopt) << seed;
  }
}

}  // namespace
}  // namespace fairlead::bfd
