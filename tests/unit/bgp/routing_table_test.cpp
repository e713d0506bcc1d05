// The table as its callers see it: what updates and ends of sessions come to.
#include <gtest/gtest.h>

#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

const Prefix kPods = prefix("10.1.0.0/24");
const Prefix kOtherPods = prefix("10.2.0.0/24");

TEST(RoutingTable, EqualPathsAreUsedTogetherAndTheRestWaitsForThem) {
  World world;
  const PeerId left = world.external(65001, 2);
  const PeerId right = world.external(65002, 3);
  const PeerId far = world.external(65003, 4);
  world.table.receive(left, announce(via("10.0.0.2", {65001}), {kPods}));
  world.table.receive(right, announce(via("10.0.0.3", {65002}), {kPods}));
  world.table.receive(far, announce(via("10.0.0.4", {65003, 65009}), {kPods}));
  EXPECT_EQ(world.flush().routes, std::vector{kPods});
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2 10.0.0.3");
  EXPECT_EQ(world.table.find(kPods)->peer, left);
  world.table.receive(left, withdraw({kPods}));
  EXPECT_EQ(world.flush().routes, std::vector{kPods});
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.3");
  world.table.session_down(right);
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.4");
  world.table.remove_peer(far);
  EXPECT_EQ(world.flush().routes, std::vector{kPods});
  EXPECT_EQ(world.ways("10.1.0.0/24"), "none");
  EXPECT_TRUE(world.table.destinations().empty());
  EXPECT_EQ(world.table.attribute_sets(), 0U) << "nobody holds them";
}

TEST(RoutingTable, NoMoreNextHopsAreUsedThanMayBe) {
  World world;
  for (std::uint8_t host = 9; host > 1; --host) {
    const PeerId peer = world.external(65000U + host, host);
    world.table.receive(peer,
                        announce(via("10.0.0." + std::to_string(host), {65000U + host}), {kPods}));
  }
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5");
}

TEST(RoutingTable, TheSameNextHopFromTwoPeersIsOneWay) {
  World world;
  const PeerId first = world.internal(2);
  const PeerId second = world.internal(3);
  for (const PeerId peer : {first, second})
    world.table.receive(peer, announce(via("10.0.0.9", {}), {kPods}));
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.9");
  world.table.receive(second, withdraw({kPods}));
  EXPECT_TRUE(world.flush().routes.empty()) << "the kernel's route is the same";
}

TEST(RoutingTable, LinkLocalNextHopsAreKeptWithTheirLinks) {
  World world;
  const Prefix pods = prefix("fd01::/64");
  const PeerId left = world.external(65001, 2);
  const PeerId right = world.external(65002, 3);
  world.table.receive(left, announce(via("fe80::1", {65001}), {pods}));
  world.table.receive(right, announce(via("fe80::1", {65002}), {pods}));
  world.flush();
  const auto& ways = world.table.find(pods)->next_hops->ways;
  ASSERT_EQ(ways.size(), 2U);
  EXPECT_EQ(ways[0].link, left);
  EXPECT_EQ(ways[1].link, right);
}

TEST(RoutingTable, ANextHopThatCannotBeReachedIsNotUsed) {
  World world;
  const PeerId left = world.external(65001, 2);
  const PeerId right = world.external(65002, 3);
  world.table.receive(left, announce(via("10.0.0.2", {65001}), {kPods}));
  world.table.receive(right, announce(via("10.0.0.3", {65002, 65009}), {kPods}));
  world.table.set_reachable(ip("10.0.0.2"), false);
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.3");
  world.table.set_reachable(ip("10.0.0.2"), true);
  EXPECT_EQ(world.flush().routes, std::vector{kPods});
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2");
}

TEST(RoutingTable, ARefusedRouteReplacesWhatThePeerSaidBefore) {
  World world;
  const PeerId peer = world.external(65001, 2);
  world.table.receive(peer, announce(via("10.0.0.2", {65001}), {kPods, kOtherPods}));
  world.flush();
  const auto received =
      world.table.receive(peer, announce(via("10.0.0.2", {65001, 65000}), {kPods}));
  EXPECT_EQ(received.refused[static_cast<std::size_t>(Refusal::kOwnAs)], 1U);
  EXPECT_EQ(world.flush().routes, std::vector{kPods});
  EXPECT_EQ(world.ways("10.1.0.0/24"), "none");
  EXPECT_EQ(world.ways("10.2.0.0/24"), "10.0.0.2");
}

TEST(RoutingTable, MorePrefixesThanAllowedAreReportedAndNotKept) {
  World world;
  auto few = rules(65001, 2);
  few.max_prefixes = 2;
  const PeerId peer = world.add(few, 2);
  const auto send = [&](const std::vector<Prefix>& prefixes) {
    return world.table.receive(peer, announce(via("10.0.0.2", {65001}), prefixes)).over_limit;
  };
  EXPECT_EQ(send({kPods, kOtherPods}), std::nullopt);
  EXPECT_EQ(send({kPods, kOtherPods}), std::nullopt) << "the same ones";
  EXPECT_EQ(send({prefix("10.3.0.0/24"), prefix("10.4.0.0/24")}), Family::kIpv4);
  EXPECT_EQ(world.table.paths_of(peer, Family::kIpv4), 3U) << "one was enough to know";
  world.table.session_down(peer);
  EXPECT_EQ(world.table.paths_of(peer, Family::kIpv4), 0U);
}

