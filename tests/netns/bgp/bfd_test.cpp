// BFD beside a session with BIRD: who is not reached any more is noticed long before the hold time,
// and is back when the link is.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>

#include "tests/netns/bgp/world.hpp"

namespace fairlead::test {
namespace {

using namespace bgp::control;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::milliseconds kInterval{300};

/// The hold time is far longer than any test may take.
PeerSettings peer_with_bfd(std::string_view address = "10.60.0.2") {
  PeerSettings peer = peer_b(address);
  peer.session.hold_time = seconds(3600);
  peer.transport.bfd = Bfd{.interval = kInterval, .multiplier = 3};
  return peer;
}

std::string bird_with_bfd(const std::string& options = "") {
  return bird_config("hold time 3600; bfd on; " + options) +
         "protocol bfd watch { interface \"e0\" { interval 300 ms; idle tx interval 1 s; "
         "multiplier 3; }; }\n";
}

/// What comes in vanishes; whoever sent it hears nothing of that.
void lose_all(const Namespace& where) {
  where.sh("nft add table inet lost");
  where.sh(
      "nft 'add chain inet lost in { type filter hook prerouting priority -300; policy drop; }'");
}
void lose_none(const Namespace& where) { where.sh("nft delete table inet lost"); }

class BfdWithBird : public BgpWithBird {
 protected:
  void SetUp() override {
    BgpWithBird::SetUp();
    if (IsSkipped()) return;
    bird.emplace(b, folder, bird_with_bfd());
    bird->start();
    speaker = start_a();
  }
  void eventually_all_is_up() {
    speaker->eventually("routes", [&] { return speaker->routes() == 3; });
    speaker->eventually("BFD is up", [&] { return speaker->peer("b").bfd == "Up"; });
    bird->eventually("show bfd sessions", "Up");
  }
  [[nodiscard]] std::string udp_ports() const { return a.output_of("ss -Hulnp"); }

  std::optional<Bird> bird;
  std::unique_ptr<SpeakerProcess> speaker;
};

TEST_F(BfdWithBird, WhoIsNotReachedLosesItsRoutesLongBeforeTheHoldTime) {
  speaker->say(settings_a({peer_with_bfd()}));
  eventually_all_is_up();
  ASSERT_EQ(speaker->peer("b").hold_time, seconds(3600));
  EXPECT_THAT(bird->ask("show bfd sessions"), HasSubstr("10.60.0.1"));
  lose_all(a);
  lose_all(b);
  const auto cut = std::chrono::steady_clock::now();
  speaker->eventually("no routes", [&] { return speaker->routes() == 0; });
  const auto took = std::chrono::steady_clock::now() - cut;
  RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).bfd, "Down");
  EXPECT_THAT(speaker->ask(Ask::What::kPeers).peers.at(0).last_error, Not(HasSubstr("Hold")));
  EXPECT_THAT(text_of_log(), HasSubstr("BFD: the peer is not reached any more"));
  bird->eventually_not("show route", "10.1.0.0/24");
  lose_none(a);
  lose_none(b);
  eventually_all_is_up();
}

TEST_F(BfdWithBird, AOneWayFaultIsAFault) {
  speaker->say(settings_a({peer_with_bfd()}));
  eventually_all_is_up();
  lose_all(b);  // we still hear BIRD, which hears nothing
  speaker->eventually("no routes", [&] { return speaker->routes() == 0; });
  speaker->eventually("BIRD has said so", [&] {
    return text_of_log().find("neighbor signaled session down") != std::string::npos;
  });
  lose_none(b);
  eventually_all_is_up();
}

TEST_F(BfdWithBird, OverIpv6TooOnceThereIsAPeerForIt) {
  bird->configure(
      bird_with_bfd() +
      "protocol bgp a6 { local fd60::2 as 65002; neighbor fd60::1 as 65001; passive on; bfd on; "
      "ipv6 { import all; export where proto = \"s6\"; }; }\n");
  auto peer = peer_with_bfd("fd60::2");
  peer.name = "b6";
  speaker->say(settings_a({peer_with_bfd(), peer}));
  eventually_all_is_up();
  speaker->eventually("BFD is up", [&] { return speaker->peer("b6").bfd == "Up"; });
  speaker->eventually("BGP is", [&] { return speaker->is_established("b6"); });
  lose_all(a);
  lose_all(b);
  speaker->eventually("no routes", [&] { return speaker->routes() == 0; });
  EXPECT_FALSE(speaker->is_established("b"));
  EXPECT_FALSE(speaker->is_established("b6"));
}

