// Who is refused, how sessions end, and what is kept over a restart.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>

#include "tests/netns/bgp/world.hpp"

namespace fairlead::test {
namespace {

using namespace bgp::control;
using testing::HasSubstr;
using testing::Not;

/// Settings after a restart, as an agent says them that finds its routes in the kernel.
Settings after_restart() {
  auto settings = settings_a({peer_b()});
  settings.restart_wait = std::chrono::seconds(60);
  auto& restart = settings.peers[0].session.graceful_restart;
  restart->restarting = true;
  restart->forwarding = {.ipv4 = true, .ipv6 = true};
  return settings;
}

TEST_F(BgpWithBird, RoutesStayWhileAKilledSpeakerIsAway) {
  Bird bird(b, folder, bird_config());
  bird.start();
  auto speaker = start_a();
  speaker->say(settings_a({peer_b()}));
  speaker->eventually("routes", [&] { return speaker->routes() == 3; });
  bird.eventually("show route", "10.1.0.0/24");
  const auto since = bird.ask("show route 10.1.0.0/24");
  speaker->process().signal(SIGKILL);
  bird.eventually("show protocols all a", "Neighbor graceful restart active");
  EXPECT_THAT(bird.ask("show route"), HasSubstr("10.1.0.0/24"));

  speaker = start_a();
  speaker->say(after_restart());
  speaker->eventually("all routes again", [&] { return speaker->routes() == 3; });
  speaker->eventually("the end of the restart", [&] { return speaker->restart_is_over(); });
  // BIRD has had its routes all the time, and End-of-RIB has come.
  bird.eventually_not("show protocols all a", "Neighbor graceful restart active");
  EXPECT_THAT(bird.ask("show route"), HasSubstr("10.1.0.0/24"));
  EXPECT_THAT(bird.ask("show protocols all a"), HasSubstr("Restart recovery"));
}

TEST_F(BgpWithBird, WhatIsNotSaidAgainAfterARestartGoes) {
  Bird bird(b, folder, bird_config());
  bird.start();
  auto speaker = start_a();
  speaker->say(settings_a({peer_b()}));
  bird.eventually("show route", "10.1.0.0/24");
  speaker->process().signal(SIGKILL);
  bird.eventually("show protocols all a", "Neighbor graceful restart active");
  speaker = start_a();
  auto settings = after_restart();
  settings.routes.erase(settings.routes.begin());
  speaker->say(settings);
  bird.eventually_not("show route", "10.1.0.0/24");
  EXPECT_THAT(bird.ask("show route"), HasSubstr("2001:db8:1::/64"));
}

TEST_F(BgpWithBird, RoutesStayWhileBirdRestarts) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  speaker->say(settings_a({peer_b()}));
  speaker->eventually("routes", [&] { return speaker->routes() == 3; });
  bird.stop();
  speaker->eventually("the end", [&] { return !speaker->is_established("b"); });
  EXPECT_EQ(speaker->routes(), 3U);
  const Answer stale = speaker->ask(Ask::What::kRoutes, prefix("10.101.0.0/24"));
  ASSERT_EQ(stale.routes.size(), 1U);
  EXPECT_TRUE(stale.routes[0].paths.at(0).stale);
  bird.start_again();
  speaker->eventually("back", [&] {
    const auto answer = speaker->ask(Ask::What::kRoutes, prefix("10.101.0.0/24"));
    return speaker->is_established("b") && !answer.routes.empty() &&
           !answer.routes[0].paths.at(0).stale;
  });
  EXPECT_EQ(speaker->routes(), 3U);
  EXPECT_EQ(speaker->gone(), 0U);
}

TEST_F(BgpWithBird, APeerThatStaysAwayHoldsARestartUpForItsTimeAlone) {
  Bird bird(b, folder, bird_config());
  bird.start();
  const auto speaker = start_a();
  auto settings = after_restart();
  settings.restart_wait = std::chrono::seconds(3);
  settings.peers.push_back(peer_b("10.60.0.9"));
  settings.peers.back().name = "nobody";
  speaker->say(settings);
  speaker->eventually("established", [&] { return speaker->is_established("b"); });
  EXPECT_FALSE(speaker->restart_is_over());
  EXPECT_EQ(speaker->routes(), 0U);
  bird.eventually("show route", "10.1.0.0/24");  // what is our own waits for nobody
  EXPECT_FALSE(speaker->restart_is_over());
  speaker->eventually("the end of the restart", [&] { return speaker->restart_is_over(); });
  EXPECT_EQ(speaker->routes(), 3U);
}

TEST_F(BgpWithBird, TheAgentsEndLeavesThePeersRoutes) {
  Bird bird(b, folder, bird_config());
  bird.start();
  for (const auto& end : std::vector<std::function<void(SpeakerProcess&)>>{
           [](SpeakerProcess& speaker) { speaker.close_control(); },
           [](SpeakerProcess& speaker) { speaker.process().signal(SIGTERM); },
           [](SpeakerProcess& speaker) { speaker.say(Leave{}); }}) {
    const auto speaker = start_a();
    speaker->say(settings_a({peer_b()}));
    speaker->eventually("established", [&] { return speaker->is_established("b"); });
    bird.eventually("show route", "10.1.0.0/24");
    bird.eventually_not("show protocols all a", "Neighbor graceful restart active");
    end(*speaker);
    EXPECT_EQ(speaker->process().wait(), 0);
    bird.eventually("show protocols all a", "Neighbor graceful restart active");
    EXPECT_THAT(bird.ask("show route"), HasSubstr("10.1.0.0/24"));
  }
}

TEST_F(BgpWorld, WhoIsNoPeerIsRefused) {
  const auto speaker = start_a();
  auto peer = peer_b();
  peer.session.passive = true;
  speaker->say(settings_a({peer}));
  b.ip("addr add 10.60.0.3/24 dev e0");
  (void)speaker->ask(Ask::What::kPeers);
  // The stranger is closed at once and hears nothing; the peer is told our OPEN.
  const auto heard_by = [this](const std::string& address) {
    return b.output_of("socat - TCP:10.60.0.1:179,bind=" + address + " </dev/null | wc -c");
  };
  EXPECT_EQ(heard_by("10.60.0.3"), "0\n");
  EXPECT_NE(heard_by("10.60.0.2"), "0\n");
  EXPECT_THAT(text_of_log(), HasSubstr("10.60.0.3"));
}

TEST_F(BgpWorld, WhoConnectsBeforeThereAreSettingsIsHeardAfterwards) {
  const auto speaker = start_a();
  const std::string heard = folder / "heard";
  const Process early(b.name(), {"socat", "-u", "TCP:10.60.0.1:179", "OPEN:" + heard + ",creat"});
  eventually("a connection",
             [&] { return !b.output_of("ss -Htn state established dst 10.60.0.1").empty(); });
  auto peer = peer_b();
  peer.session.passive = true;
  speaker->say(settings_a({peer}));
  eventually("our OPEN", [&] {
    std::error_code missing;
    return std::filesystem::file_size(heard, missing) > 19 && !missing;
  });
}

TEST_F(BgpWorld, SettingsThatCannotBeReadChangeNothing) {
  const auto speaker = start_a();
  speaker->say(settings_a({peer_b()}));
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.size(), 1U);
  speaker->say_text("{\"Settings\":{\"peers\":[]}}\n");
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.size(), 1U);
  EXPECT_THAT(text_of_log(), HasSubstr("Settings.speaker"));
}

TEST_F(BgpWorld, APeerThatCannotBeIsSaidSoAndTheOthersAreServed) {
  const auto speaker = start_a();
  auto wrong = peer_b("10.60.0.9");
  wrong.name = "wrong";
  wrong.session.hold_time = std::chrono::seconds(2);
  speaker->say(settings_a({wrong, peer_b()}));
  speaker->eventually("an error", [&] { return !speaker->peer("wrong").last_error.empty(); });
  EXPECT_THAT(speaker->peer("wrong").last_error, HasSubstr("hold time"));
  EXPECT_EQ(speaker->ask(Ask::What::kPeers).peers.size(), 1U);
}

}  // namespace
}  // namespace fairlead::test
