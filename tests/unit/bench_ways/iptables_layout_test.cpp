// The text of kube-proxy's iptables mode: names that Kubernetes' own tests have, sizes by formula.
#include "bench/ways/iptables_layout.hpp"

#include <gtest/gtest.h>

#include "bench/ways/peer_service.hpp"
#include "tests/unit/bench_ways/plans.hpp"

namespace fairlead::bench {
namespace {

std::string_view nat_of(std::string_view text) { return text.substr(text.find("*nat\n")); }
std::string_view filter_of(std::string_view text) { return text.substr(0, text.find("*nat\n")); }

std::string rules_of(std::string_view text, std::string_view chain) {
  std::string rules;
  while (!text.empty()) {
    const auto end = text.find('\n') + 1;
    if (text.starts_with(fmt::format("-A {} ", chain))) rules += text.substr(0, end);
    text.remove_prefix(end);
  }
  return rules;
}

TEST(IptablesLayout, NamesAreThoseOfKubeProxy) {
  EXPECT_EQ(short_hash("ns1/svc1:p80tcp", 16), "XPGD46QRK7WJZT7O");
  EXPECT_EQ(short_hash("ns1/svc1:p80tcp10.180.0.1:80", 16), "SXIVWICOYRO3J4NJ");
}

TEST(IptablesLayout, AServiceOfTwoEndpointsIsWrittenAsKubeProxyDoes) {
  const std::string text = iptables_load(small_plan({"10.180.0.1", "10.180.0.2"}), Family::kIpv4);
  const std::string second = "KUBE-SEP-" + short_hash("ns1/svc1:p80tcp10.180.0.2:80", 16);
  EXPECT_EQ(
      rules_of(nat_of(text), "KUBE-SERVICES"),
      R"(-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 -j KUBE-SVC-XPGD46QRK7WJZT7O
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -d 198.18.0.1 -j KUBE-NODEPORTS
)");
  EXPECT_EQ(
      rules_of(nat_of(text), "KUBE-SVC-XPGD46QRK7WJZT7O"),
      R"(-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-SXIVWICOYRO3J4NJ
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.0.2:80" -j )" +
          second + "\n");
  EXPECT_EQ(
      rules_of(nat_of(text), "KUBE-SEP-SXIVWICOYRO3J4NJ"),
      R"(-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment "ns1/svc1:p80" -s 10.180.0.1 -j KUBE-MARK-MASQ
-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment "ns1/svc1:p80" -m tcp -p tcp -j DNAT --to-destination 10.180.0.1:80
)");
}

TEST(IptablesLayout, SizesFollowTheFormulas) {
  for (const auto& [n, m] : sizes()) {
    const std::string text = iptables_load(large_plan(n, m, false), Family::kIpv4);
    // 3 jumps, 4 rules that masquerade, 1 towards NodePorts.
    EXPECT_EQ(lines_with(nat_of(text), "-A "), n * (2 + 3 * m) + 8) << n << " x " << m;
    EXPECT_EQ(lines_with(nat_of(text), ":"), n * (1 + m) + 4) << n << " x " << m;
    EXPECT_EQ(lines_with(filter_of(text), "-A "), 9U + 3);
    const std::string with_ports = iptables_load(large_plan(n, m, true), Family::kIpv4);
    EXPECT_EQ(lines_with(nat_of(with_ports), "-A "), n * (2 + 3 * m + 1 + 2) + 8);
    EXPECT_EQ(lines_with(nat_of(with_ports), ":"), n * (2 + m) + 4);
  }
}

TEST(IptablesLayout, AServiceWithoutEndpointsIsRejectedInTheFilterTable) {
  Plan plan = empty_plan();
  ServicePlan service = service_of("svc1", ip("172.30.0.41"), {});
  open_node_port(service, 30080);
  add(plan, service);
  const std::string text = iptables_load(plan, Family::kIpv4);
  EXPECT_EQ(
      rules_of(filter_of(text), "KUBE-SERVICES"),
      R"(-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 has no endpoints" -m tcp -p tcp -d 172.30.0.41 --dport 80 -j REJECT
)");
  EXPECT_EQ(
      rules_of(filter_of(text), "KUBE-EXTERNAL-SERVICES"),
      R"(-A KUBE-EXTERNAL-SERVICES -m comment --comment "ns1/svc1:p80 has no endpoints" -m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30080 -j REJECT
)");
  EXPECT_EQ(lines_with(nat_of(text), ":"), 4U);
}

TEST(IptablesLayout, AChangeWritesAllSharedChainsAndThoseOfTheOneService) {
  const Plan before = large_plan(10, 3, false);
  Plan after = before;
  ServicePlans& changed = after.services.at({"ns1", "svc4"});
  changed[0].cluster_backends[2].address = ip("10.99.0.1");
  const std::string text =
      iptables_change(after, {"ns1", "svc4"}, before.services.at({"ns1", "svc4"}), Family::kIpv4);
  EXPECT_EQ(lines_with(nat_of(text), "-A KUBE-SERVICES"), 10U + 1);
  EXPECT_EQ(lines_with(nat_of(text), "-A KUBE-SVC-"), 1U + 3);
  EXPECT_EQ(lines_with(nat_of(text), "-A KUBE-SEP-"), 2U * 3);
  EXPECT_EQ(lines_with(nat_of(text), ":KUBE-SEP-"), 3U + 1);  // and the one that is removed
  EXPECT_EQ(lines_with(nat_of(text), "-X KUBE-SEP-"), 1U);
  EXPECT_EQ(lines_with(text, "-A PREROUTING"), 0U);
}

TEST(IptablesLayout, ALargeClusterHasNoCommentsInItsChainsAndKeepsStaleOnes) {
  const Plan before = large_plan(1000, 3, false);
  const std::string text = iptables_load(before, Family::kIpv4);
  EXPECT_EQ(text.find("-m comment --comment \"ns1/svc1:p80 ->"), text.npos);
  EXPECT_EQ(text.find("-m comment --comment \"ns1/svc1:p80\""), text.npos);
  Plan after = before;
  after.services.at({"ns1", "svc4"})[0].cluster_backends[2].address = ip("10.99.0.1");
  EXPECT_EQ(lines_with(iptables_change(after, {"ns1", "svc4"}, before.services.at({"ns1", "svc4"}),
                                       Family::kIpv4),
                       "-X"),
            0U);
}

}  // namespace
}  // namespace fairlead::bench
