// Pods of two nodes that reach each other, by VXLAN and by direct routes.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <ctime>
#include <future>
#include <iostream>

#include "tests/netns/podnet/fleet.hpp"

namespace fairlead::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(FleetTest, PodsReachEachOtherByVxlanOverIpv4) {
  apply_all();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
  EXPECT_THAT(nodes[0]->ns.output_of("ip route"), HasSubstr("10.244.2.0 dev flvx0"));
}

TEST_F(FleetTest, PodsReachEachOtherByVxlanOverIpv6) {
  options.underlay = Family::kIpv6;
  apply_all();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
  EXPECT_THAT(nodes[0]->ns.output_of("ip -d link show flvx0"), HasSubstr("local 2001:db8::1"));
}

TEST_F(FleetTest, NodesReachPodsOfOtherNodesAndAreReachedByThem) {
  apply_all();
  EXPECT_EQ(source_seen(nodes[0]->ns, ip_of("10.244.2.10")), "10.244.1.0");
  EXPECT_EQ(source_seen(nodes[0]->ns, ip_of("fd00:244:2::10")), "fd00:244:1::");
}

TEST_F(FleetTest, NodesOnOneLinkAreRoutedToDirectly) {
  options.direct_routing = true;
  apply_all();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
  EXPECT_THAT(nodes[0]->ns.output_of("ip route"), HasSubstr("via 192.0.2.2 dev eth0"));
  EXPECT_THAT(nodes[0]->ns.output_of("ip -6 route"), HasSubstr("via 2001:db8::2 dev eth0"));
}

TEST_F(FleetTest, ModeRoutesWorksWithoutADevice) {
  options.mode = podnet::Mode::kRoutes;
  apply_all();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
  EXPECT_THAT(nodes[0]->ns.output_of("ip link"), Not(HasSubstr("flvx0")));
}

TEST_F(FleetTest, APacketOfTheMtuPassesAndALargerOneIsToldOf) {
  for (const Family underlay : {Family::kIpv4, Family::kIpv6}) {
    options.underlay = underlay;
    apply_all();
    const unsigned mtu = underlay == Family::kIpv4 ? 1450 : 1430;
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const Ip to = nodes[1]->pod_address(family);
      EXPECT_THAT(ping(nodes[0]->pod, to, mtu), HasSubstr(" 0% packet loss"));
      EXPECT_THAT(ping(nodes[0]->pod, to, mtu + 1),
                  AllOf(HasSubstr("100% packet loss"),
                        testing::ContainsRegex(fmt::format("mtu ?= ?{}", mtu))));
      nodes[0]->pod.ip(family == Family::kIpv4 ? "route flush cache" : "-6 route flush cache");
    }
  }
}

TEST_F(FleetTest, FromVxlanToDirectRoutesAndBackNothingIsLost) {
  apply_all();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    // Five hundred a second, while everything is switched over and over.
    auto output = std::async(std::launch::async, [&, family] {
      return nodes[0]->pod.output_of(fmt::format("ping -n -i 0.002 -c 1000 -W 2 {}",
                                                 to_string(nodes[1]->pod_address(family))));
    });
    while (output.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      options.direct_routing = !options.direct_routing;
      apply_all();
    }
    EXPECT_THAT(output.get(), HasSubstr(" 0% packet loss"));
  }
}

TEST_F(FleetTest, UnusedAddressesOfANodeAreUnreachableAndDoNotLoop) {
  nodes[0]->ns.ip("route add default via 192.0.2.250");
  apply_all();
  EXPECT_THAT(nodes[1]->pod.output_of("ping -n -c 1 -W 2 10.244.1.77"),
              HasSubstr("Destination Host Unreachable"));
  EXPECT_THAT(nodes[0]->ns.output_of("ip -6 route show type unreachable"),
              HasSubstr("fd00:244:1::/64"));
}

TEST_F(FleetTest, EntriesOfNodesThatLeftWhileNobodyLookedAreGoneAfterTheStart) {
  for (int number = 3; number < 6; ++number) {
    Node gone;
    gone.name = fmt::format("node-{}", number);
    gone.addresses = {ip_of(fmt::format("198.51.100.{}", number))};
    gone.pod_cidrs = {cidr_of(fmt::format("10.244.{}.0/24", number)),
                      cidr_of(fmt::format("fd00:244:{}::/64", number))};
    objects[gone.name] = gone;
  }
  apply_all();
  const auto rows = [&] {
    return nodes[0]->ns.output_of("sh -c 'ip route; ip -6 route; ip neighbour; bridge fdb'");
  };
  EXPECT_THAT(rows(), HasSubstr("198.51.100.3"));
  for (int number = 3; number < 6; ++number) objects.erase(fmt::format("node-{}", number));
  nodes[0]->restart();
  const auto report = nodes[0]->apply(plan(*nodes[0]));
  EXPECT_EQ(report.added, 0U);
  EXPECT_EQ(report.removed, 3U * 5);  // an entry, and a route and a neighbour of each family
  for (const char* left : {"198.51.100.", "10.244.3", "fd00:244:4"})
    EXPECT_THAT(rows(), Not(HasSubstr(left)));
  expect_pods_reach_each_other(Family::kIpv4);
}

