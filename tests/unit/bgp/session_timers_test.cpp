// What happens when nothing does: KEEPALIVEs, silence, pauses, and clocks looked at too late.
#include "tests/unit/bgp/session_driver.hpp"

namespace fairlead::bgp {
namespace {

using namespace driven;

constexpr TransportId kFirst{1};
const std::string kHoldExpired = "Hold Timer Expired";

TEST(SessionTimers, KeepalivesAreSentEachThirdOfTheHoldTime) {
  Driver driver;
  const TransportId transport = driver.to_established();
  std::size_t sent = 0;
  for (int i = 0; i < 90; ++i) {
    driver.hear(transport, Keepalive{});
    sent += driver.live_through(seconds(10)).size();
  }
  EXPECT_GE(sent, 30U);
  EXPECT_LE(sent, 40U);
  EXPECT_EQ(driver.session.state(), SessionState::kEstablished);
}

TEST(SessionTimers, KeepalivesAreSentAsOftenAsConfiguredButNotLessThanThat) {
  const auto sent_in_ten_minutes = [](seconds keepalive) {
    PeerConfig config = config_of_us();
    config.keepalive = keepalive;
    Driver driver(config);
    const TransportId transport = driver.to_established();
    std::size_t sent = 0;
    for (int i = 0; i < 60; ++i) {
      driver.hear(transport, Keepalive{});
      sent += driver.live_through(seconds(10)).size();
    }
    return sent;
  };
  EXPECT_GE(sent_in_ten_minutes(seconds(5)), 120U);
  EXPECT_LE(sent_in_ten_minutes(seconds(80)), 27U);
  EXPECT_GE(sent_in_ten_minutes(seconds(80)), 20U);
}

TEST(SessionTimers, AHalfOpenPeerIsGivenUpAfterTheHoldTime) {
  Driver driver;
  driver.to_established();
  driver.live_through(seconds(89));
  EXPECT_EQ(driver.session.state(), SessionState::kEstablished);
  EXPECT_EQ(driver.live_through(seconds(1)),
            (Words{"send 1 " + kHoldExpired, "close 1", "down: sent " + kHoldExpired}));
}

TEST(SessionTimers, TheLesserHoldTimeCountsAndZeroIsNone) {
  Open peer = open_of_peer();
  peer.hold_time = seconds(9);
  Driver brief;
  brief.to_established(peer);
  brief.live_through(seconds(9));
  EXPECT_NE(brief.session.state(), SessionState::kEstablished);
  peer.hold_time = seconds(0);
  Driver endless;
  endless.to_established(peer);
  EXPECT_EQ(endless.session.next_timer(), std::nullopt);
  EXPECT_EQ(endless.wait(seconds(100000)), Words{});
}

TEST(SessionTimers, AnOpenIsWaitedForFourMinutes) {
  Driver driver;
  driver.to_open_sent();
  driver.out.clear();
  EXPECT_EQ(driver.live_through(seconds(239)), Words{});
  EXPECT_EQ(driver.live_through(seconds(1)),
            (Words{"send 1 " + kHoldExpired, "close 1", "failed: sent " + kHoldExpired}));
}

/// A machine that slept: the peer's words may lie unread, so it gets a keepalive's time, once.
TEST(SessionTimers, WhoComesLateListensBeforeGivingUp) {
  Driver driver;
  const TransportId transport = driver.to_established();
  EXPECT_EQ(driver.wait(seconds(3600)), (Words{"send 1 KEEPALIVE"})) << "all timers, one answer";
  EXPECT_EQ(driver.hear(transport, Keepalive{}), Words{});
  EXPECT_EQ(driver.wait(seconds(22)), (Words{}));
  EXPECT_EQ(driver.wait(seconds(3600)), (Words{"send 1 KEEPALIVE"}));
  EXPECT_EQ(driver.wait(seconds(3600)).back(), "down: sent " + kHoldExpired);
}

TEST(SessionTimers, AnAttemptThatNobodyAnswersIsMadeAgain) {
  Driver driver;
  driver.to_connect();
  driver.out.clear();
  EXPECT_EQ(driver.live_through(seconds(5)),
            (Words{"close 1", "failed: connect timed out", "connect 2"}));
}

TEST(SessionTimers, PausesGrowWithEachFailureUntilASessionLasts) {
  Driver driver;
  driver.to_connect();
  const auto pause_after_failure = [&driver](std::uint64_t transport) {
    driver.session.connected({transport}, driver.now, driver.out);
    driver.hear({transport}, cease_notification(cease::kConnectionRejected));
    EXPECT_EQ(driver.session.state(), SessionState::kIdle);
    const auto pause = *driver.session.next_timer() - driver.now;
    driver.now += pause;
    driver.session.timers_due(driver.now, driver.out);
    return pause;
  };
  std::uint64_t transport = 1;
  for (const int expected : {5, 10, 20, 40, 60, 60, 60}) {
    const auto pause = pause_after_failure(transport++);
    EXPECT_LE(pause, seconds(expected));
    EXPECT_GE(pause, seconds(expected) * 3 / 4);
  }
  driver.session.connected({transport}, driver.now, driver.out);
  driver.hear({transport}, open_of_peer());
  driver.hear({transport}, Keepalive{});
  driver.now += seconds(61);
  driver.hear({transport}, cease_notification(cease::kAdministrativeReset));
  EXPECT_LE(*driver.session.next_timer() - driver.now, seconds(5));
}

/// The same routes would come at once.
TEST(SessionTimers, AfterTooManyPrefixesThePeerIsRefusedForAWhile) {
  Driver driver;
  driver.to_established();
  driver.session.reset(cease_notification(cease::kMaximumPrefixes), driver.now, driver.out);
  const std::string reason = "Cease / Maximum Number of Prefixes Reached";
  EXPECT_EQ(driver.words(), (Words{"send 1 " + reason, "close 1", "down: sent " + reason}));
  driver.live_through(seconds(299));
  driver.session.accepted(driver.now, driver.out);
  EXPECT_EQ(driver.words(), (Words{"send 2 Cease / Connection Rejected", "close 2"}));
  EXPECT_EQ(driver.live_through(seconds(1)), (Words{"connect 3"}));
}

/// RFC 9687.
TEST(SessionTimers, APeerThatReadsNothingIsGivenUp) {
  Driver driver;
  const TransportId transport = driver.to_established();
  driver.session.sending_blocked(transport, true, driver.now);
  for (int i = 0; i < 48; ++i) {
    EXPECT_EQ(driver.session.state(), SessionState::kEstablished);
    driver.hear(transport, Keepalive{});
    driver.live_through(seconds(10));
  }
  EXPECT_NE(driver.session.state(), SessionState::kEstablished);
}

TEST(SessionTimers, APassiveOneOnlyWaits) {
  auto config = config_of_us();
  config.passive = true;
  Driver driver(config);
  driver.session.start(driver.now, driver.out);
  EXPECT_EQ(driver.session.state(), SessionState::kActive);
  EXPECT_EQ(driver.session.next_timer(), std::nullopt);
  EXPECT_EQ(driver.session.accepted(driver.now, driver.out), kFirst);
  EXPECT_EQ(driver.words(), (Words{"send 1 OPEN"}));
  driver.session.closed(kFirst, driver.now, driver.out);
  EXPECT_EQ(driver.session.next_timer(), std::nullopt);
}

}  // namespace
}  // namespace fairlead::bgp
