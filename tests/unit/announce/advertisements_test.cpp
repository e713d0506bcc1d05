// What is said of routes, to whom, and what does not change when something else does.
#include <algorithm>

#include "tests/unit/announce/world.hpp"

namespace fairlead::announce {
namespace {

World world_with_peers() {
  World world;
  world.options.full_mesh = false;
  world.add_peer("a", 1);
  world.add_peer("b", 2);
  return world;
}

TEST(Advertisements, AreHeardByThePeersThatTheyName) {
  World world = world_with_peers();
  EXPECT_EQ(world.told("a"), Words{}) << "nothing is announced unless somebody says so";
  BgpAdvertisement& pods = world.add_advertisement("pods");
  pods.pod_cidrs = true;
  const Words ranges{"10.1.1.0/24", "fd00:1:1::/64"};
  EXPECT_EQ(world.told("a"), ranges);
  EXPECT_EQ(world.told("b"), ranges);
  pods.peers = {"b"};
  EXPECT_EQ(world.told("a"), Words{});
  EXPECT_EQ(world.told("b"), ranges);
}

TEST(Advertisements, AreNoneOfTheMeshs) {
  World world;
  world.add_pool("public", "192.0.2.0/24");
  BgpAdvertisement& all = world.add_advertisement("all");
  all.pod_cidrs = all.cluster_ips = all.load_balancer_ips = true;
  world.add_service("web", 10, "n1").load_balancer_ips = {ip("192.0.2.1")};
  EXPECT_EQ(world.told("node/n2/ipv4"), (Words{"10.1.1.0/24", "fd00:1:1::/64"}));
  EXPECT_EQ(world.wanted().settings.routes.size(), 2U) << "what nobody hears is not computed";
}

TEST(Advertisements, SayOfRoutesWhatTheyAreToldTo) {
  World world = world_with_peers();
  BgpAdvertisement& pods = world.add_advertisement("pods");
  pods.pod_cidrs = true;
  pods.med = 10;
  pods.local_preference = 200;
  pods.as_path_prepend = 2;
  ASSERT_TRUE(pods.communities.add("65000:7"));
  ASSERT_TRUE(pods.communities.add("65000:1:2"));
  const auto rules = world.peer("a").rules.own_routes;
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].communities, (std::vector<bgp::Community>{{65000U << 16 | 7U}}));
  EXPECT_EQ(rules[0].large_communities, (std::vector<bgp::LargeCommunity>{{65000, 1, 2}}));
  EXPECT_EQ(rules[0].med, 10U);
  EXPECT_EQ(rules[0].local_preference, 200U);
  EXPECT_EQ(rules[0].prepend, 2);
}

TEST(Advertisements, PoolsHaveTheirOwnAttributes) {
  World world = world_with_peers();
  world.add_pool("gold", "192.0.2.0/25");
  world.add_pool("tin", "192.0.2.128/25");
  for (const char* pool : {"gold", "tin"}) {
    BgpAdvertisement& of = world.add_advertisement(pool);
    of.load_balancer_ips = true;
    of.pools = {pool};
  }
  world.objects.advertisements["gold"].med = 1;
  world.objects.advertisements["tin"].med = 9;
  world.add_service("web", 10, "n1").load_balancer_ips = {ip("192.0.2.1"), ip("192.0.2.200")};
  const auto settings = world.wanted().settings;
  ASSERT_EQ(settings.routes.size(), 2U);
  for (const auto& [prefix, tag] : settings.routes) {
    const auto& rules = settings.peers[0].rules.own_routes;
    const auto rule = std::ranges::find(rules, tag, &bgp::OwnRouteRule::tag);
    ASSERT_NE(rule, rules.end());
    EXPECT_EQ(rule->med, prefix == cidr("192.0.2.1/32") ? 1U : 9U);
  }
}

TEST(Advertisements, OfTwoForARouteTheFirstByNameSpeaks) {
  World world = world_with_peers();
  for (const char* name : {"b", "a", "c"}) world.add_advertisement(name).pod_cidrs = true;
  world.objects.advertisements["a"].med = 1;
  world.objects.advertisements["b"].med = 2;
  const auto rules = world.peer("a").rules.own_routes;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].med, 1U);
  EXPECT_EQ(rules[1].med, 2U);
}

TEST(Advertisements, WhatTheyNameMustExist) {
  World world = world_with_peers();
  world.add_pool("flat", "192.0.2.0/24").announce = Announce::kLayer2;
  BgpAdvertisement& pods = world.add_advertisement("pods");
  pods.pod_cidrs = true;
  pods.peers = {"a", "nobody"};
  pods.pools = {"flat", "none"};
  EXPECT_EQ(world.problems(),
            (Words{"BGPAdvertisement pods: spec.peers[1]: there is no BGPPeer nobody",
                   "BGPAdvertisement pods: spec.pools[0]: AddressPool flat is not announced by "
                   "BGP: its announce is another",
                   "BGPAdvertisement pods: spec.pools[1]: there is no AddressPool none"}));
  EXPECT_EQ(world.told("a").size(), 2U) << "and the rest of it holds";
}

TEST(Settings, AnotherAdvertisementLeavesEverythingElseAsItWas) {
  World world = world_with_peers();
  world.add_advertisement("m").pod_cidrs = true;
  const auto before = world.wanted().settings;
  BgpAdvertisement& other = world.add_advertisement("a");
  other.pod_cidrs = true;
  other.peers = {"b"};
  const auto after = world.wanted().settings;
  EXPECT_EQ(before.peers[0], after.peers[0]);
  EXPECT_TRUE(std::ranges::includes(after.routes, before.routes));
}

TEST(Settings, AreInOrderAndTheSameForTheSameInput) {
  World world;
  world.add_peer("a", 1);
  BgpAdvertisement& all = world.add_advertisement("all");
  all.pod_cidrs = all.cluster_ips = true;
  world.add_advertisement("again").cluster_ips = true;
  for (int i = 1; i < 40; ++i) world.add_service("s" + std::to_string(i), i, "n2");
  const auto settings = world.wanted().settings;
  EXPECT_EQ(settings, world.wanted().settings);
  EXPECT_TRUE(std::ranges::is_sorted(settings.routes));
  EXPECT_EQ(std::ranges::adjacent_find(settings.routes), settings.routes.end());
  EXPECT_TRUE(std::ranges::is_sorted(settings.peers, {}, &bgp::control::PeerSettings::name));
}

}  // namespace
}  // namespace fairlead::announce
