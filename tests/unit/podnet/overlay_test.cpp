// Nodes -> what this node holds to reach their pods.
#include "dataplane/podnet/overlay.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::podnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Ip ip(std::string_view text) { return parse_ip(text).value(); }
Cidr cidr(std::string_view text) { return parse_cidr(text).value(); }

Node node(const std::string& name, std::initializer_list<std::string_view> addresses,
          std::initializer_list<std::string_view> pod_cidrs) {
  Node result;
  result.name = name;
  for (const auto text : addresses) result.addresses.push_back(ip(text));
  for (const auto text : pod_cidrs) result.pod_cidrs.push_back(cidr(text));
  return result;
}

/// The link-local address of a MAC.
Ip link_local(const Mac& mac) {
  return ip(fmt::format("fe80::{:x}:{:x}ff:fe{:02x}:{:x}", (mac[0] ^ 2) << 8 | mac[1], mac[2],
                        mac[3], mac[4] << 8 | mac[5]));
}

struct World {
  std::map<std::string, Node> nodes;
  std::vector<Cidr> own{cidr("10.244.1.0/24"), cidr("fd00:244:1::/64")};
  Underlay underlay{7, 1500, {cidr("192.0.2.0/24"), cidr("2001:db8::/64")}};
  OverlayOptions options;

  World() { add(node("own", {"192.0.2.1", "2001:db8::1"}, {})); }
  void add(Node added) { nodes[added.name] = std::move(added); }
  [[nodiscard]] Overlay compile() const {
    return compile_overlay(nodes, "own", own, underlay, options);
  }
};

TEST(Overlay, ThisNodeHasADeviceWithTheFirstAddressesOfItsPodCidrs) {
  const Overlay overlay = World().compile();
  ASSERT_TRUE(overlay.device);
  EXPECT_EQ(overlay.device->name, "flvx0");
  EXPECT_EQ(overlay.device->local, ip("192.0.2.1"));
  EXPECT_EQ(overlay.device->underlay, 7);
  EXPECT_EQ(overlay.device->mtu, 1450U);
  EXPECT_EQ(overlay.device->mac, vtep_mac("own"));
  EXPECT_THAT(overlay.device->addresses, ElementsAre(ip("10.244.1.0"), ip("fd00:244:1::")));
  EXPECT_THAT(overlay.own, ElementsAre(cidr("10.244.1.0/24"), cidr("fd00:244:1::/64")));
  EXPECT_EQ(overlay.pods, overlay.own);
  EXPECT_THAT(overlay.forwarding, IsEmpty());
  EXPECT_THAT(overlay.problems, IsEmpty());
}

TEST(Overlay, MacsAreOfTheNameLocallyAdministeredAndUnicast) {
  // printf node-1 | sha1sum
  const Mac mac = vtep_mac("node-1");
  EXPECT_EQ(mac, (Mac{0x02, 0xb3, 0x68, 0x28, 0x39, 0x8e}));
  EXPECT_NE(mac, vtep_mac("node-2"));
}

TEST(Overlay, NodesBeyondARouterAreReachedByVxlanInBothFamiliesOfPods) {
  World world;
  world.add(node("far", {"198.51.100.2"}, {"10.244.2.0/24", "fd00:244:2::/64"}));
  const Overlay overlay = world.compile();
  const Mac mac = vtep_mac("far");
  EXPECT_THAT(overlay.forwarding, ElementsAre(Forwarding{mac, ip("198.51.100.2")}));
  EXPECT_THAT(overlay.neighbours,
              ElementsAre(Neighbour{ip("10.244.2.0"), mac}, Neighbour{link_local(mac), mac}));
  EXPECT_THAT(overlay.routes,
              ElementsAre(NodeRoute{cidr("10.244.2.0/24"), ip("10.244.2.0"), true},
                          NodeRoute{cidr("fd00:244:2::/64"), link_local(vtep_mac("far")), true}));
  EXPECT_THAT(overlay.nodes, ElementsAre(ip("198.51.100.2")));
  EXPECT_EQ(overlay.pods.size(), 4U);
}

