// Learned routes in a kernel of their own: written, adopted, repaired, and withdrawn when the way
// to a next hop is gone.
//
//   node: eth0 192.0.2.1/24, 2001:db8::1/64   — wire —   neighbours 192.0.2.2 … .9, 2001:db8::2 …
//   ::9
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <iostream>

#include "agent/bgp/kernel_routes.hpp"
#include "dataplane/kernel/learned_route_monitor.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::bgp {
namespace {

using test::Namespace;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Cidr cidr_of(std::string_view text) { return parse_cidr(text).value(); }
control::Via via_of(std::string_view text) { return {parse_ip(text).value(), ""}; }

control::LearnedRoute route(std::string_view prefix, std::vector<control::Via> via) {
  return {cidr_of(prefix), std::move(via)};
}

class KernelRoutesTest : public testing::Test {
 protected:
  KernelRoutesTest() {
    test::connect_namespaces(node, "eth0", wire, "eth0");
    for (const auto* ns : {&node, &wire}) ns->ip("link set eth0 up");
    node.sh("sysctl -qw net.ipv6.conf.eth0.accept_dad=0");
    node.ip("address add 192.0.2.1/24 dev eth0");
    node.ip("address add 2001:db8::1/64 dev eth0 nodad");
    for (int n = 2; n < 10; ++n) {
      wire.ip(fmt::format("address add 192.0.2.{}/24 dev eth0", n));
      wire.ip(fmt::format("address add 2001:db8::{}/64 dev eth0 nodad", n));
    }
    start();
  }

  /// As an agent that starts.
  void start() {
    node.run([this] {
      auto opened = KernelRoutes::open();
      ASSERT_TRUE(opened) << opened.error().doing;
      routes.emplace(*std::move(opened));
    });
  }

  RoutesReport carry_out(RouteOrders orders) {
    RoutesReport report;
    node.run([&] {
      auto done = routes->carry_out(std::move(orders));
      ASSERT_TRUE(done) << done.error().doing;
      report = *std::move(done);
    });
    return report;
  }
  RoutesReport say(std::vector<control::LearnedRoute> set, std::vector<Cidr> gone = {}) {
    RouteOrders orders;
    orders.add({std::move(set), std::move(gone)});
    return carry_out(std::move(orders));
  }
  RoutesReport look() { return carry_out({.look = true}); }
  RoutesReport compare() { return carry_out({.compare = true}); }

  /// Looks until there is news of so many next hops.
  RoutesReport look_until_news_of(std::size_t count) {
    RoutesReport all;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (all.next_hops.size() < count && std::chrono::steady_clock::now() < end)
      for (const auto& news : look().next_hops) all.next_hops.push_back(news);
    return all;
  }

  [[nodiscard]] std::string v4() const { return node.output_of("ip route show proto 202"); }
  [[nodiscard]] std::string v6() const { return node.output_of("ip -6 route show proto 202"); }

