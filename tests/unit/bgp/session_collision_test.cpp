// Two connections at once: which of them becomes the session. And asking a peer for its routes
// again.
#include "tests/unit/bgp/session_driver.hpp"

namespace fairlead::bgp {
namespace {

using namespace driven;

/// RFC 4271 6.8 and RFC 6286 2.3, by our identifier (the peer's is 10.0.0.2).
TEST(SessionCollisions, TheHigherIdentifierKeepsWhatItDialled) {
  for (const auto& [identifier, own_as, ours_stays] : {std::tuple(0x0a000001U, 65001U, false),
                                                       {0x0a000003U, 65001U, true},
                                                       {0x0a000002U, 65001U, false},
                                                       {0x0a000002U, 65009U, true}}) {
    auto config = config_of_us();
    config.router_id = {identifier};
    config.own_as = {own_as};
    for (const bool on_ours : {false, true}) {
      Driver driver(config);
      const auto ours = driver.to_open_sent();
      const auto theirs = driver.session.accepted(driver.now, driver.out);
      driver.words();
      const auto loser = number(ours_stays ? theirs : ours);
      const auto words = driver.hear(on_ours ? ours : theirs, open_of_peer());
      ASSERT_GE(words.size(), 2U);
      EXPECT_EQ(words[0], "send" + loser + " Cease / Connection Collision Resolution");
      EXPECT_EQ(words[1], "close" + loser);
      EXPECT_EQ(words.size(), on_ours == ours_stays ? 3U : 2U) << "the other is confirmed";
      EXPECT_EQ(driver.session.transports(), 1U);
    }
  }
}

TEST(SessionCollisions, AnAttemptEndsWhenThePeersConnectionIsGood) {
  Driver driver;
  driver.to_connect();
  const auto theirs = driver.session.accepted(driver.now, driver.out);
  driver.words();
  EXPECT_EQ(driver.hear(theirs, open_of_peer()), (Words{"close 1", "send 2 KEEPALIVE"}));
}

TEST(SessionCollisions, APeerThatHasDialledAlreadyIsNotDialledAtTheStart) {
  auto config = config_of_us();
  config.connect_delay = std::chrono::milliseconds(300);
  for (const bool has_dialled : {false, true}) {
    Driver driver(config);
    driver.session.start(driver.now, driver.out);
    EXPECT_EQ(driver.words(), Words());
    if (has_dialled) driver.session.accepted(driver.now, driver.out);
    driver.words();
    EXPECT_EQ(driver.live_through(seconds(1)), has_dialled ? Words() : Words{"connect 1"});
  }
}

TEST(SessionCollisions, ATransportThatStaysSilentDoesNotWin) {
  auto config = config_of_us();
  config.router_id = {0x0a000003};
  Driver driver(config);
  driver.to_open_sent();
  driver.live_through(seconds(11));
  const auto theirs = driver.session.accepted(driver.now, driver.out);
  driver.words();
  EXPECT_EQ(driver.hear(theirs, open_of_peer()).back(), "send 2 KEEPALIVE");
}

TEST(SessionRefresh, IsAskedForWhereThePeerCan) {
  Driver driver;
  EXPECT_FALSE(driver.session.request_refresh(Family::kIpv4, driver.out));
  const auto transport = driver.to_established();
  EXPECT_TRUE(driver.session.request_refresh(Family::kIpv4, driver.out));
  EXPECT_FALSE(driver.session.request_refresh(Family::kIpv6, driver.out));
  EXPECT_EQ(driver.words(), (Words{"send 1 ROUTE-REFRESH"}));
  EXPECT_EQ(driver.hear(transport, RouteRefresh{.family = Family::kIpv6}), Words{});
  for (const auto kind : {RouteRefresh::Kind::kBegin, RouteRefresh::Kind::kEnd})
    EXPECT_EQ(driver.hear(transport, RouteRefresh{.family = Family::kIpv4, .kind = kind}).size(),
              1U);
}

}  // namespace
}  // namespace fairlead::bgp