TEST(RoutingTable, StaleRoutesServeUntilTheyAreSaidAgainOrTheirTimeIsOver) {
  World world;
  const PeerRules peer_rules = rules(65001, 2);
  const PeerId peer = world.add(peer_rules, 2);
  const PeerId idle = world.external(65002, 3);
  world.table.receive(peer, announce(via("10.0.0.2", {65001}), {kPods, kOtherPods}));
  world.flush();
  world.table.session_down(peer, {.ipv4 = true, .ipv6 = false});
  EXPECT_TRUE(world.flush().routes.empty());
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2");
  world.table.session_up(peer, session(peer_rules, 2));
  world.table.receive(peer, announce(via("10.0.0.2", {65001}), {kPods}));
  EXPECT_TRUE(world.flush().routes.empty());
  world.table.remove_stale(idle, {.ipv4 = true, .ipv6 = true});
  world.table.remove_stale(peer, {.ipv4 = false, .ipv6 = true});
  EXPECT_TRUE(world.flush().routes.empty());
  world.table.remove_stale(peer, {.ipv4 = true, .ipv6 = true});
  EXPECT_EQ(world.flush().routes, std::vector{kOtherPods});
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2");
}

TEST(RoutingTable, WhatIsStaleWhenTheSessionEndsAgainGoes) {
  World world;
  const PeerRules peer_rules = rules(65001, 2);
  const PeerId peer = world.add(peer_rules, 2);
  world.table.receive(peer, announce(via("10.0.0.2", {65001}), {kPods, kOtherPods}));
  const FamilySet both{.ipv4 = true, .ipv6 = true};
  world.table.session_down(peer, both);
  world.table.session_up(peer, session(peer_rules, 2));
  world.table.receive(peer, announce(via("10.0.0.2", {65001}), {kPods}));
  world.table.session_down(peer, both);
  world.flush();
  EXPECT_EQ(world.ways("10.1.0.0/24"), "10.0.0.2");
  EXPECT_EQ(world.ways("10.2.0.0/24"), "none");
}

TEST(RoutingTable, OwnRoutesAreToldWhileItIsDeferred) {
  World world;
  world.table.defer();
  auto router_rules = rules(65001, 2);
  router_rules.own_routes = {{.tag = {7}}};
  auto mesh_rules = internal_rules(3);
  mesh_rules.own_routes = {{.tag = {7}}};
  const PeerId router = world.add(router_rules, 2);
  const PeerId mesh = world.add(mesh_rules, 3);
  world.table.originate(kOtherPods, {7});
  world.table.receive(router, announce(via("10.0.0.2", {65001}), {kPods}));
  const auto before = world.flush();
  ASSERT_NE(of(before, router), nullptr);
  EXPECT_EQ(of(before, router)->announced.size(), 1U);
  EXPECT_TRUE(of(before, router)->complete) << "nobody's routes pass to it";
  ASSERT_NE(of(before, mesh), nullptr);
  EXPECT_EQ(of(before, mesh)->announced.size(), 1U);
  EXPECT_FALSE(of(before, mesh)->complete) << "it will hear of the router's";
  EXPECT_EQ(before.routes, std::vector{kOtherPods});
  world.table.release();
  const auto after = world.flush();
  EXPECT_EQ(after.routes, std::vector{kPods});
  EXPECT_EQ(of(after, router), nullptr) << "it has heard all";
  ASSERT_NE(of(after, mesh), nullptr);
  EXPECT_TRUE(of(after, mesh)->complete);
}

TEST(RoutingTable, OwnRoutesThatGoWhileItIsDeferredAreWithdrawn) {
  World world;
  world.table.defer();
  auto router_rules = rules(65001, 2);
  router_rules.own_routes = {{.tag = {7}}};
  const PeerId router = world.add(router_rules, 2);
  world.table.originate(kPods, {7});
  world.flush();
  world.table.withdraw(kPods, {7});
  const auto changes = world.flush();
  ASSERT_NE(of(changes, router), nullptr);
  EXPECT_EQ(of(changes, router)->withdrawn.ipv4, std::vector{kPods});
  EXPECT_TRUE(world.table.destinations().empty());
}

TEST(RoutingTable, NothingLearnedIsChosenOrToldWhileItIsDeferred) {
  World world;
  world.table.defer();
  const PeerId peer = world.internal(2);
  world.external(65001, 3);  // whose routes would pass to it
  world.table.receive(peer, announce(via("10.0.0.2", {}), {kPods}));
  const auto before = world.flush();
  EXPECT_TRUE(before.routes.empty());
  EXPECT_EQ(of(before, peer), nullptr) << "End-of-RIB neither";
  world.table.release();
  const auto after = world.flush();
  EXPECT_EQ(after.routes, std::vector{kPods});
  ASSERT_NE(of(after, peer), nullptr);
  EXPECT_TRUE(of(after, peer)->complete);
}

}  // namespace
}  // namespace fairlead::bgp