  Namespace node{"node"}, wire{"wire"};
  std::optional<KernelRoutes> routes;
};

TEST_F(KernelRoutesTest, OneNextHopAndSeveralOfBothFamilies) {
  const auto report = say({route("10.1.0.0/16", {via_of("192.0.2.2")}),
                           route("10.2.0.0/16", {via_of("192.0.2.2"), via_of("192.0.2.3")}),
                           route("fd00:1::/64", {via_of("2001:db8::2")}),
                           route("fd00:2::/64", {via_of("2001:db8::2"), via_of("2001:db8::3")})});
  EXPECT_EQ(report.added, 4U);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(v4(), HasSubstr("10.1.0.0/16 via 192.0.2.2 dev eth0 metric 202"));
  EXPECT_THAT(v4(), HasSubstr("nexthop via 192.0.2.2 dev eth0 weight 1"));
  EXPECT_THAT(v4(), HasSubstr("nexthop via 192.0.2.3 dev eth0 weight 1"));
  EXPECT_THAT(v6(), HasSubstr("fd00:1::/64 via 2001:db8::2 dev eth0 metric 1202"));
  EXPECT_THAT(v6(), HasSubstr("nexthop via 2001:db8::3 dev eth0 weight 1"));
  EXPECT_EQ(compare().added, 0U);  // it reads back what it wrote
}

TEST_F(KernelRoutesTest, NextHopsComeAndGoUntilTheRouteDoes) {
  for (const bool is_v4 : {true, false}) {
    const char* prefix = is_v4 ? "10.2.0.0/16" : "fd00:2::/64";
    const auto hop = [&](int n) {
      return via_of(fmt::format("{}{}", is_v4 ? "192.0.2." : "2001:db8::", n));
    };
    for (const auto& hops : std::vector<std::vector<control::Via>>{
             {hop(2)}, {hop(2), hop(3)}, {hop(3), hop(4), hop(5)}, {hop(6)}, {hop(7), hop(8)}}) {
      say({route(prefix, hops)});
      const RoutesReport read = compare();
      EXPECT_EQ(read.added + read.replaced + read.removed, 0U) << (is_v4 ? v4() : v6());
    }
    EXPECT_EQ(say({}, {cidr_of(prefix)}).removed, 1U);
    EXPECT_EQ(is_v4 ? v4() : v6(), "");
  }
}

TEST_F(KernelRoutesTest, AnIpv4RouteMayLeadByAnIpv6NextHop) {
  say({route("10.1.0.0/16", {via_of("2001:db8::2")}),
       route("10.2.0.0/16", {via_of("2001:db8::2"), via_of("192.0.2.3")})});
  EXPECT_THAT(v4(), HasSubstr("10.1.0.0/16 via inet6 2001:db8::2 dev eth0"));
  EXPECT_THAT(v4(), HasSubstr("nexthop via inet6 2001:db8::2 dev eth0"));
  const RoutesReport read = compare();
  EXPECT_EQ(read.added + read.replaced + read.removed, 0U);
}

TEST_F(KernelRoutesTest, ALinkLocalNextHopNeedsItsLink) {
  say({route("fd00:1::/64", {{parse_ip("fe80::2").value(), "eth0"}}),
       route("fd00:2::/64", {{parse_ip("fe80::2").value(), "eth9"}})});
  EXPECT_THAT(v6(), HasSubstr("fd00:1::/64 via fe80::2 dev eth0"));
  EXPECT_THAT(v6(), Not(HasSubstr("fd00:2::")));
}

TEST_F(KernelRoutesTest, ANextHopThatIsFartherAwayIsReachedByItsGateway) {
  node.ip("route add 198.51.100.0/24 via 192.0.2.9");
  say({route("10.1.0.0/16", {via_of("198.51.100.7")})});
  EXPECT_THAT(v4(), HasSubstr("10.1.0.0/16 via 192.0.2.9 dev eth0"));
  node.ip("route replace 198.51.100.0/24 via 192.0.2.8");
  look();
  EXPECT_THAT(v4(), HasSubstr("10.1.0.0/16 via 192.0.2.8 dev eth0"));
}

TEST_F(KernelRoutesTest, ALearnedRouteIsNoWayToANextHop) {
  say({route("198.51.100.0/24", {via_of("192.0.2.9")})});
  const auto report = say({route("10.1.0.0/16", {via_of("198.51.100.7")})});
  ASSERT_THAT(report.next_hops, SizeIs(1));
  EXPECT_FALSE(report.next_hops[0].reachable);
  EXPECT_THAT(v4(), Not(HasSubstr("10.1.0.0")));
}

TEST_F(KernelRoutesTest, ANewAgentAdoptsAndRemovesWhatIsLeftOverOnlyWhenAllWasSaid) {
  say({route("10.1.0.0/16", {via_of("192.0.2.2")}), route("10.2.0.0/16", {via_of("192.0.2.2")}),
       route("fd00:1::/64", {via_of("2001:db8::2"), via_of("2001:db8::3")})});
  start();
  RoutesReport report = say({route("10.1.0.0/16", {via_of("192.0.2.2")}),
                             route("fd00:1::/64", {via_of("2001:db8::2"), via_of("2001:db8::3")})});
  EXPECT_EQ(report.added + report.replaced + report.removed, 0U);
  compare();
  EXPECT_THAT(v4(), HasSubstr("10.2.0.0/16"));
  report = carry_out({.restart_over = true});
  EXPECT_EQ(report.removed, 1U);
  EXPECT_THAT(v4(), Not(HasSubstr("10.2.0.0/16")));
  EXPECT_THAT(v4(), HasSubstr("10.1.0.0/16"));
}

TEST_F(KernelRoutesTest, ALostSpeakersRoutesStayUntilTheNextHasSaidAll) {
  say({route("10.1.0.0/16", {via_of("192.0.2.2")}), route("10.2.0.0/16", {via_of("192.0.2.2")})});
  carry_out({.speaker_restarted = true});
  EXPECT_THAT(v4(), HasSubstr("10.2.0.0/16"));
  say({route("10.1.0.0/16", {via_of("192.0.2.3")})});
  EXPECT_EQ(carry_out({.restart_over = true}).removed, 1U);
  EXPECT_EQ(v4(), "10.1.0.0/16 via 192.0.2.3 dev eth0 metric 202 \n");
}

TEST_F(KernelRoutesTest, WhatOthersDeleteOrAddUnderOurNameIsPutRight) {
  say({route("10.1.0.0/16", {via_of("192.0.2.2")}), route("10.2.0.0/16", {via_of("192.0.2.2")})});
  const std::string before = v4();
  std::optional<LearnedRouteMonitor> monitor;
  node.run([&] { monitor.emplace(LearnedRouteMonitor::open(routes->socket()).value()); });
  say({route("10.3.0.0/16", {via_of("192.0.2.2")})}, {});
  say({}, {cidr_of("10.3.0.0/16")});
  EXPECT_FALSE(monitor->drain().value().routes);  // our own changes are no news
  node.ip("route delete 10.1.0.0/16 metric 202");
  node.ip("route replace 10.2.0.0/16 via 192.0.2.7 metric 202 proto 202");
  node.ip("route add 10.9.0.0/16 via 192.0.2.7 metric 202 proto 202");
  EXPECT_TRUE(monitor->drain().value().routes);
  const RoutesReport report = compare();
  EXPECT_EQ(report.added, 1U);
  EXPECT_EQ(report.replaced, 1U);
  EXPECT_EQ(report.removed, 1U);
  EXPECT_EQ(v4(), before);
}

TEST_F(KernelRoutesTest, OthersRoutesStay) {
  for (const char* add :
       {"route add 10.1.0.0/16 via 192.0.2.9 metric 202", "route add 10.2.0.0/16 via 192.0.2.9",
        "-6 route add fd00:1::/64 via 2001:db8::9 metric 1202",
        "-6 route add fd00:2::/64 via 2001:db8::9"})
    node.ip(add);
  const std::string before =
      node.output_of("sh -c 'ip route show proto boot; ip -6 route show proto boot'");
  const auto all = [] {
    return std::vector{route("10.1.0.0/16", {via_of("192.0.2.2")}),
                       route("10.2.0.0/16", {via_of("192.0.2.2")}),
                       route("fd00:1::/64", {via_of("2001:db8::2"), via_of("2001:db8::3")}),
                       route("fd00:2::/64", {via_of("2001:db8::2")})};
  };
  const RoutesReport report = say(all());
  EXPECT_EQ(report.added, 2U);
  EXPECT_THAT(report.problems, SizeIs(2));
  EXPECT_THAT(node.output_of("ip route get 10.2.0.1"), HasSubstr("via 192.0.2.9"));
  // One that comes between two looks at the kernel.
  node.ip("route add 10.5.0.0/16 via 192.0.2.9 metric 202");
  EXPECT_THAT(say({route("10.5.0.0/16", {via_of("192.0.2.2")})}).problems, SizeIs(1));
  node.ip("route delete 10.5.0.0/16 metric 202");
  say({}, {cidr_of("10.1.0.0/16"), cidr_of("10.2.0.0/16"), cidr_of("fd00:1::/64"),
           cidr_of("fd00:2::/64"), cidr_of("10.5.0.0/16")});
  EXPECT_EQ(node.output_of("sh -c 'ip route show proto boot; ip -6 route show proto boot'"),
            before);
}

TEST_F(KernelRoutesTest, OwnPodsAndAddressesAreNeverLedAway) {
  RouteGuard guard{.own_pod_cidrs = {cidr_of("10.244.1.0/24"), cidr_of("fd00:244:1::/64")},
                   .local_addresses = {parse_ip("192.0.2.1").value()}};
  carry_out({.guard = guard});
  say({route("10.244.1.0/24", {via_of("192.0.2.2")}), route("10.244.1.7/32", {via_of("192.0.2.2")}),
       route("192.0.2.1/32", {via_of("192.0.2.2")}),
       route("fd00:244:1::5/128", {via_of("2001:db8::2")}),
       route("10.244.0.0/16", {via_of("192.0.2.2")})});
  EXPECT_EQ(v4(), "10.244.0.0/16 via 192.0.2.2 dev eth0 metric 202 \n");
  EXPECT_EQ(v6(), "");
}

TEST_F(KernelRoutesTest, ALinkThatGoesDownMakesItsNextHopsUnreachable) {
  say({route("10.1.0.0/16", {via_of("192.0.2.2")}), route("fd00:1::/64", {via_of("2001:db8::2")})});
  wire.ip("link set eth0 down");  // the carrier
  RoutesReport report = look_until_news_of(2);
  ASSERT_THAT(report.next_hops, SizeIs(2));
  EXPECT_FALSE(report.next_hops[0].reachable);
  EXPECT_EQ(v4() + v6(), "");
  wire.ip("link set eth0 up");
  EXPECT_THAT(look_until_news_of(2).next_hops, SizeIs(2));
  EXPECT_THAT(v4(), HasSubstr("10.1.0.0/16"));
  node.ip("link set eth0 down");
  EXPECT_FALSE(look().next_hops.empty());
  EXPECT_EQ(v4() + v6(), "");
}

TEST_F(KernelRoutesTest, ANeighbourThatDoesNotAnswerIsUnreachableUntilItDoes) {
  say({route("10.1.0.0/16", {via_of("192.0.2.77"), via_of("192.0.2.2")})});
  EXPECT_THAT(v4(), HasSubstr("192.0.2.77"));
  node.sh("sysctl -qw net.ipv4.neigh.eth0.retrans_time_ms=20");
  EXPECT_THAT(node.output_of("ping -n -c 1 -W 1 192.0.2.77"), HasSubstr("100% packet loss"));
  RoutesReport report = look();
  ASSERT_THAT(report.next_hops, SizeIs(1));
  EXPECT_EQ(to_string(report.next_hops[0].address), "192.0.2.77");
  EXPECT_FALSE(report.next_hops[0].reachable);
  EXPECT_EQ(v4(), "10.1.0.0/16 via 192.0.2.2 dev eth0 metric 202 \n");
  for (int i = 0; i < 20; ++i) EXPECT_THAT(look().next_hops, IsEmpty());  // while it is asked
  wire.ip("address add 192.0.2.77/24 dev eth0");
  report = look_until_news_of(1);
  ASSERT_THAT(report.next_hops, SizeIs(1));
  EXPECT_TRUE(report.next_hops[0].reachable);
  EXPECT_THAT(v4(), HasSubstr("192.0.2.77"));
}

TEST_F(KernelRoutesTest, ManyRoutesAreWrittenReadBackAndRemoved) {
  for (const int count : {1000, 100'000}) {
    std::vector<control::LearnedRoute> all;
    std::vector<Cidr> prefixes;
    for (int i = 0; i < count; ++i) {
      const auto b = static_cast<std::uint8_t>(i / 65536), c = static_cast<std::uint8_t>(i / 256),
                 d = static_cast<std::uint8_t>(i);
      const Cidr prefix{ip_from_v4({static_cast<std::uint8_t>(20 + b), c, d, 0}), 24};
      all.push_back({prefix, {via_of("192.0.2.2"), via_of("192.0.2.3")}});
      prefixes.push_back(prefix);
    }
    const auto milliseconds = [](auto work) {
      const auto start = std::chrono::steady_clock::now();
      work();
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
          .count();
    };
    RoutesReport report;
    const double write = milliseconds([&] { report = say(all); });
    EXPECT_EQ(report.added, all.size());
    const double read = milliseconds([&] { report = compare(); });
    EXPECT_EQ(report.added + report.replaced + report.removed, 0U);
    const double remove = milliseconds([&] { report = say({}, prefixes); });
    EXPECT_EQ(report.removed, all.size());
    std::cout << fmt::format(
        "{} routes: written in {:.1f} ms, compared in {:.1f}, removed in {:.1f}\n", count, write,
        read, remove);
  }
}

TEST_F(KernelRoutesTest, CleaningUpTakesOurRoutesAlone) {
  node.ip("route add 10.9.0.0/16 via 192.0.2.9");
  say({route("10.1.0.0/16", {via_of("192.0.2.2")}), route("fd00:1::/64", {via_of("2001:db8::2")})});
  node.run([&] { ASSERT_TRUE(routes->clean_up()); });
  EXPECT_EQ(v4() + v6(), "");
  EXPECT_THAT(node.output_of("ip route"), HasSubstr("10.9.0.0/16"));
}

}  // namespace
}  // namespace fairlead::bgp
