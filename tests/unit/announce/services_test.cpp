// Addresses of Services: which are announced, when, by whom, and as what.
#include <algorithm>

#include "dataplane/announce/service_routes.hpp"
#include "tests/unit/announce/world.hpp"

namespace fairlead::announce {
namespace {

/// Peer "tor" hears of everything; the Service "web" has an address of each kind.
World world_with_web(std::string_view endpoints, TrafficPolicy policy) {
  World world;
  world.options.full_mesh = false;
  world.add_peer("tor", 1);
  world.add_pool("public", "192.0.2.0/24");
  BgpAdvertisement& all = world.add_advertisement("all");
  all.cluster_ips = all.external_ips = all.load_balancer_ips = true;
  Service& web = world.add_service("web", 10, endpoints);
  web.type = ServiceType::kLoadBalancer;
  web.external_ips = {ip("198.51.100.1")};
  web.load_balancer_ips = {ip("192.0.2.1")};
  web.external_traffic_policy = web.internal_traffic_policy = policy;
  return world;
}

const Words kAll{"10.96.0.10/32", "192.0.2.1/32", "198.51.100.1/32"};

TEST(Services, AreAnnouncedWhereTheyAreServedByReadyEndpoints) {
  struct Case {
    std::string_view endpoints;
    bool cluster, local;  // announced with this policy
  };
  for (const auto& [endpoints, cluster, local] : {
           Case{"", false, false},
           Case{"n1", true, true},
           Case{"n2", true, false},
           Case{"n1:notready", false, false},
           Case{"n1:notready n2", true, false},
           Case{"n1:terminating", false, false},
           Case{"n1:terminating n2", true, false},
           Case{"n2:terminating n3:notready", false, false},
           Case{"n1 n1:terminating", true, true},
       }) {
    EXPECT_EQ(world_with_web(endpoints, TrafficPolicy::kCluster).told("tor"),
              cluster ? kAll : Words{})
        << endpoints;
    EXPECT_EQ(world_with_web(endpoints, TrafficPolicy::kLocal).told("tor"), local ? kAll : Words{})
        << endpoints;
  }
}

TEST(Services, EachPolicyHoldsForItsOwnAddresses) {
  World world = world_with_web("n2", TrafficPolicy::kCluster);
  Service& web = world.cluster.services.at({"shop", "web"});
  web.external_traffic_policy = TrafficPolicy::kLocal;
  EXPECT_EQ(world.told("tor"), Words{"10.96.0.10/32"});
  web.external_traffic_policy = TrafficPolicy::kCluster;
  web.internal_traffic_policy = TrafficPolicy::kLocal;
  EXPECT_EQ(world.told("tor"), (Words{"192.0.2.1/32", "198.51.100.1/32"}));
}

TEST(Services, OnlyTheKindsThatAnAdvertisementNames) {
  const auto told = [](bool BgpAdvertisement::*kind) {
    World world = world_with_web("n1", TrafficPolicy::kCluster);
    BgpAdvertisement& all = world.objects.advertisements.at("all");
    all.cluster_ips = all.external_ips = all.load_balancer_ips = false;
    all.*kind = true;
    return world.told("tor");
  };
  EXPECT_EQ(told(&BgpAdvertisement::cluster_ips), Words{"10.96.0.10/32"});
  EXPECT_EQ(told(&BgpAdvertisement::external_ips), Words{"198.51.100.1/32"});
  EXPECT_EQ(told(&BgpAdvertisement::load_balancer_ips), Words{"192.0.2.1/32"});
  EXPECT_EQ(told(&BgpAdvertisement::pod_cidrs), (Words{"10.1.1.0/24", "fd00:1:1::/64"}));
}

TEST(Services, AnAddressOfTwoKindsIsOfBoth) {
  World world = world_with_web("n1", TrafficPolicy::kCluster);
  BgpAdvertisement& all = world.objects.advertisements.at("all");
  all.cluster_ips = all.load_balancer_ips = false;
  world.cluster.services.at({"shop", "web"}).external_ips = {ip("192.0.2.1")};
  EXPECT_EQ(world.told("tor"), Words{"192.0.2.1/32"});
}

TEST(Services, LoadBalancersAddressesMustBeOfAPoolThatBgpAnnounces) {
  World world = world_with_web("n1", TrafficPolicy::kCluster);
  AddressPool& pool = world.objects.pools.at("public");
  for (const Announce other : {Announce::kLayer2, Announce::kNone}) {
    pool.announce = other;
    EXPECT_EQ(world.told("tor"), (Words{"10.96.0.10/32", "198.51.100.1/32"}));
  }
  pool.announce = Announce::kBgp;
  pool.ranges = {range("192.0.2.128/25")};
  EXPECT_EQ(world.told("tor"), (Words{"10.96.0.10/32", "198.51.100.1/32"}));
}

TEST(Services, AnAdvertisementOfPoolsMeansTheirAddressesAndClusterIps) {
  World world = world_with_web("n1", TrafficPolicy::kCluster);
  world.add_pool("other", "203.0.113.0/24");
  world.objects.advertisements.at("all").pools = {"other"};
  EXPECT_EQ(world.told("tor"), Words{"10.96.0.10/32"});
  world.cluster.services.at({"shop", "web"}).external_ips = {ip("203.0.113.9")};
  EXPECT_EQ(world.told("tor"), (Words{"10.96.0.10/32", "203.0.113.9/32"}));
}

TEST(Services, SelectorsOfServicesAndNodesHold) {
  World world = world_with_web("n1", TrafficPolicy::kCluster);
  BgpAdvertisement& all = world.objects.advertisements.at("all");
  all.services.requirements = {{"tier", LabelRequirement::Operator::kIn, {"front"}}};
  EXPECT_EQ(world.told("tor"), Words{});
  world.cluster.services.at({"shop", "web"}).labels = Labels{{"tier", "front"}};
  EXPECT_EQ(world.told("tor"), kAll);
  all.nodes.requirements = {{"edge", LabelRequirement::Operator::kExists, {}}};
  EXPECT_EQ(world.told("tor"), Words{});
  world.node("n1").labels["edge"] = "";
  EXPECT_EQ(world.told("tor"), kAll);
}

TEST(Services, AnExcludedNodeAnnouncesNoLoadBalancersAddress) {
  World world = world_with_web("n1", TrafficPolicy::kLocal);
  world.node("n1").labels[std::string(kExcludedLabel)] = "";
  EXPECT_EQ(world.told("tor"), (Words{"10.96.0.10/32", "198.51.100.1/32"}));
}

TEST(Services, ANodeThatIsAboutToGoKeepsThoseOfPolicyLocalToTheEnd) {
  for (const bool tainted : {true, false}) {
    World cluster = world_with_web("n1", TrafficPolicy::kCluster);
    World local = world_with_web("n1", TrafficPolicy::kLocal);
    for (World* world : {&cluster, &local}) {
      if (tainted)
        world->node("n1").taint_keys = {"ToBeDeletedByClusterAutoscaler"};
      else
        world->node("n1").being_deleted = true;
    }
    EXPECT_EQ(cluster.told("tor"), (Words{"10.96.0.10/32", "198.51.100.1/32"}));
    EXPECT_EQ(local.told("tor"), kAll);
  }
}

TEST(Services, ACordonedNodeGoesOn) {
  World world = world_with_web("n1", TrafficPolicy::kCluster);
  world.node("n1").taint_keys = {"node.kubernetes.io/unschedulable"};
  EXPECT_EQ(world.told("tor"), kAll);
}

TEST(Services, WhatAnotherServiceHasIsNotAnnouncedTwiceNorWithdrawnWithTheLoser) {
  World world = world_with_web("n1", TrafficPolicy::kCluster);
  Service& thief = world.add_service("zz-thief", 11, "");
  thief.external_ips = {ip("198.51.100.1")};
  EXPECT_EQ(world.told("tor"), kAll);
}

TEST(Services, PlansOfPodsHostPortsLieBetweenThoseOfServices) {
  const World world = world_with_web("n1", TrafficPolicy::kCluster);
  PlanOptions planning;
  planning.node = "n1";
  Plan plan = fairlead::plan(world.cluster, planning);
  const auto routes =
      announce::wanted(world.options, {world.cluster, plan}, world.objects).settings.routes;
  EXPECT_EQ(routes.size(), 3U);
  const ServicePlans web = plan.services.at({"shop", "web"});
  for (const char* ns : {"a", "shoo", "shop", "zz"})
    for (const char* name : {"a", "web!", "zz"}) plan.services[{ns, name}] = web;
  EXPECT_EQ(announce::wanted(world.options, {world.cluster, plan}, world.objects).settings.routes,
            routes);
}

TEST(Services, AggregatesStayWithinTheRangeAndArePolicyClustersOnly) {
  World world = world_with_web("n1", TrafficPolicy::kCluster);
  BgpAdvertisement& all = world.objects.advertisements.at("all");
  all.aggregation_length_v4 = 8;
  EXPECT_EQ(world.told("tor"), (Words{"10.96.0.0/16", "192.0.2.0/24", "198.51.100.1/32"}));
  EXPECT_EQ(world.wanted().aggregates,
            (std::vector<Cidr>{cidr("10.96.0.0/16"), cidr("192.0.2.0/24")}));
  all.aggregation_length_v4 = 28;
  EXPECT_EQ(world.told("tor"), (Words{"10.96.0.0/28", "192.0.2.0/28", "198.51.100.1/32"}));
  Service& web = world.cluster.services.at({"shop", "web"});
  web.external_traffic_policy = web.internal_traffic_policy = TrafficPolicy::kLocal;
  EXPECT_EQ(world.told("tor"), kAll);
  EXPECT_EQ(world.wanted().aggregates, std::vector<Cidr>{});
}

TEST(Aggregate, IsTheWidestThatTheRangeHolds) {
  struct Case {
    std::string_view range, ip;
    int length;
    std::string_view aggregate;
  };
  for (const auto& [within, address, length, aggregate] : {
           Case{"192.0.2.0/24", "192.0.2.77", 24, "192.0.2.0/24"},
           Case{"192.0.2.0/24", "192.0.2.77", 26, "192.0.2.64/26"},
           Case{"192.0.2.0/24", "192.0.2.77", 0, "192.0.2.0/24"},
           Case{"192.0.2.0/24", "192.0.2.77", 32, "192.0.2.77/32"},
           Case{"192.0.2.10-192.0.2.20", "192.0.2.10", 24, "192.0.2.10/31"},
           Case{"192.0.2.10-192.0.2.20", "192.0.2.17", 24, "192.0.2.16/30"},
           Case{"192.0.2.10-192.0.2.20", "192.0.2.20", 24, "192.0.2.20/32"},
           Case{"0.0.0.0/0", "1.2.3.4", 0, "0.0.0.0/0"},
           Case{"2001:db8::/112", "2001:db8::1234", 64, "2001:db8::/112"},
           Case{"2001:db8::/112", "2001:db8::1234", 120, "2001:db8::1200/120"},
           Case{"2001:db8::1-2001:db8::ff", "2001:db8::80", 64, "2001:db8::80/121"},
       })
    EXPECT_EQ(aggregate_within(range(within), ip(address), static_cast<std::uint8_t>(length)),
              cidr(aggregate))
        << within << ' ' << address << ' ' << length;
}

}  // namespace
}  // namespace fairlead::announce
