// Clusters as values -> who may answer for which address, and who first.
#include "dataplane/layer2/election.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace fairlead::layer2 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Ip ip(std::string_view text) { return parse_ip(text).value(); }

std::vector<std::string> node_names(int count) {
  std::vector<std::string> names;
  for (int i = 1; i <= count; ++i) names.push_back("node" + std::to_string(i));
  return names;
}

std::vector<Ip> addresses(int count) {
  std::vector<Ip> all;
  for (int i = 0; i < count; ++i)
    all.push_back(ip_from_v4(
        {192, 0, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256)}));
  return all;
}

struct World {
  Snapshot cluster;
  std::map<std::string, AddressPool> pools;

  World() {
    add_pool("flat", "192.0.2.0/24", Announce::kLayer2);
    for (const std::string& name : node_names(3)) cluster.nodes[name].name = name;
  }
  void add_pool(const std::string& name, std::string_view range, Announce announce) {
    AddressPool& pool = pools[name];
    pool.name = name;
    pool.ranges.push_back(parse_ip_range(range).value());
    pool.announce = announce;
  }
  Service& add_service(const std::string& name, std::string_view address,
                       TrafficPolicy policy = TrafficPolicy::kCluster) {
    Service& service = cluster.services[{"default", name}];
    service.name = {"default", name};
    service.type = ServiceType::kLoadBalancer;
    service.load_balancer_ips.push_back(ip(address));
    service.external_traffic_policy = policy;
    return service;
  }
  Endpoint& add_endpoint(const std::string& service, const std::string& node,
                         Family family = Family::kIpv4) {
    const std::string name = service + (family == Family::kIpv4 ? "-4" : "-6");
    EndpointSlice& slice = cluster.slices[{"default", service}][name];
    slice.family = family;
    Endpoint& endpoint = slice.endpoints.emplace_back();
    endpoint.node = Shared<std::string>(node);
    return endpoint;
  }
  [[nodiscard]] Ranking ranking_of(std::string_view address) const {
    const auto all = rank_addresses(cluster, pools);
    const auto found = all.find(ip(address));
    return found == all.end() ? Ranking() : found->second;
  }
};

TEST(Rank, DoesNotDependOnTheOrderOfNodes) {
  std::vector<std::string> names = node_names(9), reversed = names;
  std::ranges::reverse(reversed);
  EXPECT_EQ(rank(ip("192.0.2.7"), names), rank(ip("192.0.2.7"), reversed));
  EXPECT_THAT(rank(ip("192.0.2.7"), names), testing::UnorderedElementsAreArray(names));
}

/// Another version that ranked otherwise would have two holders during an upgrade.
TEST(Rank, IsTheSameInEveryVersion) {
  EXPECT_THAT(rank(ip("192.0.2.1"), node_names(3)), ElementsAre("node1", "node2", "node3"));
  EXPECT_THAT(rank(ip("192.0.2.2"), node_names(3)), ElementsAre("node2", "node3", "node1"));
  EXPECT_THAT(rank(ip("2001:db8::1"), node_names(3)), ElementsAre("node1", "node2", "node3"));
}

TEST(Rank, SpreadsAddressesOverNodes) {
  std::map<std::string, int> count;
  for (const Ip& address : addresses(3000)) ++count[rank(address, node_names(10)).front()];
  for (const auto& [name, held] : count) {
    EXPECT_GT(held, 230) << name;
    EXPECT_LT(held, 370) << name;
  }
}

TEST(Rank, MovesOnlyTheAddressesOfANodeThatLeaves) {
  for (const Ip& address : addresses(500)) {
    const Ranking before = rank(address, node_names(5));
    const Ranking after = rank(address, node_names(4));  // without node5
    Ranking expected = before;
    std::erase(expected, "node5");
    EXPECT_EQ(after, expected) << to_string(address);
  }
}

TEST(RankAddresses, OnlyThoseOfLayer2Pools) {
  World world;
  world.add_pool("routed", "198.51.100.0/24", Announce::kBgp);
  world.add_pool("other", "203.0.113.0/24", Announce::kNone);
  world.add_service("a", "192.0.2.1");
  world.add_service("b", "198.51.100.1");
  world.add_service("c", "203.0.113.1");
  world.add_service("d", "10.1.1.1");  // of no pool
  const auto all = rank_addresses(world.cluster, world.pools);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all.begin()->second, UnorderedElementsAre("node1", "node2", "node3"));
}

