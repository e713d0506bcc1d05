// What others do to the overlay's objects is put right; what is theirs stays.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/netns/podnet/fleet.hpp"

namespace fairlead::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RepairTest : public FleetTest {
 protected:
  RepairTest() {
    apply_all();
    nodes[0]->is_woken();
  }
  [[nodiscard]] const Namespace& node() const { return nodes[0]->ns; }

  /// All that is the overlay's on the first node, without indices and counters.
  [[nodiscard]] std::string state() const {
    return node().output_of(
        "sh -c 'ip -br link show flvx0 | tr -s \" \"; ip -br address show flvx0;"
        " ip -d link show flvx0 | grep -o \"mtu [0-9]*\\|vxlan id.*nolearning\";"
        " bridge fdb show dev flvx0; ip neighbour show dev flvx0 nud permanent;"
        " ip -6 neighbour show dev flvx0 nud permanent; ip route show protocol 201;"
        " ip -6 route show protocol 201; sysctl net.ipv4.ip_forward"
        " net.ipv6.conf.all.forwarding net.ipv4.conf.flvx0.forwarding; nft -s list table inet "
        "fairlead-pods' 2>&1");
  }
  /// Somebody runs `command` on the node; it is undone.
  void expect_repair(const std::string& command) {
    SCOPED_TRACE(command);
    const std::string before = state();
    node().sh(command);
    ASSERT_NE(state(), before) << "it did no harm";
    nodes[0]->repair_until(plan(*nodes[0]), [&] { return state() == before; });
    for (int round = 0; nodes[0]->is_woken(); ++round) {
      ASSERT_LT(round, 2) << "its own repairs wake it for ever";
      EXPECT_EQ(nodes[0]->apply(plan(*nodes[0])).added, 0U);
    }
  }
};

TEST_F(RepairTest, TheDeviceIsMadeAgainWithAllThatItHad) {
  expect_repair("ip link delete flvx0");
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
}

TEST_F(RepairTest, WhatTheDeviceIsLikeIsPutRight) {
  expect_repair("ip link set flvx0 mtu 1300");
  expect_repair("ip link set flvx0 address 02:00:00:00:00:01");
  expect_repair("ip link set flvx0 down");
  expect_repair("ip link set flvx0 type vxlan learning");
  expect_repair("ip address flush dev flvx0");
  expect_repair("ip address add 10.9.9.9/32 dev flvx0");
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
}

TEST_F(RepairTest, EntriesAndRoutesThatGoOrChangeArePutRight) {
  const std::string mac =
      node().output_of("sh -c 'bridge fdb show dev flvx0 | cut -d\" \" -f1'").substr(0, 17);
  expect_repair("bridge fdb delete " + mac + " dev flvx0");
  expect_repair("bridge fdb replace " + mac + " dev flvx0 dst 192.0.2.9 self permanent");
  expect_repair("bridge fdb append 00:00:00:00:00:00 dev flvx0 dst 192.0.2.9 self permanent");
  expect_repair("ip neighbour delete 10.244.2.0 dev flvx0");
  expect_repair("ip neighbour change 10.244.2.0 lladdr 02:00:00:00:00:09 dev flvx0 nud permanent");
  expect_repair("ip -6 neighbour flush dev flvx0 nud permanent");
  expect_repair("ip route delete 10.244.2.0/24");
  expect_repair("ip route delete unreachable 10.244.1.0/24");
  expect_repair("ip route replace 10.244.2.0/24 via 192.0.2.9 dev eth0 protocol 201");
  expect_repair("ip route add 10.244.2.0/24 via 192.0.2.9 dev eth0 protocol 201 metric 7");
  expect_repair("ip route add 10.77.0.0/16 via 192.0.2.9 protocol 201");
  expect_repair("ip -6 route delete fd00:244:2::/64");
  expect_repair("ip -6 route add fd00:77::/64 via 2001:db8::9 protocol 201");
}

TEST_F(RepairTest, SettingsArePutRight) {
  expect_repair("sysctl -qw net.ipv4.ip_forward=0");
  expect_repair("sysctl -qw net.ipv6.conf.all.forwarding=0");
  expect_repair("sysctl -qw net.ipv4.conf.flvx0.forwarding=0");
}

TEST_F(RepairTest, TheTableIsPutRight) {
  expect_repair("nft flush ruleset");
  expect_repair("nft flush table inet fairlead-pods");
  expect_repair("nft delete element inet fairlead-pods nodes4 { 192.0.2.2 }");
  expect_repair("nft add element inet fairlead-pods nodes4 { 192.0.2.9 }");
  expect_repair("nft insert rule inet fairlead-pods vxlan accept");
  expect_repair("nft add chain inet fairlead-pods another");
  expect_repair("nft flush set inet fairlead-pods inside6");
}

TEST_F(RepairTest, PodsThatComeAndGoAreNobodysBusiness) {
  for (int round = 0; nodes[0]->is_woken(); ++round) ASSERT_LT(round, 3);
  node().ip("link add fl-other type veth peer name other");
  node().ip("link delete fl-other");
  nodes[0]->is_woken();  // the other end of a pair in this namespace is no pod's link
  node().ip("route add 10.244.1.11/32 dev fl-pod protocol 201");
  node().ip("neighbour add 10.244.1.11 lladdr 02:fb:00:00:00:11 dev fl-pod");
  node().ip("neighbour delete 10.244.1.11 dev fl-pod");
  node().ip("route add 198.51.100.0/24 via 192.0.2.9");
  EXPECT_FALSE(nodes[0]->is_woken());
  EXPECT_EQ(nodes[0]->apply(plan(*nodes[0])).removed, 0U);
  EXPECT_THAT(node().output_of("ip route"), HasSubstr("10.244.1.11 dev fl-pod"));
}

