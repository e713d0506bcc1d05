// RFC 5880 6.2 and 6.8.6: each state that the peer can say, in each state that we can be in.
#include "tests/unit/bfd/session_driver.hpp"

namespace fairlead::bfd {
namespace {

using namespace driven;

constexpr std::array kStates{State::kAdminDown, State::kDown, State::kInit, State::kUp};
const std::string kSignaled = ": neighbor signaled session down";

TEST(BfdStates, EachWordOfThePeerInEachState) {
  struct Case {
    State ours;
    State peers;
    Words words;
  };
  const std::vector<Case> cases{
      {State::kAdminDown, State::kAdminDown, {}},
      {State::kAdminDown, State::kDown, {}},
      {State::kAdminDown, State::kInit, {}},
      {State::kAdminDown, State::kUp, {}},
      {State::kDown, State::kAdminDown, {}},
      {State::kDown, State::kDown, {"Down -> Init", "send Init"}},
      {State::kDown, State::kInit, {"Down -> Up", "send Up P"}},
      {State::kDown, State::kUp, {}},
      {State::kInit,
       State::kAdminDown,
       {"Init -> Down" + kSignaled + " (administratively)", "send Down"}},
      {State::kInit, State::kDown, {}},
      {State::kInit, State::kInit, {"Init -> Up", "send Up P"}},
      {State::kInit, State::kUp, {"Init -> Up", "send Up P"}},
      {State::kUp,
       State::kAdminDown,
       {"Up -> Down" + kSignaled + " (administratively)", "send Down"}},
      {State::kUp, State::kDown, {"Up -> Down" + kSignaled + " (failure)", "send Down"}},
      {State::kUp, State::kInit, {}},
      {State::kUp, State::kUp, {}},
  };
  for (const Case& one : cases) {
    Driver driver;
    driver.to(one.ours);
    EXPECT_EQ(driver.hear(one.peers), one.words)
        << to_string(one.ours) << " hears " << to_string(one.peers);
  }
}

TEST(BfdStates, StartAndStopInEachState) {
  for (const State state : kStates) {
    Driver driver;
    driver.to(state);
    driver.session.start(driver.now, driver.out);
    EXPECT_EQ(driver.words().empty(), state != State::kAdminDown) << to_string(state);
    driver.session.stop(driver.now, driver.out);
    EXPECT_EQ(driver.session.state(), State::kAdminDown);
    EXPECT_EQ(driver.words().back(), "send AdminDown");
    EXPECT_EQ(driver.session.diagnostic(), Diagnostic::kAdministrativelyDown);
  }
}

TEST(BfdStates, WhatWasHeardIsSaidBack) {
  Driver driver;
  driver.start();
  EXPECT_EQ(driver.last_sent->mine, kOurs);
  EXPECT_EQ(driver.last_sent->yours, Discriminator{});
  driver.hear(State::kDown);
  EXPECT_EQ(driver.last_sent->yours, kPeers);
  EXPECT_EQ(driver.last_sent->multiplier, 3);
  EXPECT_EQ(driver.last_sent->required_min_rx, milliseconds(300));
  EXPECT_EQ(driver.last_sent->required_min_echo_rx, microseconds(0));
  EXPECT_FALSE(driver.last_sent->demand);
  EXPECT_FALSE(driver.last_sent->control_plane_independent);
}

TEST(BfdStates, WhyItWentDownIsSaidUntilItGoesDownAgain) {
  Driver driver;
  driver.to_settled();
  driver.hear(State::kDown);
  EXPECT_EQ(driver.last_sent->diagnostic, Diagnostic::kNeighborSignaledDown);
  driver.hear(State::kDown);
  driver.hear(State::kUp);
  EXPECT_EQ(driver.session.state(), State::kUp);
  EXPECT_EQ(driver.last_sent->diagnostic, Diagnostic::kNeighborSignaledDown);
  driver.wait(seconds(1));
  EXPECT_EQ(driver.last_sent->diagnostic, Diagnostic::kDetectionTimeExpired);
}

TEST(BfdStates, APollIsAnsweredAtOnceInEachState) {
  for (const State state : {State::kDown, State::kInit, State::kUp}) {
    Driver driver;
    driver.to(state);
    ControlPacket poll = from_peer(State::kUp);
    poll.poll = true;
    const Words words = driver.hear(poll);
    EXPECT_EQ(words.back(), "send " + std::string(to_string(driver.session.state())) + " F");
    EXPECT_FALSE(driver.last_sent->poll) << "never both";
  }
}

TEST(BfdStates, AStoppedSessionSaysSoForADetectionTimeAndThenNothing) {
  Driver driver;
  driver.to_settled();
  driver.session.stop(driver.now, driver.out);
  EXPECT_EQ(driver.words(), (Words{"Up -> AdminDown (administratively)", "send AdminDown"}));
  EXPECT_EQ(driver.last_sent->diagnostic, Diagnostic::kAdministrativelyDown);
  EXPECT_GE(driver.live_through(seconds(3)).size(), 3U);
  EXPECT_EQ(driver.session.next_timer(), std::nullopt);
  EXPECT_EQ(driver.hear(State::kUp), Words{});
  EXPECT_EQ(driver.refused(Refusal::kAdministratively), 1U);
  EXPECT_EQ(driver.start(),
            (Words{"AdminDown -> Down: administratively down (administratively)", "send Down"}));
  EXPECT_EQ(driver.last_sent->yours, Discriminator{}) << "what was known is forgotten";
}

TEST(BfdStates, WhereNobodyListensNobodyIsToldOfTheStop) {
  Driver driver;
  driver.start();
  driver.session.stop(driver.now, driver.out);
  EXPECT_EQ(driver.session.next_timer(), std::nullopt);
}

TEST(BfdStates, WhatIsNotForUsIsRefusedAndCounted) {
  Driver driver;
  driver.to_settled();
  const auto received = driver.session.counters().received;
  ControlPacket of_others = from_peer(State::kDown);
  of_others.yours = {0x33};
  EXPECT_EQ(driver.hear(of_others), Words{});
  EXPECT_EQ(driver.refused(Refusal::kUnknownSession), 1U);
  for (const std::uint8_t ttl : std::initializer_list<std::uint8_t>{0, 1, 64, 254})
    driver.session.received(encode(from_peer(State::kDown)), ttl, driver.now, driver.out);
  EXPECT_EQ(driver.refused(Refusal::kTtl), 4U);
  Datagram damaged = encode(from_peer(State::kDown));
  damaged[0] = 0;
  driver.session.received(damaged, kTtl, driver.now, driver.out);
  EXPECT_EQ(driver.refused(Refusal::kVersion), 1U);
  EXPECT_EQ(driver.words(), Words{});
  EXPECT_EQ(driver.session.state(), State::kUp);
  EXPECT_EQ(driver.session.counters().received, received);
}

TEST(BfdStates, APaceThatCannotBeIsNamed) {
  EXPECT_TRUE(check(Pace{}));
  EXPECT_EQ(check(Pace{.desired_min_tx = microseconds(0)}).error().doing,
            "desired_min_tx: not 1 to 4294967295 microseconds");
  EXPECT_EQ(check(Pace{.required_min_rx = microseconds(0)}).error().doing,
            "required_min_rx: not 1 to 4294967295 microseconds");
  EXPECT_EQ(check(Pace{.multiplier = 0}).error().doing, "multiplier: 0");
}

}  // namespace
}  // namespace fairlead::bfd