TEST_F(FleetTest, ANodesAddressChanges) {
  apply_all();
  nodes[1]->ns.ip("address delete 192.0.2.2/24 dev eth0");
  nodes[1]->ns.ip("address add 192.0.2.22/24 dev eth0");
  objects["node-2"].addresses[0] = ip_of("192.0.2.22");
  const auto report = nodes[0]->apply(plan(*nodes[0]));
  EXPECT_EQ(report.added, 1U);
  EXPECT_FALSE(report.device_made);
  EXPECT_TRUE(nodes[1]->apply(plan(*nodes[1])).device_made);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
}

TEST_F(FleetTest, TwoNodesSwapAddresses) {
  apply_all();
  for (std::size_t i : {0U, 1U}) {
    nodes[i]->ns.ip("address flush dev eth0 scope global");
    nodes[i]->ns.ip(fmt::format("address add 192.0.2.{}/24 dev eth0", 2 - i));
    nodes[i]->ns.ip("neighbour flush all");
  }
  std::swap(objects["node-1"].addresses, objects["node-2"].addresses);
  apply_all();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
}

TEST_F(FleetTest, TheUnderlaysMtuChanges) {
  apply_all();
  for (const unsigned mtu : {1400U, 9000U}) {
    nodes[0]->ns.ip(fmt::format("link set eth0 mtu {}", mtu));
    nodes[0]->repair_until(plan(*nodes[0]), [&] {
      const std::string wanted = fmt::format("mtu {} ", mtu - 50);
      return nodes[0]->ns.output_of("ip link show flvx0").find(wanted) != std::string::npos;
    });
  }
}

TEST_F(FleetTest, TheAddressMovesToAnotherLink) {
  apply_all();
  connect_namespaces(wire, "to-n1-too", nodes[0]->ns, "eth1");
  wire.ip("link set to-n1-too master br0");
  nodes[0]->ns.ip("address delete 192.0.2.1/24 dev eth0");
  nodes[0]->is_woken();
  nodes[0]->ns.ip("address add 192.0.2.1/24 dev eth1");
  nodes[1]->ns.ip("neighbour flush all");
  nodes[0]->repair_until(plan(*nodes[0]), [&] {
    return nodes[0]->ns.output_of("ip -d link show flvx0").find("dev eth1") != std::string::npos;
  });
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
}

TEST_F(FleetTest, AThousandNodesAreProgrammedAndOneMoreCostsLittle) {
  for (int i = 0; i < 1000; ++i) {
    Node far;
    far.name = fmt::format("far-{}", i);
    far.addresses = {ip_of(fmt::format("198.18.{}.{}", i / 250, i % 250 + 1))};
    far.pod_cidrs = {cidr_of(fmt::format("10.{}.{}.0/24", 100 + i / 250, i % 250)),
                     cidr_of(fmt::format("fd00:1:1:{:x}::/64", i))};
    objects[far.name] = far;
  }
  const auto timed = [&](const char* what) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    const auto report = nodes[0]->apply(plan(*nodes[0]));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format("{}: {:.1f} ms ({:.1f} of a CPU), {} added, {} removed\n", what,
                             took.count(),
                             1000.0 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC,
                             report.added, report.removed);
    return report;
  };
  EXPECT_EQ(timed("1,000 nodes with two podCIDRs each").added, 1000U * 5 + 5 + 4);
  EXPECT_EQ(timed("nothing changed").added, 0U);
  objects["far-0"].addresses[0] = ip_of("198.18.9.9");
  EXPECT_EQ(timed("one changed").added, 1U);
  objects.erase("far-1");
  EXPECT_EQ(timed("one gone").removed, 5U);
  EXPECT_THAT(nodes[0]->ns.output_of("nft list set inet fairlead-pods nodes4"),
              HasSubstr("198.18.9.9"));
}

}  // namespace
}  // namespace fairlead::test