TEST(RankAddresses, NotOfOtherTypesOrOtherProxies) {
  World world;
  world.add_service("a", "192.0.2.1").type = ServiceType::kClusterIp;
  world.add_service("b", "192.0.2.2").handled_elsewhere = true;
  EXPECT_THAT(rank_addresses(world.cluster, world.pools), IsEmpty());
}

TEST(RankAddresses, ExcludedNodesMayNotAnswer) {
  World world;
  world.add_service("a", "192.0.2.1");
  world.cluster.nodes["node1"].labels["node.kubernetes.io/exclude-from-external-load-balancers"] =
      "";
  world.cluster.nodes["node2"].being_deleted = true;
  EXPECT_THAT(world.ranking_of("192.0.2.1"), ElementsAre("node3"));
}

TEST(RankAddresses, NodesThatAreNotReadyComeLast) {
  World world;
  world.add_service("a", "192.0.2.1");
  const std::string first = world.ranking_of("192.0.2.1").front();
  world.cluster.nodes[first].taint_keys = {"node.kubernetes.io/unreachable"};
  const Ranking after = world.ranking_of("192.0.2.1");
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(after.back(), first);
}

TEST(RankAddresses, WithoutAnyReadyNodeTheOthersStillAnswer) {
  World world;
  world.add_service("a", "192.0.2.1");
  const Ranking before = world.ranking_of("192.0.2.1");
  for (auto& [name, node] : world.cluster.nodes) node.taint_keys = {"node.kubernetes.io/not-ready"};
  EXPECT_EQ(world.ranking_of("192.0.2.1"), before);
}

TEST(RankAddresses, WithPolicyLocalOnlyNodesWithAReadyEndpointOfTheFamily) {
  World world;
  world.add_pool("six", "2001:db8::/64", Announce::kLayer2);
  Service& service = world.add_service("a", "192.0.2.1", TrafficPolicy::kLocal);
  service.load_balancer_ips.push_back(ip("2001:db8::1"));
  world.add_endpoint("a", "node1");
  world.add_endpoint("a", "node2").ready = false;
  world.add_endpoint("a", "node3", Family::kIpv6);
  EXPECT_THAT(world.ranking_of("192.0.2.1"), ElementsAre("node1"));
  EXPECT_THAT(world.ranking_of("2001:db8::1"), ElementsAre("node3"));
}

TEST(RankAddresses, WithPolicyLocalTerminatingEndpointsCountIfThereAreNoOthers) {
  World world;
  world.add_service("a", "192.0.2.1", TrafficPolicy::kLocal);
  Endpoint& leaving = world.add_endpoint("a", "node1");
  leaving.ready = false;
  leaving.terminating = true;
  EXPECT_THAT(world.ranking_of("192.0.2.1"), ElementsAre("node1"));
  world.add_endpoint("a", "node2");
  EXPECT_THAT(world.ranking_of("192.0.2.1"), ElementsAre("node2"));
}

TEST(RankAddresses, WithPolicyLocalAndNoEndpointNobodyAnswers) {
  World world;
  world.add_service("a", "192.0.2.1", TrafficPolicy::kLocal);
  EXPECT_THAT(rank_addresses(world.cluster, world.pools), IsEmpty());
}

TEST(RankAddresses, OfServicesThatShareAnAddressTheNodeHasEndpointsOfEachLocalOne) {
  World world;
  world.add_service("a", "192.0.2.1", TrafficPolicy::kLocal);
  world.add_service("b", "192.0.2.1", TrafficPolicy::kLocal);
  world.add_service("c", "192.0.2.1");
  for (const char* node : {"node1", "node2"}) world.add_endpoint("a", node);
  for (const char* node : {"node2", "node3"}) world.add_endpoint("b", node);
  EXPECT_THAT(world.ranking_of("192.0.2.1"), ElementsAre("node2"));
}

}  // namespace
}  // namespace fairlead::layer2
