// Sessions between nodes: with whom, over what, and what they tell one another.
#include <algorithm>

#include "tests/unit/announce/world.hpp"

namespace fairlead::announce {
namespace {

TEST(Mesh, EachNodeSpeaksWithEachInBothFamilies) {
  const World world;
  EXPECT_EQ(world.peers(), (Words{"node/n2/ipv4", "node/n2/ipv6", "node/n3/ipv4", "node/n3/ipv6"}));
  EXPECT_EQ(world.problems(), Words{});
  const auto peer = world.peer("node/n2/ipv6");
  EXPECT_EQ(peer.transport.address, ip("fd00:192::2"));
  EXPECT_EQ(peer.transport.local_address, ip("fd00:192::1"));
  EXPECT_EQ(peer.transport.port, Port{179});
  EXPECT_EQ(peer.session.families, (bgp::FamilySet{.ipv4 = false, .ipv6 = true}));
  EXPECT_EQ(peer.session.peer_as, bgp::AsNumber{64512});
  EXPECT_TRUE(bgp::is_internal(peer.session));
  EXPECT_TRUE(bgp::check(peer.session));
  EXPECT_TRUE(peer.session.graceful_restart);
  EXPECT_FALSE(peer.rules.client);
}

TEST(Mesh, NodesTellTheirPodRangesAndBelieveNoOthers) {
  const World world;
  EXPECT_EQ(world.told("node/n2/ipv4"), (Words{"10.1.1.0/24", "fd00:1:1::/64"}));
  EXPECT_EQ(world.taken("node/n2/ipv4"), (Words{"10.1.2.0/24 24-32"}));
  EXPECT_EQ(world.taken("node/n3/ipv6"), (Words{"fd00:1:3::/64 64-128"}));
}

TEST(Mesh, AFamilyThatOneSideLacksHasNoSession) {
  World world;
  world.node("n2").addresses = {ip("192.168.0.2")};
  world.node("n3").addresses.clear();
  EXPECT_EQ(world.peers(), Words{"node/n2/ipv4"});
}

TEST(Mesh, CanBeTurnedOff) {
  World world;
  world.options.full_mesh = false;
  EXPECT_EQ(world.peers(), Words{});
  EXPECT_EQ(world.wanted().settings.routes, std::vector<bgp::control::OwnRoute>{});
}

TEST(Mesh, WithoutItsOwnNodeANodeIsNobody) {
  World world;
  world.cluster.nodes.erase("n1");
  world.add_peer("tor", 9);
  EXPECT_EQ(world.wanted().settings, bgp::control::Settings{});
}

TEST(Mesh, TwoNodesWithOneAddressAreOne) {
  World world;
  world.node("n3").addresses = {ip("192.168.0.2"), ip("fd00:192::1")};
  EXPECT_EQ(world.peers(), (Words{"node/n2/ipv4", "node/n2/ipv6"}));
  EXPECT_EQ(world.problems(),
            (Words{"Node n3: status.addresses: 192.168.0.2 is Node n2's as well; there is no "
                   "session with it",
                   "Node n3: status.addresses: fd00:192::1 is Node n1's as well; there is no "
                   "session with it"}));
}

TEST(Mesh, APasswordIsEveryonesOrThereAreNoSessions) {
  World world;
  world.options.mesh_password = SecretKey{{"kube-system", "mesh"}, "password"};
  EXPECT_EQ(world.peers(), Words{});
  EXPECT_EQ(world.problems(),
            Words{"Secret kube-system/mesh: data[password]: key password of Secret "
                  "kube-system/mesh does not exist; nodes hold no sessions with one another"});
  world.objects.passwords[*world.options.mesh_password] = "s3cret";
  EXPECT_EQ(world.peer("node/n3/ipv4").transport.password, "s3cret");
  EXPECT_EQ(secrets(world.options, world.cluster, world.objects),
            (std::set<ObjectName>{{"kube-system", "mesh"}}));
}

TEST(RouterId, IsTheFirstIpv4AddressOrWhatWasSaidOrMadeOfTheName) {
  World world;
  EXPECT_EQ(world.wanted().settings.speaker.router_id, bgp::RouterId{0xc0a80001});
  world.node("n1").addresses = {ip("fd00:192::1")};
  const auto made = world.wanted().settings.speaker.router_id;
  EXPECT_NE(made, bgp::RouterId{});
  world.options.node = "n2";
  world.node("n2").addresses = {ip("fd00:192::2")};
  EXPECT_NE(world.wanted().settings.speaker.router_id, made);
  world.options.router_id = bgp::RouterId{7};
  EXPECT_EQ(world.wanted().settings.speaker.router_id, bgp::RouterId{7});
}

/// n2 and n3 reflect; n4 and this node do not.
World reflected() {
  World world;
  world.add_node(4);
  world.node("n2").labels[std::string(kReflectorLabel)] = "244.0.0.1";
  world.node("n3").labels[std::string(kReflectorLabel)] = "244.0.0.1";
  return world;
}

TEST(Reflectors, OthersSpeakWithThemAlone) {
  const World world = reflected();
  EXPECT_EQ(world.peers(), (Words{"node/n2/ipv4", "node/n2/ipv6", "node/n3/ipv4", "node/n3/ipv6"}));
  EXPECT_FALSE(world.peer("node/n2/ipv4").rules.client);
  EXPECT_EQ(world.taken("node/n2/ipv4"),
            (Words{"10.1.2.0/24 24-32", "10.1.3.0/24 24-32", "10.1.4.0/24 24-32"}));
  EXPECT_EQ(world.wanted().settings.speaker.cluster_id, world.wanted().settings.speaker.router_id);
}

TEST(Reflectors, SpeakWithAllAndReflectToThoseThatAreNone) {
  World world = reflected();
  world.options.node = "n2";
  EXPECT_EQ(world.peers().size(), 6U);
  EXPECT_TRUE(world.peer("node/n1/ipv4").rules.client);
  EXPECT_TRUE(world.peer("node/n4/ipv6").rules.client);
  EXPECT_FALSE(world.peer("node/n3/ipv4").rules.client);
  EXPECT_EQ(world.wanted().settings.speaker.cluster_id, bgp::RouterId{0xf4000001});
  EXPECT_EQ(world.taken("node/n4/ipv4"), (Words{"10.1.4.0/24 24-32"}));
  EXPECT_EQ(world.taken("node/n3/ipv4"),
            (Words{"10.1.1.0/24 24-32", "10.1.3.0/24 24-32", "10.1.4.0/24 24-32"}));
}

TEST(Reflectors, ABadClusterIdIsAProblemAndNoReflector) {
  World world;
  world.node("n2").labels[std::string(kReflectorLabel)] = "rack-1";
  EXPECT_EQ(world.peers().size(), 4U);
  EXPECT_EQ(world.problems(),
            Words{"Node n2: metadata.labels[fairlead.io/route-reflector-cluster-id]: \"rack-1\" is "
                  "no cluster id, which is written as an IPv4 address; the node does not reflect "
                  "routes"});
}

TEST(PodRanges, WhatANodeMayNotHaveIsLeftOut) {
  struct Case {
    std::string_view range, why;
  };
  for (const auto& [claimed, why] : {
           Case{"0.0.0.0/0", "holds the address 192.168.0.1 of a node"},
           Case{"192.168.0.0/30", "holds the address 192.168.0.1 of a node"},
           Case{"10.1.1.0/25", "overlaps the pod range 10.1.1.0/24 of another"},
           Case{"10.1.0.0/16", "overlaps the pod range 10.1.1.0/24 of another"},
           Case{"10.1.2.128/25", "overlaps the pod range 10.1.2.0/24 of another"},
           Case{"10.96.7.0/24", "overlaps the ClusterIPs 10.96.0.0/16"},
           Case{"10.2.0.0/24", "lies outside of the cluster's pod ranges"},
       }) {
    World world;
    world.options.cluster_cidrs = {cidr("10.1.0.0/16"), cidr("10.96.0.0/16"),
                                   cidr("192.168.0.0/16"), cidr("0.0.0.0/1")};
    if (claimed == "10.2.0.0/24") world.options.cluster_cidrs = {cidr("10.1.0.0/16")};
    if (claimed == "0.0.0.0/0") world.options.cluster_cidrs.clear();
    world.node("n3").pod_cidrs[0] = cidr(claimed);
    EXPECT_EQ(world.taken("node/n3/ipv4"), Words{}) << claimed;
    EXPECT_EQ(world.taken("node/n3/ipv6"), Words{"fd00:1:3::/64 64-128"}) << claimed;
    EXPECT_EQ(world.taken("node/n2/ipv4"), Words{"10.1.2.0/24 24-32"}) << claimed;
    EXPECT_EQ(world.problems(), Words{"Node n3: spec.podCIDRs[0]: " + std::string(claimed) + ' ' +
                                      std::string(why) + "; it is left out"});
  }
}

TEST(PodRanges, OptionsTellThisNodesInPlaceOfItsNode) {
  World world;
  world.options.pod_cidrs = {cidr("10.7.0.0/24")};
  EXPECT_EQ(world.told("node/n2/ipv4"), Words{"10.7.0.0/24"});
}

}  // namespace
}  // namespace fairlead::announce
