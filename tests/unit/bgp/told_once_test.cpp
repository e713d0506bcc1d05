// What the table tells its peers: by their rules, and once.
#include <gtest/gtest.h>

#include "dataplane/bgp/encode.hpp"
#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

const Prefix kPods = prefix("10.1.0.0/24");
const Prefix kOtherPods = prefix("10.2.0.0/24");
constexpr RouteTag kPodTag{1}, kServiceTag{2};

PeerRules told_pods(std::uint8_t host) {
  PeerRules told = internal_rules(host);
  told.own_routes = {{.tag = kPodTag}};
  return told;
}

TEST(Telling, OwnRoutesAreToldToWhoHasARuleForTheirTag) {
  World world;
  const PeerId pods = world.add(told_pods(2), 2);
  const PeerId none = world.internal(3);
  world.table.originate(kPods, kPodTag);
  world.table.originate(kOtherPods, kServiceTag);
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "own");
  EXPECT_EQ(world.heard[pods.number].size(), 1U);
  EXPECT_TRUE(world.heard[pods.number].contains(kPods));
  EXPECT_TRUE(world.heard[none.number].empty());
  world.table.originate(kOtherPods, kPodTag);
  const auto changes = world.flush();
  EXPECT_TRUE(changes.routes.empty()) << "it is our own as before";
  EXPECT_TRUE(world.heard[pods.number].contains(kOtherPods));
  world.table.withdraw(kOtherPods, kPodTag);
  world.table.withdraw(kPods, kPodTag);
  world.flush();
  EXPECT_TRUE(world.heard[pods.number].empty());
  EXPECT_EQ(world.ways("10.2.0.0/24"), "own") << "by its other tag";
  EXPECT_EQ(world.ways("10.1.0.0/24"), "none");
}

TEST(Telling, OwnRoutesComeBeforeWhatPeersSay) {
  World world;
  const PeerId peer = world.internal(2);
  world.table.receive(peer, announce(via("10.0.0.2", {}), {kPods}));
  world.flush();
  world.table.originate(kPods, kPodTag);
  EXPECT_EQ(world.flush().routes, std::vector{kPods});
  EXPECT_EQ(world.ways("10.1.0.0/24"), "own");
  world.table.withdraw(kPods, kPodTag);
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2");
}

TEST(Telling, NothingIsToldTwice) {
  World world;
  const PeerId peer = world.add(told_pods(2), 2);
  world.table.originate(kPods, kPodTag);
  EXPECT_EQ(of(world.flush(), peer)->announced.size(), 1U);
  EXPECT_TRUE(world.flush().peers.empty());
  world.table.originate(kPods, kPodTag);
  EXPECT_TRUE(world.flush().peers.empty()) << "the same again";
  world.table.withdraw(kPods, kPodTag);
  world.table.originate(kPods, kPodTag);
  EXPECT_TRUE(world.flush().peers.empty()) << "gone and back between two flushes";
}

TEST(Telling, WhoAsksHearsEverythingOfAFamilyAgain) {
  World world;
  const PeerId peer = world.add(told_pods(2), 2);
  world.table.originate(kPods, kPodTag);
  world.table.originate(prefix("fd01::/64"), kPodTag);
  EXPECT_TRUE(of(world.flush(), peer)->complete);
  world.table.refresh(peer, Family::kIpv6);
  const auto changes = world.flush();
  const auto* again = of(changes, peer);
  ASSERT_NE(again, nullptr);
  ASSERT_EQ(again->announced.size(), 1U);
  EXPECT_EQ(again->announced[0].prefixes, std::vector{prefix("fd01::/64")});
  EXPECT_FALSE(again->complete);
}

TEST(Telling, NewRulesTakeAndTellWhatTheySay) {
  World world;
  const PeerId peer = world.add(told_pods(2), 2);
  const PeerId source = world.external(65001, 3);
  world.table.originate(kPods, kPodTag);
  world.table.receive(source, announce(via("10.0.0.3", {65001}), {kOtherPods}));
  world.flush();
  auto changed = told_pods(2);
  changed.own_routes[0].med = 9;
  world.table.set_rules(peer, changed);
  world.flush();
  EXPECT_EQ(world.heard[peer.number][kPods].med, 9U);
  EXPECT_TRUE(world.heard[peer.number].contains(kOtherPods));
  auto closed = rules(65001, 3);
  closed.imports.clear();
  world.table.set_rules(source, closed);
  world.flush();
  EXPECT_EQ(world.ways("10.2.0.0/24"), "none");
  EXPECT_FALSE(world.heard[peer.number].contains(kOtherPods));
}

TEST(Telling, APeerThatBecomesAClientIsReflected) {
  World world;
  const PeerId source = world.internal(2);
  const PeerId other = world.internal(3);
  world.table.receive(source, announce(via("10.0.0.2", {}), {kPods}));
  world.flush();
  EXPECT_TRUE(world.heard[other.number].empty());
  auto client = internal_rules(2);
  client.client = true;
  world.table.set_rules(source, client);
  world.flush();
  EXPECT_EQ(world.heard[other.number][kPods].originator_id, RouterId{0x0a000002});
  EXPECT_TRUE(world.heard[source.number].empty());
}

TEST(Telling, WhatDoesNotFitIntoAMessageIsWithdrawnAndSaidToBe) {
  World world;
  const PeerId peer = world.add(told_pods(2), 2);
  PathAttributes huge;
  huge.communities.resize(1100);
  world.table.originate(kPods, kPodTag, huge);
  const auto changes = world.flush();
  Bytes out;
  Bytes expected;
  EXPECT_EQ(encode(*of(changes, peer), {.four_octet_as = true}, out).size(), 1U);
  encode_withdrawal(Family::kIpv4, std::vector{kPods}, expected);
  encode_end_of_rib(Family::kIpv4, expected);
  EXPECT_EQ(out, expected);
}

}  // namespace
}  // namespace fairlead::bgp