TEST(Overlay, Ipv6CarriesBothFamiliesWhereItIsTheUnderlay) {
  World world;
  world.options.underlay = Family::kIpv6;
  world.options.direct_routing = false;
  world.add(node("far", {"192.0.2.2", "2001:db8::2"}, {"10.244.2.0/24", "fd00:244:2::/64"}));
  const Overlay overlay = world.compile();
  EXPECT_EQ(overlay.device->local, ip("2001:db8::1"));
  EXPECT_EQ(overlay.device->mtu, 1430U);
  EXPECT_THAT(overlay.forwarding, ElementsAre(Forwarding{vtep_mac("far"), ip("2001:db8::2")}));
  EXPECT_THAT(overlay.routes,
              ElementsAre(NodeRoute{cidr("10.244.2.0/24"), ip("10.244.2.0"), true},
                          NodeRoute{cidr("fd00:244:2::/64"), link_local(vtep_mac("far")), true}));
}

TEST(Overlay, TheUnderlaysFamilyIsThatOfTheNodesFirstAddress) {
  World world;
  world.add(node("own", {"2001:db8::1", "192.0.2.1"}, {}));
  EXPECT_EQ(world.compile().device->local, ip("2001:db8::1"));
}

TEST(Overlay, NodesOnTheLinkAreRoutedToDirectlyAndKeepTheirTunnel) {
  World world;
  world.add(node("near", {"192.0.2.2", "2001:db8::2"}, {"10.244.2.0/24", "fd00:244:2::/64"}));
  const Overlay overlay = world.compile();
  EXPECT_THAT(overlay.routes,
              ElementsAre(NodeRoute{cidr("10.244.2.0/24"), ip("192.0.2.2"), false},
                          NodeRoute{cidr("fd00:244:2::/64"), ip("2001:db8::2"), false}));
  EXPECT_EQ(overlay.forwarding.size(), 1U);
  EXPECT_EQ(overlay.neighbours.size(), 2U);
  world.options.direct_routing = false;
  for (const NodeRoute& route : world.compile().routes) EXPECT_TRUE(route.by_vxlan);
}

TEST(Overlay, AFamilyWithoutNodeAddressOnTheLinkGoesByVxlanBesideTheDirectOne) {
  World world;
  world.add(node("far", {"192.0.2.2"}, {"10.244.2.0/24", "fd00:244:2::/64"}));
  EXPECT_THAT(world.compile().routes,
              ElementsAre(NodeRoute{cidr("10.244.2.0/24"), ip("192.0.2.2"), false},
                          NodeRoute{cidr("fd00:244:2::/64"), link_local(vtep_mac("far")), true}));
}

TEST(Overlay, ModeRoutesNeedsNoDeviceAndLeavesNodesBeyondARouterToOthers) {
  World world;
  world.options.mode = Mode::kRoutes;
  world.options.direct_routing = false;  // is of VXLAN
  world.add(node("far", {"198.51.100.2"}, {"10.244.3.0/24"}));
  world.add(node("near", {"192.0.2.2"}, {"10.244.2.0/24"}));
  const Overlay overlay = world.compile();
  EXPECT_FALSE(overlay.device);
  EXPECT_THAT(overlay.forwarding, IsEmpty());
  EXPECT_THAT(overlay.neighbours, IsEmpty());
  EXPECT_THAT(overlay.nodes, IsEmpty());
  EXPECT_THAT(overlay.routes,
              ElementsAre(NodeRoute{cidr("10.244.2.0/24"), ip("192.0.2.2"), false}));
  EXPECT_EQ(overlay.pods.size(), 4U);
  EXPECT_THAT(overlay.problems, IsEmpty());
}

TEST(Overlay, ModeNoneWantsNothing) {
  World world;
  world.options.mode = Mode::kNone;
  world.add(node("near", {"192.0.2.2"}, {"10.244.2.0/24"}));
  EXPECT_EQ(world.compile(), Overlay{});
}

TEST(Overlay, ANodeWithoutAddressOrPodCidrsIsLeftOutAndSaid) {
  World world;
  world.add(node("a", {}, {"10.244.2.0/24"}));
  world.add(node("b", {"2001:db8::2"}, {"10.244.3.0/24"}));
  world.add(node("c", {"192.0.2.3"}, {}));
  world.add(node("d", {"192.0.2.1"}, {"10.244.4.0/24"}));
  const Overlay overlay = world.compile();
  EXPECT_THAT(overlay.routes, IsEmpty());
  EXPECT_THAT(
      overlay.problems,
      ElementsAre("Node a: it has no IPv4 address, which VXLAN here goes by",
                  "Node b: it has no IPv4 address, which VXLAN here goes by",
                  "Node c: it has no podCIDRs", "Node d: it has this node's address 192.0.2.1"));
}

TEST(Overlay, WithoutAnAddressOfItsOwnThereIsNoDevice) {
  World world;
  world.nodes.clear();
  const Overlay overlay = world.compile();
  EXPECT_FALSE(overlay.device);
  EXPECT_THAT(overlay.problems, ElementsAre("Node own: it has no address that could carry VXLAN"));
}

