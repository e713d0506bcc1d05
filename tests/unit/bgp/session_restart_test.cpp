// What of a session's routes is kept when it ends, and for how long: RFC 4724 and 8538.
#include "tests/unit/bgp/session_driver.hpp"

namespace fairlead::bgp {
namespace {

using namespace driven;

PeerConfig restarting_config() {
  auto config = config_of_us();
  config.graceful_restart = RestartConfig{};
  return config;
}

/// With graceful restart; `notification`: also over a NOTIFICATION.
Open open_of_restarter(bool notification = false) {
  Open open = open_of_peer();
  open.capabilities.graceful_restart = GracefulRestart{.notification = notification,
                                                       .time = seconds(100),
                                                       .families = {.ipv4 = true, .ipv6 = false},
                                                       .forwarding = {.ipv4 = true, .ipv6 = false}};
  return open;
}

Words come_back(Driver& driver, std::uint64_t transport, const Open& peer) {
  driver.live_through(seconds(6));
  driver.session.connected({transport}, driver.now, driver.out);
  driver.hear({transport}, peer);
  return driver.hear({transport}, Keepalive{});
}

TEST(SessionRestart, OurOpenSaysWhatSurvived) {
  auto config = restarting_config();
  config.families.ipv6 = true;
  *config.graceful_restart = {.restarting = true, .forwarding = {.ipv4 = true, .ipv6 = false}};
  Driver driver(config);
  driver.session.restart_is_over();
  for (const auto& [of, restarting] : {std::pair(config, true), {driver.session.config(), false}})
    EXPECT_EQ(own_open(of).capabilities.graceful_restart,
              (GracefulRestart{.restarting = restarting,
                               .notification = true,
                               .time = seconds(120),
                               .families = {.ipv4 = true, .ipv6 = true},
                               .forwarding = {.ipv4 = true, .ipv6 = false}}));
}

TEST(SessionRestart, RoutesOfALostPeerStayUntilItHasSentThemAgain) {
  Driver driver(restarting_config());
  driver.session.closed(driver.to_established(open_of_restarter()), driver.now, driver.out);
  EXPECT_EQ(driver.words(), (Words{"down: transport lost, stale ipv4"}));
  EXPECT_EQ(come_back(driver, 2, open_of_restarter()), (Words{"up 2 ipv4"}));
  EXPECT_EQ(driver.hear_bytes({2}, wire::update({}, {}, {})), (Words{"end of rib"}));
}

TEST(SessionRestart, RoutesThatThePeerNoLongerForwardsGoWhenItIsBack) {
  Driver driver(restarting_config());
  driver.session.closed(driver.to_established(open_of_restarter()), driver.now, driver.out);
  Open without = open_of_restarter();
  without.capabilities.graceful_restart->forwarding = {};
  driver.words();
  EXPECT_EQ(come_back(driver, 2, without), (Words{"up 2"}));
}

TEST(SessionRestart, StaleRoutesGoWhenThePeerDoesNotComeBackInTime) {
  auto config = restarting_config();
  config.passive = true;
  Driver driver(config);
  driver.session.start(driver.now, driver.out);
  const auto transport = driver.session.accepted(driver.now, driver.out);
  driver.hear(transport, open_of_restarter());
  driver.hear(transport, Keepalive{});
  driver.session.closed(transport, driver.now, driver.out);
  driver.words();
  EXPECT_EQ(driver.live_through(seconds(99)), Words{});
  EXPECT_EQ(driver.live_through(seconds(1)), (Words{"stale expired"}));
  EXPECT_EQ(driver.session.next_timer(), std::nullopt);
}

TEST(SessionRestart, APeerThatNeverSaysThatItHasSentAllHasItsTime) {
  auto config = restarting_config();
  config.stale_time = seconds(20);
  Driver driver(config);
  driver.session.closed(driver.to_established(open_of_restarter()), driver.now, driver.out);
  come_back(driver, 2, open_of_restarter());
  EXPECT_EQ(driver.live_through(seconds(20)), (Words{"stale expired"}));
}

/// RFC 8538: a NOTIFICATION keeps routes where both sides say so, a hard reset never.
TEST(SessionRestart, ANotificationKeepsRoutesOnlyWhereBothSidesSaidSo) {
  const Notification reset = cease_notification(cease::kAdministrativeReset);
  for (const bool both : {false, true})
    for (const bool hard : {false, true}) {
      Driver driver(restarting_config());
      const auto transport = driver.to_established(open_of_restarter(both));
      const auto words = driver.hear(transport, hard ? hard_reset(reset) : reset);
      EXPECT_EQ(words.back().ends_with(", stale ipv4"), both && !hard) << words.back();
    }
}

TEST(SessionRestart, AShutdownIsAHardResetWhereANotificationWouldKeepRoutes) {
  auto config = restarting_config();
  config.shutdown_text = "maintenance";
  Driver driver(config);
  driver.to_established(open_of_restarter(true));
  driver.session.stop(driver.now, driver.out);
  const auto said = decode(std::get<Send>(driver.out.front()).bytes, {});
  const auto reason = hard_reset_reason(std::get<Notification>(*said));
  ASSERT_TRUE(reason);
  EXPECT_EQ(shutdown_text(*reason), "maintenance");
  EXPECT_EQ(driver.words().back(), "down: sent Cease / Hard Reset");
}

TEST(SessionRestart, StoppingEndsTheWaitForThePeer) {
  Driver driver(restarting_config());
  driver.session.closed(driver.to_established(open_of_restarter()), driver.now, driver.out);
  driver.words();
  driver.session.stop(driver.now, driver.out);
  EXPECT_EQ(driver.words(), (Words{"stale expired"}));
  EXPECT_EQ(driver.session.next_timer(), std::nullopt);
}

/// The peer has restarted before we noticed: the old session ends when the new one is there, and a
/// connection that comes to nothing costs nothing.
TEST(SessionRestart, APeerThatConnectsAnewTakesItsSessionWithIt) {
  Driver driver(restarting_config());
  driver.to_established(open_of_restarter());
  const auto vain = driver.session.accepted(driver.now, driver.out);
  driver.session.closed(vain, driver.now, driver.out);
  EXPECT_EQ(driver.words(), (Words{"send 1 KEEPALIVE", "send 2 OPEN", "failed: transport lost"}));
  const auto anew = driver.session.accepted(driver.now, driver.out);
  driver.words();
  EXPECT_EQ(driver.hear(anew, open_of_restarter()), (Words{"send 3 KEEPALIVE"}));
  EXPECT_EQ(driver.hear(anew, Keepalive{}),
            (Words{"close 1", "down: the peer has connected anew, stale ipv4", "up 3 ipv4"}));
}

}  // namespace
}  // namespace fairlead::bgp
