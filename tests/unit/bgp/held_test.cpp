// Peers that read nothing for a while, peers that say everything again, and who was told how much.
#include <gtest/gtest.h>

#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

const Prefix kFirst = prefix("10.1.0.0/24"), kSecond = prefix("10.2.0.0/24");
constexpr RouteTag kTag{1};

PeerRules told_all(std::uint8_t host) {
  PeerRules told = internal_rules(host);
  told.own_routes = {{.tag = kTag}};
  return told;
}

TEST(Held, APeerHearsNothingAndThenWhatIsTrue) {
  World world;
  const PeerId slow = world.add(told_all(2), 2), quick = world.add(told_all(3), 3);
  world.table.originate(kFirst, kTag);
  world.flush();
  world.table.hold(slow, true);
  world.table.withdraw(kFirst, kTag);
  world.table.originate(kSecond, kTag);
  world.flush();
  EXPECT_TRUE(world.heard[slow.number].contains(kFirst));
  EXPECT_FALSE(world.heard[slow.number].contains(kSecond));
  EXPECT_EQ(world.heard[quick.number].size(), 1U) << "nobody else waits";
  world.table.hold(slow, false);
  world.flush();
  EXPECT_EQ(world.heard[slow.number], world.heard[quick.number]);
  EXPECT_EQ(world.table.destinations().size(), 1U) << "what went is forgotten";
}

TEST(Held, WhatWentAndCameBackMeanwhileIsNotTold) {
  World world;
  const PeerId slow = world.add(told_all(2), 2);
  world.table.originate(kFirst, kTag);
  world.flush();
  world.table.hold(slow, true);
  world.table.withdraw(kFirst, kTag);
  world.flush();
  world.table.originate(kFirst, kTag);
  world.flush();
  world.table.hold(slow, false);
  EXPECT_TRUE(world.flush().peers.empty());
}

TEST(Held, ASessionThatEndsHoldsNothingMore) {
  World world;
  const PeerId slow = world.add(told_all(2), 2);
  world.table.originate(kFirst, kTag);
  world.flush();
  world.table.hold(slow, true);
  world.table.withdraw(kFirst, kTag);
  world.flush();
  EXPECT_EQ(world.table.destinations().size(), 1U) << "the peer is to hear that it is gone";
  world.table.session_down(slow);
  world.flush();
  EXPECT_TRUE(world.table.destinations().empty());
  world.table.originate(kSecond, kTag);
  world.table.session_up(slow, session(told_all(2), 2));
  const auto changes = world.flush();
  ASSERT_EQ(changes.peers.size(), 1U);
  EXPECT_TRUE(changes.peers[0].complete);
}

TEST(Held, EndOfRibWaitsAsWell) {
  World world;
  const PeerId slow = world.add(told_all(2), 2);
  world.table.originate(kFirst, kTag);
  world.table.hold(slow, true);
  EXPECT_TRUE(world.flush().peers.empty());
  world.table.hold(slow, false);
  const auto changes = world.flush();
  ASSERT_EQ(changes.peers.size(), 1U);
  EXPECT_TRUE(changes.peers[0].complete);
}

TEST(Told, IsCountedByFamily) {
  World world;
  const PeerId peer = world.add(told_all(2), 2);
  world.table.originate(kFirst, kTag);
  world.table.originate(kSecond, kTag);
  world.table.originate(prefix("fd00:1::/64"), kTag);
  world.flush();
  EXPECT_EQ(world.table.told_to(peer, Family::kIpv4), 2U);
  EXPECT_EQ(world.table.told_to(peer, Family::kIpv6), 1U);
  world.table.refresh(peer, Family::kIpv4);
  world.flush();
  EXPECT_EQ(world.table.told_to(peer, Family::kIpv4), 2U);
  world.table.withdraw(kFirst, kTag);
  world.flush();
  EXPECT_EQ(world.table.told_to(peer, Family::kIpv4), 1U);
  world.table.session_down(peer);
  EXPECT_EQ(world.table.told_to(peer, Family::kIpv4), 0U);
}

TEST(Stale, WhatIsNotSaidAgainBetweenBeginAndEndGoes) {
  World world;
  const PeerId peer = world.internal(2);
  const Prefix other_family = prefix("fd00:1::/64");
  world.table.receive(peer, announce(via("10.0.0.2", {}), {kFirst, kSecond}));
  world.table.receive(peer, announce(via("fd00::2", {}), {other_family}));
  world.table.mark_stale(peer, Family::kIpv4);
  world.table.receive(peer, announce(via("10.0.0.2", {}), {kSecond}));
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2") << "until the end";
  world.table.remove_stale(peer, {.ipv4 = true, .ipv6 = true});
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "none");
  EXPECT_EQ(world.ways("10.2.0.0/24"), "10.0.0.2");
  EXPECT_EQ(world.ways("fd00:1::/64"), "fd00::2");
}

}  // namespace
}  // namespace fairlead::bgp