TEST(Overlay, APodCidrThatOverlapsThisNodesOrAnEarlierNodesIsLeftOut) {
  World world;
  world.add(node("a", {"192.0.2.2"}, {"10.244.0.0/16", "10.245.2.0/24"}));
  world.add(node("b", {"192.0.2.3"}, {"10.245.0.0/16"}));
  world.add(node("c", {"192.0.2.4"}, {"10.245.2.128/25", "10.246.0.0/24"}));
  world.add(node("d", {"192.0.2.5"}, {"10.246.0.0/24"}));
  const Overlay overlay = world.compile();
  EXPECT_THAT(overlay.routes,
              ElementsAre(NodeRoute{cidr("10.245.2.0/24"), ip("192.0.2.2"), false},
                          NodeRoute{cidr("10.246.0.0/24"), ip("192.0.2.4"), false}));
  EXPECT_THAT(overlay.problems,
              ElementsAre("Node a: podCIDR 10.244.0.0/16 overlaps 10.244.1.0/24 of Node own",
                          "Node b: podCIDR 10.245.0.0/16 overlaps 10.245.2.0/24 of Node a",
                          "Node c: podCIDR 10.245.2.128/25 overlaps 10.245.2.0/24 of Node a",
                          "Node d: podCIDR 10.246.0.0/24 overlaps 10.246.0.0/24 of Node c"));
}

TEST(Overlay, APodCidrThatWouldSwallowANodesAddressIsLeftOut) {
  World world;
  world.add(node("a", {"192.0.2.2"}, {"192.0.2.0/25"}));
  world.add(node("b", {"198.51.100.2"}, {"198.51.100.0/24", "::/0"}));
  const Overlay overlay = world.compile();
  EXPECT_THAT(overlay.problems,
              ElementsAre("Node a: podCIDR 192.0.2.0/25 contains the node address 192.0.2.1",
                          "Node b: podCIDR 198.51.100.0/24 contains the node address 198.51.100.2",
                          HasSubstr("podCIDR ::/0 overlaps")));
}

TEST(Overlay, TwoNodesSwapAddresses) {
  World world;
  world.add(node("a", {"198.51.100.2"}, {"10.244.2.0/24"}));
  world.add(node("b", {"198.51.100.3"}, {"10.244.3.0/24"}));
  std::swap(world.nodes["a"].addresses, world.nodes["b"].addresses);
  const Overlay overlay = world.compile();
  EXPECT_THAT(overlay.forwarding,
              UnorderedElementsAre(Forwarding{vtep_mac("a"), ip("198.51.100.3")},
                                   Forwarding{vtep_mac("b"), ip("198.51.100.2")}));
  EXPECT_THAT(overlay.problems, IsEmpty());
}

TEST(Overlay, AnMtuThatIsAskedForIsTakenUnlessItDoesNotFit) {
  World world;
  world.options.mtu = 1400;
  EXPECT_EQ(world.compile().device->mtu, 1400U);
  world.options.mtu = 1500;
  EXPECT_EQ(world.compile().device->mtu, 1450U);
  world.underlay.mtu = 40;
  EXPECT_FALSE(world.compile().device);
}

TEST(Overlay, FiveThousandNodesAreSortedAndComplete) {
  World world;
  for (unsigned i = 0; i < 5000; ++i) {
    Node added;
    added.name = fmt::format("node-{}", i);
    added.addresses = {ip(fmt::format("10.0.{}.{}", i / 250, i % 250 + 1))};
    added.pod_cidrs = {cidr(fmt::format("10.{}.{}.0/24", 100 + i / 250, i % 250)),
                       cidr(fmt::format("fd00:1:{:x}::/64", i))};
    world.add(std::move(added));
  }
  const Overlay overlay = world.compile();
  EXPECT_THAT(overlay.problems, IsEmpty());
  EXPECT_EQ(overlay.forwarding.size(), 5000U);
  EXPECT_EQ(overlay.neighbours.size(), 10000U);
  EXPECT_EQ(overlay.routes.size(), 10000U);
  EXPECT_EQ(overlay.nodes.size(), 5000U);
  EXPECT_TRUE(std::ranges::is_sorted(overlay.routes));
  EXPECT_TRUE(std::ranges::is_sorted(overlay.neighbours));
  EXPECT_TRUE(std::ranges::is_sorted(overlay.forwarding));
}

}  // namespace
}  // namespace fairlead::podnet
