// Sessions with GoBGP and ExaBGP, as Debian has them: established, and routes.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/netns/bgp/world.hpp"

namespace fairlead::test {
namespace {

using namespace bgp::control;

class BgpWithOthers : public BgpWorld {
 protected:
  void need(const std::string& program) {
    if (!std::filesystem::exists(program)) GTEST_SKIP() << program << " is not installed";
  }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return folder / name;
  }
  /// From now on what the other says is taken by us.
  void expect_routes(SpeakerProcess& speaker) {
    speaker.say(settings_a({peer_b()}));
    speaker.eventually("established", [&] { return speaker.is_established("b"); });
    speaker.eventually("routes", [&] { return speaker.routes() >= 2; });
    EXPECT_EQ(speaker.route("10.101.0.0/24"), "10.101.0.0/24 via 10.60.0.2");
    EXPECT_EQ(speaker.route("2001:db8:101::/64"), "2001:db8:101::/64 via fd60::2");
  }
};

TEST_F(BgpWithOthers, GoBgpHearsUsAndWeHearIt) {
  need("/usr/bin/gobgpd");
  if (IsSkipped()) return;
  const std::string config = file("gobgp.toml", R"([global.config]
as = 65002
router-id = "10.60.0.2"
[[neighbors]]
[neighbors.config]
neighbor-address = "10.60.0.1"
peer-as = 65001
[neighbors.graceful-restart.config]
enabled = true
restart-time = 20
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-unicast"
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv6-unicast"
)");
  const Process gobgp(b.name(), {"/usr/bin/gobgpd", "-f", config, "--api-hosts", "127.0.0.1:50051"},
                      folder / "gobgp.log");
  const auto ask = [&](const std::string& words) {
    return b.output_of("gobgp " + words + " 2>&1");
  };
  eventually("GoBGP runs", [&] { return ask("neighbor").find("10.60.0.1") != std::string::npos; });
  (void)ask("global rib add 10.101.0.0/24 nexthop 10.60.0.2");
  (void)ask("global rib add -a ipv6 2001:db8:101::/64 nexthop fd60::2");
  const auto speaker = start_a();
  expect_routes(*speaker);
  eventually("it has our IPv4 route",
             [&] { return ask("global rib").find("10.1.0.0/24") != std::string::npos; });
  eventually("it has our IPv6 route", [&] {
    return ask("global rib -a ipv6").find("2001:db8:1::/64") != std::string::npos;
  });
}

TEST_F(BgpWithOthers, WhatExaBgpSaysIsHeard) {
  need("/usr/sbin/exabgp");
  if (IsSkipped()) return;
  const std::string config = file("exabgp.conf", R"(neighbor 10.60.0.1 {
  router-id 10.60.0.2; local-address 10.60.0.2; local-as 65002; peer-as 65001; hold-time 9;
  capability { graceful-restart 60; route-refresh enable; asn4 enable; }
  family { ipv4 unicast; ipv6 unicast; }
  static {
    route 10.101.0.0/24 next-hop 10.60.0.2 community [65002:7];
    route 2001:db8:101::/64 next-hop fd60::2;
  }
}
)");
  const Process exabgp(b.name(),
                       {"env", "exabgp.daemon.user=root", "exabgp.api.cli=false",
                        "exabgp.tcp.bind=10.60.0.2", "exabgp.tcp.port=179", "exabgp", config},
                       folder / "exabgp.log");
  const auto speaker = start_a();
  expect_routes(*speaker);
  const auto answer = speaker->ask(Ask::What::kRoutes, prefix("10.101.0.0/24"));
  ASSERT_EQ(answer.routes.size(), 1U);
  EXPECT_THAT(answer.routes[0].paths.at(0).communities, testing::ElementsAre("65002:7"));
}

}  // namespace
}  // namespace fairlead::test