TEST_F(BfdWithBird, WhatCameThroughARouterDoesNotCount) {
  speaker->say(settings_a({peer_with_bfd()}));
  eventually_all_is_up();
  a.sh("nft add table inet routed");
  a.sh("nft 'add chain inet routed in { type filter hook prerouting priority -300; }'");
  a.sh("nft add rule inet routed in udp dport 3784 ip ttl set 254");
  speaker->eventually("BFD is down", [&] { return speaker->peer("b").bfd == "Down"; });
  speaker->eventually("no routes", [&] { return speaker->routes() == 0; });
}

TEST_F(BfdWithBird, ThePortIsOpenOnlyWhileAPeerHasBfd) {
  auto settings = settings_a({peer_with_bfd()});
  settings.peers[0].transport.bfd.reset();
  speaker->say(settings);
  speaker->eventually("routes", [&] { return speaker->routes() == 3; });
  EXPECT_EQ(udp_ports(), "");
  settings = settings_a({peer_with_bfd()});
  speaker->say(settings);
  eventually_all_is_up();
  EXPECT_THAT(udp_ports(), HasSubstr("0.0.0.0:3784"));
  EXPECT_THAT(udp_ports(), Not(HasSubstr("[::]:3784")));
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).sessions, 1U)
      << "BFD begins beside the session";
  settings.peers[0].transport.bfd.reset();
  speaker->say(settings);
  speaker->eventually("the port is closed", [&] { return udp_ports().empty(); });
}

TEST_F(BfdWithBird, AnotherPaceIsAgreedOnWithoutAnEnd) {
  auto settings = settings_a({peer_with_bfd()});
  speaker->say(settings);
  eventually_all_is_up();
  settings.peers[0].transport.bfd =
      Bfd{.interval = std::chrono::milliseconds(500), .multiplier = 4};
  speaker->say(settings);
  bird->eventually("show bfd sessions", "2.000");  // 4 of them
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).sessions, 1U);
  EXPECT_EQ(speaker->peer("b").bfd, "Up");
}

/// Another BFD daemon on the node, say.
TEST_F(BfdWithBird, WhereThePortIsTakenBgpWorksAndBfdBeginsOnceItIsFree) {
  Fd taken;
  a.run([&] {
    taken = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(3784);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    ASSERT_EQ(::bind(taken.get(), generic, sizeof address), 0);
  });
  speaker->say(settings_a({peer_with_bfd()}));
  speaker->eventually("routes", [&] { return speaker->routes() == 3; });
  speaker->eventually("BFD is tried", [&] { return speaker->peer("b").bfd == "Down"; });
  EXPECT_THAT(text_of_log(), HasSubstr("listen on UDP port 3784 for BFD: Address already in use"));
  taken = Fd();
  eventually_all_is_up();
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.at(0).sessions, 1U);
}

/// The kernel closes a dead process's connections at once, so its silence comes later and means no
/// more than that: graceful restart goes on.
TEST_F(BfdWithBird, APeerThatRestartsKeepsItsRoutes) {
  speaker->say(settings_a({peer_with_bfd()}));
  eventually_all_is_up();
  bird->stop();
  speaker->eventually("BFD is down", [&] { return speaker->peer("b").bfd == "Down"; });
  EXPECT_FALSE(speaker->is_established("b"));
  EXPECT_EQ(speaker->routes(), 3U);
  bird->start();
  eventually_all_is_up();
}

TEST_F(BfdWithBird, OurRoutesStayWithAPeerThatTakesSilenceForARestart) {
  bird->stop();
  bird.emplace(b, folder, bird_with_bfd("bfd graceful;"));
  bird->start();
  speaker->say(settings_a({peer_with_bfd()}));
  eventually_all_is_up();
  speaker->process().signal(SIGKILL);
  bird->eventually("show protocols all a", "Neighbor graceful restart active");
  bird->eventually("show bfd sessions", "Down");
  EXPECT_THAT(bird->ask("show route"), HasSubstr("10.1.0.0/24"));
}

}  // namespace
}  // namespace fairlead::test
