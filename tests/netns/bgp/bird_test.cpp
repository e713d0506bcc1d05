// Sessions with BIRD: routes of both families both ways, passwords, distances, limits.
#include <gmock/gmock.h>

#include <csignal>

#include "tests/netns/bgp/world.hpp"

namespace fairlead::test {
namespace {

using bgp::SessionState;
using namespace bgp::control;
using testing::HasSubstr;
using testing::Not;

void expect_routes_both_ways(SpeakerProcess& speaker, const Bird& bird) {
  speaker.eventually("established", [&] { return speaker.is_established("b"); });
  speaker.eventually("BIRD's routes", [&] { return speaker.routes() == 3; });
  EXPECT_EQ(speaker.route("10.101.0.0/24"), "10.101.0.0/24 via 10.60.0.2");
  EXPECT_EQ(speaker.route("10.102.0.0/24"), "10.102.0.0/24 via 10.60.0.2");
  EXPECT_EQ(speaker.route("2001:db8:101::/64"), "2001:db8:101::/64 via fd60::2");
  bird.eventually("show route 10.1.0.0/24 all", "BGP.next_hop: 10.60.0.1");
  bird.eventually("show route 2001:db8:1::/64 all", "BGP.next_hop: fd60::1");
  EXPECT_THAT(bird.ask("show route 10.1.0.0/24 all"), HasSubstr("BGP.as_path: 65001"));
}

TEST_F(BgpWithBird, RoutesOfBothFamiliesGoBothWays) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  speaker->say(settings_a({peer_b()}));
  expect_routes_both_ways(*speaker, bird);
  EXPECT_TRUE(speaker->restart_is_over());
  const Answer peers = speaker->ask(Ask::What::kPeers);
  ASSERT_EQ(peers.peers.size(), 1U);
  EXPECT_EQ(peers.peers[0].received, (bgp::PerFamily<std::uint64_t>{2, 1}));
  EXPECT_EQ(peers.peers[0].announced, (bgp::PerFamily<std::uint64_t>{1, 1}));
  EXPECT_EQ(peers.peers[0].router_id, bgp::RouterId{0x0a3c0002});
  EXPECT_EQ(peers.peers[0].hold_time, std::chrono::seconds(9));
  EXPECT_EQ(peers.peers[0].sessions, 1U);
  EXPECT_GE(peers.peers[0].messages_in, peers.peers[0].updates_in);
  EXPECT_GE(peers.peers[0].updates_out, 2U);
}

TEST_F(BgpWithBird, WhatIsWithdrawnGoes) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  auto settings = settings_a({peer_b()});
  speaker->say(settings);
  expect_routes_both_ways(*speaker, bird);
  bird.configure(bird_config({}, "route 10.101.0.0/24 blackhole;"));
  speaker->eventually("withdrawn by BIRD", [&] { return speaker->route("10.102.0.0/24").empty(); });
  settings.routes.erase(settings.routes.begin());
  speaker->say(settings);
  bird.eventually_not("show route", "10.1.0.0/24");
  EXPECT_THAT(bird.ask("show route"), HasSubstr("2001:db8:1::/64"));
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).sessions, 1U);
}

TEST_F(BgpWithBird, RulesAreChangedWithoutANewSession) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  auto settings = settings_a({peer_b()});
  const auto all = settings.peers[0].rules.imports;
  settings.peers[0].rules.imports = {};
  speaker->say(settings);
  bird.eventually("show route", "10.1.0.0/24");
  speaker->eventually("refused routes",
                      [&] { return speaker->ask(Ask::What::kPeers).peers.at(0).refused >= 3; });
  EXPECT_EQ(speaker->routes(), 0U);
  settings.peers[0].rules.imports = all;
  settings.peers[0].rules.own_routes[0].med = 77;
  settings.peers[0].rules.own_routes[0].communities = {{65001U << 16 | 7}};
  speaker->say(settings);
  speaker->eventually("routes after a refresh", [&] { return speaker->routes() == 3; });
  bird.eventually("show route 10.1.0.0/24 all", "BGP.med: 77");
  EXPECT_THAT(bird.ask("show route 10.1.0.0/24 all"), HasSubstr("(65001,7)"));
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).sessions, 1U);
}

