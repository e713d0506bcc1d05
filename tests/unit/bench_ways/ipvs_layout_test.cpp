// The texts of kube-proxy's IPVS mode.
#include "bench/ways/ipvs_layout.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bench_ways/plans.hpp"

namespace fairlead::bench {
namespace {

TEST(IpvsLayout, AServiceIsAVirtualServerForEachAddressThatItIsReachedBy) {
  Plan plan = empty_plan();
  ServicePlan service = service_of("svc1", ip("172.30.0.41"),
                                   {{ip("10.180.0.1"), {8080}, true}, {ip("10.180.0.2"), {8080}}});
  open_node_port(service, 30080);
  add(plan, service);
  EXPECT_EQ(ipvs_servers(plan, Family::kIpv4), R"(-A -t 172.30.0.41:80 -s rr
-a -t 172.30.0.41:80 -r 10.180.0.1:8080 -m -w 1
-a -t 172.30.0.41:80 -r 10.180.0.2:8080 -m -w 1
-A -t 198.18.0.1:30080 -s rr
-a -t 198.18.0.1:30080 -r 10.180.0.1:8080 -m -w 1
-a -t 198.18.0.1:30080 -r 10.180.0.2:8080 -m -w 1
)");
  EXPECT_EQ(ipvs_addresses(plan, Family::kIpv4), "addr add 172.30.0.41/32 dev kube-ipvs0\n");
  const std::string sets = ipvs_sets(plan, Family::kIpv4);
  EXPECT_EQ(sets.substr(sets.find("add ")), R"(add KUBE-CLUSTER-IP 172.30.0.41,tcp:80
add KUBE-IPVS-IPS 172.30.0.41
add KUBE-LOOP-BACK 10.180.0.1,tcp:8080,10.180.0.1
add KUBE-NODE-PORT-TCP 30080
)");
}

TEST(IpvsLayout, SizesFollowTheFormulasAndRulesAreAsManyForAnyNumber) {
  const std::string rules = ipvs_rules(large_plan(1, 1, true), Family::kIpv4, true);
  for (const auto& [n, m] : sizes()) {
    const Plan plan = large_plan(n, m, true);
    EXPECT_EQ(lines_with(ipvs_servers(plan, Family::kIpv4), "-A "), 2 * n) << n << " x " << m;
    EXPECT_EQ(lines_with(ipvs_servers(plan, Family::kIpv4), "-a "), 2 * n * m) << n << " x " << m;
    EXPECT_EQ(lines_with(ipvs_addresses(plan, Family::kIpv4), "addr add"), n);
    EXPECT_EQ(ipvs_rules(plan, Family::kIpv4, true), rules);
  }
  EXPECT_LT(lines_with(rules, "-A "), 40U);
}

TEST(IpvsLayout, ABackendThatGoesKeepsItsConnectionsAndMayComeBack) {
  const auto plans = [](const char* pod) {
    return ServicePlans{service_of("svc1", ip("172.30.0.41"), {{ip(pod), {8080}}})};
  };
  std::set<std::string> draining;
  const auto change = [&](const char* from, const char* to) {
    return ipvs_change({}, plans(from), plans(to), Family::kIpv4, draining).servers;
  };
  EXPECT_EQ(change("10.180.0.1", "10.180.0.2"), R"(-a -t 172.30.0.41:80 -r 10.180.0.2:8080 -m -w 1
-e -t 172.30.0.41:80 -r 10.180.0.1:8080 -m -w 0
)");
  EXPECT_EQ(change("10.180.0.2", "10.180.0.1"), R"(-e -t 172.30.0.41:80 -r 10.180.0.1:8080 -m -w 1
-e -t 172.30.0.41:80 -r 10.180.0.2:8080 -m -w 0
)");
}

}  // namespace
}  // namespace fairlead::bench
