// Two of our speakers with one another.
#include <gmock/gmock.h>

#include <csignal>

#include "tests/netns/bgp/world.hpp"

namespace fairlead::test {
namespace {

using namespace bgp::control;
using testing::HasSubstr;

class TwoSpeakers : public BgpWorld {
 protected:
  std::unique_ptr<SpeakerProcess> speaker_a = start_a();
  std::unique_ptr<SpeakerProcess> speaker_b = std::make_unique<SpeakerProcess>(b, folder / "b.log");

  void expect_routes() {
    speaker_a->eventually("routes of b", [&] {
      return speaker_a->route("10.101.0.0/24") == "10.101.0.0/24 via 10.60.0.2" &&
             speaker_a->route("2001:db8:101::/64") == "2001:db8:101::/64 via fd60::2";
    });
    speaker_b->eventually("routes of a", [&] {
      return speaker_b->route("10.1.0.0/24") == "10.1.0.0/24 via 10.60.0.1" &&
             speaker_b->route("2001:db8:1::/64") == "2001:db8:1::/64 via fd60::1";
    });
  }
};

TEST_F(TwoSpeakers, TellEachOtherTheirRoutes) {
  // Both dial: the collision is theirs to solve.
  speaker_a->say(settings_a({peer_b()}));
  speaker_b->say(settings_b());
  expect_routes();
  const auto answer = speaker_b->ask(Ask::What::kRoutes);
  ASSERT_EQ(answer.routes.size(), 4U);
  const RouteStatus& learned = answer.routes[0];
  EXPECT_EQ(to_string(learned.prefix), "10.1.0.0/24");
  EXPECT_EQ(learned.paths.at(0).peer, "a");
  EXPECT_EQ(learned.paths.at(0).as_path, "65001");
  EXPECT_TRUE(learned.paths.at(0).used && learned.paths.at(0).best);
}

TEST_F(TwoSpeakers, SignWithPasswordsOverIpv6) {
  auto to_b = peer_b("fd60::2");
  auto at_b = settings_b();
  at_b.peers[0].transport.address = at_b.peers[0].rules.address = ip("fd60::1");
  to_b.transport.password = at_b.peers[0].transport.password = "s3cret";
  to_b.transport.ttl_security = at_b.peers[0].transport.ttl_security = true;
  speaker_a->say(settings_a({to_b}));
  speaker_b->say(at_b);
  expect_routes();
}

TEST_F(TwoSpeakers, MeetByLinkLocalAddresses) {
  a.ip("addr add fe80::1/64 dev e0 nodad");
  b.ip("addr add fe80::2/64 dev e0 nodad");
  auto to_b = peer_b("fe80::2");
  auto at_b = settings_b();
  at_b.peers[0].transport.address = at_b.peers[0].rules.address = ip("fe80::1");
  to_b.transport.interface = at_b.peers[0].transport.interface = "e0";
  to_b.transport.local_address = ip("fe80::1");
  at_b.peers[0].transport.local_address = ip("fe80::2");
  to_b.session.ipv4_over_ipv6 = at_b.peers[0].session.ipv4_over_ipv6 = true;
  to_b.next_hop = at_b.peers[0].next_hop = {};
  speaker_a->say(settings_a({to_b}));
  speaker_b->say(at_b);
  speaker_a->eventually("routes of b", [&] { return speaker_a->routes() == 2; });
  EXPECT_EQ(speaker_a->route("10.101.0.0/24"), "10.101.0.0/24 via fe80::2%e0");
  EXPECT_EQ(speaker_a->route("2001:db8:101::/64"), "2001:db8:101::/64 via fe80::2%e0");
}

TEST_F(TwoSpeakers, ANextHopThatIsOutOfReachIsNotUsed) {
  speaker_a->say(settings_a({peer_b()}));
  speaker_b->say(settings_b());
  expect_routes();
  speaker_a->say(NextHopState{.address = ip("10.60.0.2"), .reachable = false});
  speaker_a->eventually("no way", [&] { return speaker_a->route("10.101.0.0/24").empty(); });
  EXPECT_EQ(speaker_a->routes(), 1U);
  speaker_a->say(NextHopState{.address = ip("10.60.0.2"), .reachable = true});
  expect_routes();
}

TEST_F(TwoSpeakers, APeerThatReadsNothingIsWaitedForWithoutHoldingAnythingUp) {
  auto at_b = settings_b();
  at_b.peers[0].session.hold_time = std::chrono::seconds(0);
  at_b.peers[0].rules.max_prefixes = 100'000;
  speaker_b->say(at_b);
  auto settings = settings_a({peer_b()});
  speaker_a->say(settings);
  expect_routes();
  speaker_b->process().signal(SIGSTOP);
  // Much more than sockets hold, and again each time with other words.
  for (std::uint32_t number = 0; number < 60'000; ++number) {
    const Ip base =
        ip_from_v4({100, static_cast<std::uint8_t>(number >> 16),
                    static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
    settings.routes.push_back({.prefix = {.base = base, .length = 32}, .tag = kTag});
  }
  for (std::uint32_t med = 1; med <= 12; ++med) {
    settings.peers[0].rules.own_routes[0].med = med;
    speaker_a->say(settings);
    (void)speaker_a->ask(Ask::What::kPeers);
  }
  settings.routes.resize(2);
  speaker_a->say(settings);
  (void)speaker_a->ask(Ask::What::kPeers);
  speaker_b->process().signal(SIGCONT);
  speaker_b->eventually("what is true by now", [&] {
    const auto answer = speaker_b->ask(Ask::What::kRoutes, prefix("10.1.0.0/24"));
    return !answer.routes.empty() && answer.routes[0].paths[0].med == 12U &&
           speaker_b->routes() == 2;
  });
  expect_routes();
  EXPECT_EQ(speaker_a->ask(Ask::What::kPeers).peers.at(0).sessions, 1U);
}

}  // namespace
}  // namespace fairlead::test
