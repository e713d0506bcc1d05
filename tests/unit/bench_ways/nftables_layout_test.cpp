// The text of kube-proxy's nftables mode, in both of its layouts.
#include "bench/ways/nftables_layout.hpp"

#include <gtest/gtest.h>

#include "bench/ways/peer_service.hpp"
#include "tests/unit/bench_ways/plans.hpp"

namespace fairlead::bench {
namespace {

constexpr NftablesLayout kOlder = NftablesLayout::kChainPerEndpoint,
                         kNewer = NftablesLayout::kRulePerService;

/// The lines of a Service of this name, without `ip kube-proxy`.
std::string lines_of(std::string_view text, std::string_view service) {
  std::string lines;
  while (!text.empty()) {
    const auto end = text.find('\n') + 1;
    const std::string_view line = text.substr(0, end);
    if (line.find(service) != line.npos) lines += line;
    text.remove_prefix(end);
  }
  return lines;
}

TEST(NftablesLayout, AServiceOfTwoEndpointsIsOneRuleInTheNewerLayout) {
  const std::string text =
      nftables_load(kNewer, small_plan({"10.180.0.1", "10.180.0.2"}), Family::kIpv4);
  EXPECT_EQ(lines_of(text, "ns1/svc1"),
            R"(add chain ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80
flush chain ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80
add element ip kube-proxy service-ips { 172.30.0.41 . tcp . 80 : goto service-ULMVA6XW-ns1/svc1/tcp/p80 }
add rule ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.180.0.1 . 80 , 1 : 10.180.0.2 . 80 }
)");
}

TEST(NftablesLayout, AServiceHasAChainForItsEndpointInTheOlderLayout) {
  const std::string text = nftables_load(kOlder, small_plan({"10.180.0.1"}), Family::kIpv4);
  EXPECT_EQ(lines_of(text, "ns1/svc1"),
            R"(add chain ip kube-proxy endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80
flush chain ip kube-proxy endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80
add chain ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80
flush chain ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80
add element ip kube-proxy service-ips { 172.30.0.41 . tcp . 80 : goto service-ULMVA6XW-ns1/svc1/tcp/p80 }
add rule ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80 ip daddr 172.30.0.41 tcp dport 80 ip saddr != 10.0.0.0/8 jump mark-for-masquerade
add rule ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80 numgen random mod 1 vmap { 0 : goto endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80 }
add rule ip kube-proxy endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80 ip saddr 10.180.0.1 jump mark-for-masquerade comment "masquerade hairpin traffic"
add rule ip kube-proxy endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80 meta l4proto tcp dnat to 10.180.0.1:80
)");
}

TEST(NftablesLayout, SizesFollowTheFormulas) {
  for (const auto& [n, m] : sizes()) {
    const Plan plan = large_plan(n, m, false);
    const std::string newer = nftables_load(kNewer, plan, Family::kIpv4);
    EXPECT_EQ(lines_with(newer, "add chain"), n + 15) << n << " x " << m;
    // 11 jumps, 2 that masquerade, 5 that check, 3 that dispatch.
    EXPECT_EQ(lines_with(newer, "add rule"), n + 21) << n << " x " << m;
    EXPECT_EQ(lines_with(newer, "add element ip kube-proxy service-ips"), n);
    EXPECT_EQ(lines_with(newer, "add element ip kube-proxy cluster-ips"), n);
    EXPECT_EQ(lines_with(newer, "add element ip kube-proxy hairpin-connections"), n);
    const std::string older = nftables_load(kOlder, plan, Family::kIpv4);
    EXPECT_EQ(lines_with(older, "add chain"), n * (1 + m) + 16) << n << " x " << m;
    EXPECT_EQ(lines_with(older, "add rule"), n * (2 + 2 * m) + 22) << n << " x " << m;
    EXPECT_EQ(lines_with(older, "add element ip kube-proxy service-ips"), n);
    EXPECT_EQ(older.find("hairpin-connections"), older.npos);
  }
}

TEST(NftablesLayout, ANodePortAddsAChainAndAnElement) {
  const std::string plain = nftables_load(kNewer, large_plan(10, 3, false), Family::kIpv4),
                    open = nftables_load(kNewer, large_plan(10, 3, true), Family::kIpv4);
  EXPECT_EQ(lines_with(open, "add chain"), lines_with(plain, "add chain") + 10);
  EXPECT_EQ(lines_with(open, "add rule"), lines_with(plain, "add rule") + 20);
  EXPECT_EQ(lines_with(open, "add element ip kube-proxy service-nodeports"), 10U);
}

TEST(NftablesLayout, AServiceWithoutEndpointsIsAnElementThatRejects) {
  const std::string text = nftables_load(kNewer, small_plan({}), Family::kIpv4);
  EXPECT_EQ(lines_of(text, "ns1/svc1"),
            "add element ip kube-proxy no-endpoint-services { 172.30.0.41 . tcp . 80 comment "
            "\"ns1/svc1:p80\" : goto reject-chain }\n");
}

TEST(NftablesLayout, AChangeWritesTheOneService) {
  const Plan before = large_plan(10, 2, false);
  Plan after = before;
  after.services.at({"ns1", "svc4"})[0].cluster_backends[1].address = ip("10.99.0.1");
  for (const NftablesLayout layout : {kOlder, kNewer}) {
    const NftablesChange change = nftables_change(
        layout, after, {"ns1", "svc4"}, before.services.at({"ns1", "svc4"}), Family::kIpv4);
    EXPECT_EQ(lines_of(change.transaction, "svc3"), "");
    EXPECT_EQ(lines_with(change.transaction, "add element"), 0U);
    EXPECT_EQ(lines_with(change.transaction, "delete element"), 0U);
    EXPECT_EQ(lines_with(change.transaction, "add rule"), layout == kOlder ? 6U : 1U);
    EXPECT_EQ(change.stale_chains.size(), layout == kOlder ? 1U : 0U);
  }
}

TEST(NftablesLayout, LosingAllEndpointsMovesTheElementToThoseThatReject) {
  const Plan before = small_plan({"10.180.0.1"}), after = small_plan({});
  const NftablesChange change = nftables_change(kNewer, after, {"ns1", "svc1"},
                                                before.services.at({"ns1", "svc1"}), Family::kIpv4);
  EXPECT_EQ(
      change.transaction,
      R"(add element ip kube-proxy no-endpoint-services { 172.30.0.41 . tcp . 80 comment "ns1/svc1:p80" : goto reject-chain }
flush chain ip kube-proxy service-ULMVA6XW-ns1/svc1/tcp/p80
delete element ip kube-proxy service-ips { 172.30.0.41 . tcp . 80 }
)");
  EXPECT_EQ(change.stale_chains, std::vector<std::string>{"service-ULMVA6XW-ns1/svc1/tcp/p80"});
}

}  // namespace
}  // namespace fairlead::bench