TEST_F(RepairTest, AnotherLifeFindsAllInPlaceAndTouchesNothing) {
  const std::string before = state();
  Connection connection(nodes[0]->pod, nodes[1]->pod_address(Family::kIpv4), Port{8080});
  const std::string index = node().output_of("cat /sys/class/net/flvx0/ifindex");
  nodes[0]->restart();
  const auto report = nodes[0]->apply(plan(*nodes[0]));
  EXPECT_EQ(report.added + report.removed + report.rules_written, 0U);
  EXPECT_FALSE(report.device_made);
  EXPECT_THAT(report.settings, IsEmpty());
  EXPECT_EQ(state(), before);
  EXPECT_EQ(node().output_of("cat /sys/class/net/flvx0/ifindex"), index);
  EXPECT_EQ(connection.ask().server, "node-2");
}

TEST_F(RepairTest, OthersRoutesAndVxlanDevicesStay) {
  node().ip("link add theirs type vxlan id 77 dstport 4789 local 192.0.2.1 dev eth0");
  node().ip("link set theirs up");
  node().ip("route add 10.66.0.0/16 via 192.0.2.9");
  node().ip("route add 10.67.0.0/16 dev theirs");
  node().ip("-6 route add fd00:66::/64 via 2001:db8::9");
  const std::string before =
      node().output_of("sh -c 'ip -d link show theirs; ip route; ip -6 route'");
  nodes[0]->apply(plan(*nodes[0]));
  nodes[0]->restart();
  nodes[0]->apply(plan(*nodes[0]));
  EXPECT_EQ(node().output_of("sh -c 'ip -d link show theirs; ip route; ip -6 route'"), before);
  nodes[0]->clean_up();
  EXPECT_THAT(node().output_of("ip route"), HasSubstr("10.67.0.0/16 dev theirs"));
}

TEST_F(RepairTest, ARouteOfSomebodyElseInTheWayIsSaidAndTakenOverWhenItGoes) {
  node().ip("route delete 10.244.2.0/24");
  node().ip("route add 10.244.2.0/24 via 192.0.2.9");
  const auto report = nodes[0]->apply(plan(*nodes[0]));
  EXPECT_THAT(
      report.problems,
      ElementsAre("route 10.244.2.0/24 is somebody else's (protocol 3) and stays as it is"));
  EXPECT_THAT(node().output_of("ip route"), HasSubstr("10.244.2.0/24 via 192.0.2.9"));
  nodes[0]->is_woken();
  node().ip("route delete 10.244.2.0/24");
  nodes[0]->repair_until(plan(*nodes[0]), [&] {
    return node().output_of("ip route").find("10.244.2.0 dev flvx0") != std::string::npos;
  });
}

TEST_F(RepairTest, ALinkInTheWayIsNamed) {
  nodes[0]->clean_up();
  node().ip("link add theirs type vxlan id 201 dstport 4789 local 192.0.2.1 dev eth0");
  EXPECT_EQ(nodes[0]->refusal(plan(*nodes[0])),
            "create flvx0: VNI 201 on port 4789 is link theirs's: File exists");
  node().ip("link delete theirs");
  node().ip("link add flvx0 type bridge");
  EXPECT_EQ(nodes[0]->refusal(plan(*nodes[0])),
            "link flvx0 is somebody else's, of kind 'bridge': File exists");
  node().ip("link delete flvx0");
  nodes[0]->apply(plan(*nodes[0]));
  expect_pods_reach_each_other(Family::kIpv4);
}

TEST_F(RepairTest, WithoutAnAddressOfThisNodeNothingIsTakenAway) {
  const std::string before = state();
  objects["node-1"].addresses.clear();
  EXPECT_EQ(nodes[0]->refusal(plan(*nodes[0])),
            "make flvx0: Node node-1: it has no address that could carry VXLAN");
  objects["node-1"].addresses = {ip_of("192.0.2.77")};
  EXPECT_EQ(nodes[0]->refusal(plan(*nodes[0])),
            "find the link of this node's address 192.0.2.77: Cannot assign requested address");
  EXPECT_EQ(state(), before);
}

TEST_F(RepairTest, AnotherVniOrPortMakesTheDeviceAnew) {
  options.vni = 4096;
  options.port = Port{8472};
  apply_all();
  EXPECT_THAT(node().output_of("ip -d link show flvx0"), HasSubstr("vxlan id 4096 "));
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
}

TEST_F(RepairTest, ModeNoneAndCleanUpLeaveNothing) {
  const auto expect_nothing = [&] {
    EXPECT_THAT(node().output_of("ip link"), Not(HasSubstr("flvx0")));
    EXPECT_EQ(node().output_of("nft list tables"), "");
    // A pod's own route is not the overlay's.
    EXPECT_EQ(node().output_of("ip route show protocol 201"),
              "10.244.1.10 dev fl-pod scope link \n");
    EXPECT_THAT(node().output_of("ip -6 route show protocol 201"), Not(HasSubstr("/64")));
  };
  nodes[0]->clean_up();
  expect_nothing();
  nodes[0]->apply(plan(*nodes[0]));
  options.mode = podnet::Mode::kNone;
  nodes[0]->apply(plan(*nodes[0]));
  expect_nothing();
  nodes[0]->clean_up();
}

}  // namespace
}  // namespace fairlead::test
