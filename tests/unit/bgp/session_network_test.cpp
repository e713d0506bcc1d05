// Two speakers over a bad network that becomes a good one: in the end there is one session.
#include "tests/unit/bgp/session_network.hpp"

namespace fairlead::bgp {
namespace {

using simulated::Network;
using simulated::seconds;

constexpr std::uint64_t kRuns = 10000;

PeerConfig speaker(std::uint32_t as, std::uint32_t peer_as, std::uint32_t router_id) {
  return {.own_as = {as}, .router_id = {router_id}, .peer_as = {peer_as}};
}

/// Which of the two has the higher identifier, whether both dial, hold times: by the seed.
std::pair<PeerConfig, PeerConfig> speakers(std::uint64_t seed) {
  PeerConfig first = speaker(65001, 65002, seed % 2 == 0 ? 10 : 20);
  PeerConfig second = speaker(65002, 65001, seed % 3 == 0 ? 20 : 15);
  second.passive = seed % 5 == 0;
  first.hold_time = seconds(seed % 7 == 0 ? 9 : 90);
  if (seed % 4 == 0) first.graceful_restart = second.graceful_restart = RestartConfig{};
  return {first, second};
}

void disturb(Network& network) {
  network.faults = {.refused = 0.2, .unanswered = 0.2, .broken = 0.02};
  const TimePoint end = network.now() + seconds(300);
  while (network.now() < end) {
    network.run_until(network.now() + network.up_to(seconds(40)));
    if (network.link_count() > 0 && network.chance(0.3))
      network.break_link(network.link_count() - 1);
    const std::size_t index = network.chance(0.5) ? 1 : 0;
    if (!network.chance(0.3)) continue;
    const bool quietly = network.chance(0.5);
    network.at(index, [quietly](Session& session, TimePoint now, Actions& out) {
      quietly ? session.abandon(now, out) : session.stop(now, out);
    });
    network.run_until(network.now() + network.up_to(seconds(5)));
    network.at(index,
               [](Session& session, TimePoint now, Actions& out) { session.start(now, out); });
  }
  network.faults = {};
}

bool settles(Network& network, seconds within) {
  const TimePoint end = network.now() + within;
  while (network.now() < end && !network.is_settled()) network.step();
  return network.is_settled();
}

TEST(SessionNetwork, TwoSpeakersThatDialAtOnceEndWithOneSession) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = speakers(seed);
    Network network(first, second, seed);
    network.start();
    ASSERT_TRUE(settles(network, seconds(60))) << "seed " << seed;
    ASSERT_LE(network.side(0).ups, 2) << "seed " << seed;
    network.run_until(network.now() + seconds(200));
    ASSERT_TRUE(network.is_settled()) << "and it lasts, seed " << seed;
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(SessionNetwork, WhateverHappenedThereIsOneSessionInTheEnd) {
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto [first, second] = speakers(seed);
    Network network(first, second, seed);
    network.start();
    disturb(network);
    ASSERT_TRUE(settles(network, seconds(700))) << "seed " << seed;
    network.run_until(network.now() + seconds(300));
    ASSERT_TRUE(network.is_settled()) << "and it lasts, seed " << seed;
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace fairlead::bgp