TEST_F(BgpWithBird, BothSignWithThePassword) {
  // Once we dial, once we wait.
  for (const bool passive : {false, true}) {
    Bird bird(b, folder,
              bird_config(passive ? "password \"s3cret\";" : "password \"s3cret\"; passive on;"));
    bird.start();
    const auto speaker = start_a();
    auto peer = peer_b();
    peer.transport.password = "s3cret";
    peer.session.passive = passive;
    speaker->say(settings_a({peer}));
    expect_routes_both_ways(*speaker, bird);
    EXPECT_THAT(speaker->said(), Not(HasSubstr("s3cret")));
    EXPECT_THAT(text_of_log(), Not(HasSubstr("s3cret")));
  }
}

TEST_F(BgpWithBird, AnotherPasswordIsNoSession) {
  Bird bird(b, folder, bird_config("password \"s3cret\";"));
  bird.start();
  const auto speaker = start_a();
  auto peer = peer_b();
  peer.transport.password = "other";
  speaker->say(settings_a({peer}));
  speaker->eventually("an attempt that failed", [&] {
    return !speaker->ask(Ask::What::kPeers).peers.at(0).last_error.empty();
  });
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).sessions, 0U);
  // It is the password alone.
  peer.transport.password = "s3cret";
  speaker->say(settings_a({peer}));
  expect_routes_both_ways(*speaker, bird);
}

TEST_F(BgpWithBird, WithoutThePasswordNobodyGetsIn) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  auto peer = peer_b();
  peer.transport.password = "s3cret";
  peer.session.passive = true;
  speaker->say(settings_a({peer}));
  speaker->eventually("a segment without a signature", [&] {
    return a.output_of("nstat -asz TcpExtTCPMD5NotFound")
               .find("TcpExtTCPMD5NotFound            0") == std::string::npos;
  });
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).sessions, 0U);
  peer.transport.password.clear();
  speaker->say(settings_a({peer}));
  expect_routes_both_ways(*speaker, bird);
}

TEST_F(BgpWithBird, DistanceIsLookedAt) {
  Bird bird(b, folder, bird_config("ttl security on;"));
  bird.start();
  const auto speaker = start_a();
  auto peer = peer_b();
  peer.transport.ttl_security = true;
  for (const bool passive : {false, true}) {
    peer.session.passive = passive;
    speaker->say(settings_a({peer}));
    expect_routes_both_ways(*speaker, bird);
  }
}

TEST_F(BgpWithBird, TooManyPrefixesEndTheSession) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  auto peer = peer_b();
  peer.rules.max_prefixes = 1;
  speaker->say(settings_a({peer}));
  speaker->eventually(
      "an end", [&] { return speaker->peer("b").last_error.find("Maximum") != std::string::npos; });
  EXPECT_EQ(speaker->routes(), 0U);
  bird.eventually("show protocols all a", "prefixes");
}

TEST_F(BgpWithBird, ASessionOverIpv6CarriesBothFamilies) {
  std::string config = bird_config();
  config.replace(config.find("local 10.60.0.2"), 15, "local fd60::2");
  config.replace(config.find("neighbor 10.60.0.1"), 18, "neighbor fd60::1");
  config.replace(config.find("next hop self"), 13, "next hop address 10.60.0.2");
  Bird bird(b, folder, config);
  bird.start();
  const auto speaker = start_a();
  auto peer = peer_b("fd60::2");
  peer.transport.ttl_security = false;
  peer.transport.password = "";
  speaker->say(settings_a({peer}));
  expect_routes_both_ways(*speaker, bird);
}

TEST_F(BgpWithBird, AStoppedPeerAndAStoppedSpeakerSaySo) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  auto settings = settings_a({peer_b()});
  speaker->say(settings);
  expect_routes_both_ways(*speaker, bird);
  speaker->say(settings_a({}));
  bird.eventually_not("show route", "10.1.0.0/24");
  speaker->eventually("its routes go", [&] { return speaker->routes() == 0; });
  speaker->say(settings);
  expect_routes_both_ways(*speaker, bird);
  const Leave leave{.how = Leave::How::kShutdown};
  speaker->say(leave);
  EXPECT_EQ(speaker->process().wait(), 0);
  bird.eventually_not("show route", "10.1.0.0/24");
}

}  // namespace
}  // namespace fairlead::test
