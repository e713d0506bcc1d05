// How often, and how long: slow start, jitter, detection time to the microsecond, Poll Sequences.
#include "tests/unit/bfd/session_driver.hpp"

namespace fairlead::bfd {
namespace {

using namespace driven;

const std::string kExpired = "control detection time expired";
constexpr std::chrono::nanoseconds kMoment{1};

ControlPacket final_from_peer() {
  ControlPacket packet = from_peer(State::kUp);
  packet.final = true;
  return packet;
}

/// The least and the most time between packets.
std::pair<TimePoint::duration, TimePoint::duration> gaps(Driver& driver, const ControlPacket& heard,
                                                         int packets) {
  auto least = TimePoint::duration::max(), most = TimePoint::duration::zero();
  while (driver.wait(*driver.session.next_timer() - driver.now).empty()) {
  }
  for (int i = 0; i < packets; ++i) {
    const TimePoint before = driver.now;
    driver.hear(heard);
    driver.live_through(*driver.session.next_timer() - driver.now);
    least = std::min(least, driver.now - before);
    most = std::max(most, driver.now - before);
  }
  return {least, most};
}

TEST(BfdTiming, UntilItIsUpOnePacketASecond) {
  Driver driver;
  driver.start();
  const Words words = driver.live_through(seconds(300));
  EXPECT_GE(words.size(), 300U);
  EXPECT_LE(words.size(), 400U);
  EXPECT_EQ(words.back(), "send Down");
  EXPECT_EQ(driver.last_sent->desired_min_tx, seconds(1));
}

TEST(BfdTiming, JitterIsThreeQuartersToAllOfTheInterval) {
  Driver driver;
  driver.to_settled();
  const auto [least, most] = gaps(driver, from_peer(State::kUp), 10'000);
  EXPECT_GE(least, milliseconds(225));
  EXPECT_LE(least, milliseconds(226));
  EXPECT_LE(most, milliseconds(300));
  EXPECT_GE(most, milliseconds(299));
}

TEST(BfdTiming, WithAMultiplierOfOneAtMostNineTenths) {
  Driver driver({.multiplier = 1});
  driver.to_settled();
  const auto [least, most] = gaps(driver, from_peer(State::kUp), 10'000);
  EXPECT_GE(least, milliseconds(225));
  EXPECT_LE(most, milliseconds(270));
  EXPECT_GE(most, milliseconds(269));
}

TEST(BfdTiming, TheSlowerSideSetsThePace) {
  Driver driver;
  driver.to_settled();
  ControlPacket slow = from_peer(State::kUp);
  slow.required_min_rx = seconds(2);
  slow.multiplier = 10;
  driver.hear(slow);
  EXPECT_EQ(driver.session.transmit_interval(), seconds(2));
  const auto [least, most] = gaps(driver, slow, 100);
  EXPECT_GE(least, milliseconds(1500));
  EXPECT_LE(most, seconds(2));
}

TEST(BfdTiming, WhoAllowsMoreGetsItAtOnce) {
  Driver driver;
  driver.to_settled();
  ControlPacket slow = from_peer(State::kUp);
  slow.required_min_rx = seconds(60);
  driver.hear(slow);
  driver.live_through(milliseconds(500));
  EXPECT_EQ(driver.hear(State::kUp), Words{});
  EXPECT_EQ(driver.wait(TimePoint::duration::zero()), Words{"send Up"}) << "the last is long ago";
}

TEST(BfdTiming, WhoWantsNoneGetsOnlyNews) {
  Driver driver;
  driver.to_settled();
  ControlPacket mute = from_peer(State::kUp);
  mute.required_min_rx = microseconds(0);
  driver.hear(mute);
  mute.state = State::kDown;
  EXPECT_EQ(driver.live_through(milliseconds(800)), Words{});
  EXPECT_EQ(driver.hear(mute).back(), "send Down");
  EXPECT_EQ(driver.live_through(milliseconds(899)), Words{});
}

TEST(BfdTiming, ADemandingPeerGetsPacketsOnlyWhileThereIsAPoll) {
  Driver driver;
  driver.to(State::kUp);
  ControlPacket demanding = from_peer(State::kUp);
  demanding.demand = true;
  driver.hear(demanding);
  EXPECT_EQ(driver.live_through(milliseconds(300)), Words{"send Up P"});
  demanding.final = true;
  EXPECT_EQ(driver.hear(demanding), Words{});
  EXPECT_EQ(driver.live_through(milliseconds(899)), Words{});
  EXPECT_EQ(driver.wait(milliseconds(1)).front(), "Up -> Down: " + kExpired + " (failure)");
}

TEST(BfdTiming, SilenceIsNoticedAtTheMultipleOfThePeersMultiplier) {
  struct Case {
    microseconds own_rx, peers_tx;
    std::uint8_t multiplier;
    microseconds detection;
  };
  for (const Case& one : {Case{milliseconds(300), milliseconds(300), 3, milliseconds(900)},
                          Case{milliseconds(300), milliseconds(50), 3, milliseconds(900)},
                          Case{milliseconds(50), milliseconds(300), 5, milliseconds(1500)},
                          Case{microseconds(10), microseconds(1), 1, microseconds(10)},
                          Case{milliseconds(1), seconds(4294), 255, seconds(4294) * 255}}) {
    Driver driver({.required_min_rx = one.own_rx});
    driver.to_settled();
    driver.wait(seconds(0));
    ControlPacket last = from_peer(State::kUp);
    last.desired_min_tx = one.peers_tx;
    last.multiplier = one.multiplier;
    driver.hear(last);
    ASSERT_EQ(driver.session.detection_time(), one.detection);
    driver.wait(one.detection - kMoment);
    EXPECT_EQ(driver.session.state(), State::kUp);
    EXPECT_EQ(driver.wait(kMoment).front(), "Up -> Down: " + kExpired + " (failure)");
    EXPECT_EQ(driver.last_sent->state, State::kDown);
    EXPECT_EQ(driver.last_sent->yours, Discriminator{}) << "the peer may come back as another";
  }
}

TEST(BfdTiming, SilenceInInitIsDownToo) {
  Driver driver;
  driver.to(State::kInit);
  driver.live_through(seconds(3));
  EXPECT_EQ(driver.session.state(), State::kDown);
  EXPECT_EQ(driver.session.diagnostic(), Diagnostic::kDetectionTimeExpired);
}

TEST(BfdTiming, AFailureTellsWhetherThePeersBfdOutlivesItsControlPlane) {
  for (const bool is_independent : {false, true}) {
    Driver driver;
    driver.to_settled();
    ControlPacket last = from_peer(State::kUp);
    last.control_plane_independent = is_independent;
    driver.hear(last);
    driver.now += seconds(1);
    driver.session.timers_due(driver.now, driver.out);
    ASSERT_FALSE(driver.out.empty());
    EXPECT_EQ(std::get<StateChanged>(driver.out.front()).peer_is_independent, is_independent);
  }
}

TEST(BfdTiming, RefusedPacketsAreSilence) {
  Driver driver;
  driver.to_settled();
  for (int i = 0; i < 9; ++i) {
    driver.wait(milliseconds(100));
    driver.session.received(encode(from_peer(State::kUp)), 254, driver.now, driver.out);
  }
  EXPECT_EQ(driver.session.state(), State::kDown);
}

TEST(BfdTiming, AFasterPaceIsPolledForWhenItIsUp) {
  Driver driver;
  driver.to(State::kUp);
  EXPECT_EQ(driver.last_sent->desired_min_tx, milliseconds(300));
  EXPECT_TRUE(driver.last_sent->poll);
  EXPECT_EQ(driver.session.transmit_interval(), milliseconds(300)) << "faster is safe at once";
  EXPECT_EQ(driver.live_through(milliseconds(300)), Words{"send Up P"}) << "until it is answered";
  driver.hear(final_from_peer());
  EXPECT_EQ(driver.live_through(milliseconds(300)), Words{"send Up"});
}

TEST(BfdTiming, ASlowPaceNeedsNoPoll) {
  Driver driver({.desired_min_tx = seconds(2)});
  driver.to(State::kUp);
  EXPECT_FALSE(driver.last_sent->poll);
}

TEST(BfdTiming, ASlowerPaceIsSentByOnceThePeerHasAgreed) {
  Driver driver;
  driver.to_settled();
  driver.session.set_pace({.desired_min_tx = seconds(2)}, driver.now, driver.out);
  EXPECT_EQ(driver.words(), Words{"send Up P"});
  EXPECT_EQ(driver.last_sent->desired_min_tx, seconds(2));
  EXPECT_EQ(driver.session.transmit_interval(), milliseconds(300));
  driver.hear(State::kUp);
  EXPECT_EQ(driver.session.transmit_interval(), milliseconds(300)) << "no answer yet";
  driver.hear(final_from_peer());
  EXPECT_EQ(driver.session.transmit_interval(), seconds(2));
}

TEST(BfdTiming, SilenceIsTimedByAFasterPaceOnceThePeerHasAgreed) {
  Driver driver;
  driver.to_settled();
  ControlPacket fast = from_peer(State::kUp);
  fast.desired_min_tx = milliseconds(50);
  driver.hear(fast);
  driver.session.set_pace({.required_min_rx = milliseconds(50)}, driver.now, driver.out);
  EXPECT_EQ(driver.session.detection_time(), milliseconds(900));
  fast.final = true;
  driver.hear(fast);
  EXPECT_EQ(driver.session.detection_time(), milliseconds(150));
  driver.session.set_pace({.required_min_rx = seconds(1)}, driver.now, driver.out);
  EXPECT_EQ(driver.session.detection_time(), seconds(3)) << "slower is safe at once";
}

TEST(BfdTiming, AChangeDuringAPollIsPolledForAgain) {
  Driver driver;
  driver.to_settled();
  driver.session.set_pace({.desired_min_tx = seconds(2)}, driver.now, driver.out);
  driver.session.set_pace({.desired_min_tx = seconds(5)}, driver.now, driver.out);
  driver.hear(final_from_peer());
  EXPECT_EQ(driver.session.transmit_interval(), milliseconds(300));
  EXPECT_EQ(driver.live_through(milliseconds(300)).back(), "send Up P");
  driver.hear(final_from_peer());
  EXPECT_EQ(driver.session.transmit_interval(), seconds(5));
}

TEST(BfdTiming, APaceChangedWhileDownIsSimplyTheNextOne) {
  Driver driver;
  driver.start();
  driver.session.set_pace({.desired_min_tx = seconds(4)}, driver.now, driver.out);
  EXPECT_EQ(driver.words(), Words{});
  EXPECT_EQ(driver.session.transmit_interval(), seconds(4));
}

TEST(BfdTiming, AnAnswerToAPollMovesNoTimer) {
  Driver driver;
  driver.to_settled();
  const auto before = driver.session.next_timer();
  ControlPacket poll = from_peer(State::kUp);
  poll.poll = true;
  EXPECT_EQ(driver.hear(poll), Words{"send Up F"});
  EXPECT_EQ(driver.session.next_timer(), before);
}

TEST(BfdTiming, HoweverLateTheClockIsLookedAtEachTimerCountsOnce) {
  Driver driver;
  driver.start();
  EXPECT_EQ(driver.wait(seconds(3600)), Words{"send Down"});
  driver.hear(State::kDown);
  driver.hear(State::kUp);
  EXPECT_EQ(driver.wait(seconds(3600)).size(), 2U) << "down, and one packet";
}

}  // namespace
}  // namespace fairlead::bfd
