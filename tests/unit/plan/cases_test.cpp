// The cases of kube-proxy's behaviour, each in both families: who may receive a connection, and as
// whom.
#include <gtest/gtest.h>

#include <ostream>

#include "world.hpp"

namespace fairlead {
namespace {

struct Case {
  std::string_view id;
  std::string_view endpoints;
  std::string_view policies;
  std::string_view way;
  std::string_view expected;
  std::string_view zone = "a";  // of this node
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.id << ": " << c.endpoints << "; " << c.way;
}

class PlanCases : public testing::TestWithParam<std::tuple<Case, Family>> {
 protected:
  static World world() {
    const auto& [c, family] = GetParam();
    World world(family);
    world.self().zone = c.zone;
    world.endpoints(c.endpoints);
    world.policies(c.policies);
    return world;
  }
  static const Case& the_case() { return std::get<0>(GetParam()); }
};

std::string name_of(const testing::TestParamInfo<std::tuple<Case, Family>>& info) {
  const auto& [c, family] = info.param;
  return std::string(c.id) + (family == Family::kIpv4 ? "_IPv4" : "_IPv6");
}
const auto kBothFamilies = testing::Values(Family::kIpv4, Family::kIpv6);

class Selection : public PlanCases {};
TEST_P(Selection, OfEndpoints) { EXPECT_EQ(outcome(world(), the_case().way), the_case().expected); }

constexpr Case kSelection[] = {
    {"A01_no_hints", "L, R, B", "", "P->CIP", "{L,R,B} n"},
    {"A02_zone_hints", "L z=a, R z=a, B z=b", "", "P->CIP", "{L,R} n"},
    {"A04_node_without_zone", "L z=a, R z=a, B z=b", "", "P->CIP", "{L,R,B} n", ""},
    {"A05_no_hint_for_my_zone", "R z=c, B z=b", "", "P->CIP", "{R,B} n"},
    {"A06_one_missing_hint_disables", "L z=a, R, B z=b", "", "P->CIP", "{L,R,B} n"},
    {"A07_hints_for_several_zones", "L z=a+b+c, R z=b+c, B z=b+d", "", "P->CIP", "{L,R} n", "c"},
    {"A08_only_unready_in_my_zone", "L z=a notready, R z=b, B z=b", "", "P->CIP", "{R,B} n"},
    {"A09_hints_of_unready_ignored", "L z=a, R z=a notready, B notready", "", "P->CIP", "{L} n"},
    {"A10_node_hints", "L z=a n=n1, R z=a n=n2, B z=b n=n3", "", "P->CIP", "{L} n"},
    {"A11_no_node_hint_for_me_zone_next", "R z=a n=n2, B z=b n=n3", "", "P->CIP", "{R} n"},
    {"A12_one_lacks_node_hint", "L z=a n=n1, R z=a", "", "P->CIP", "{L,R} n"},
    {"A13_neither_matches", "B z=b n=n3", "", "P->CIP", "{B} n"},
    {"A14_fallback_to_terminating", "L notready srv term, R notready srv term", "", "P->CIP",
     "{L,R} n"},
    {"A15_no_topology_in_fallback", "L notready srv term z=b, R notready srv term z=a", "",
     "P->CIP", "{L,R} n"},
    {"A16_any_ready_wins", "L notready srv term, R", "", "P->CIP", "{R} n"},
    {"A17_nobody_serves", "L notready !srv term, R notready !srv", "", "P->CIP", "REJECT"},
    {"A17b_unready_without_terminating", "L notready srv", "", "P->CIP", "REJECT"},
    {"A18_internal_local", "L, R", "itp=Local", "P->CIP", "{L} n"},
    {"A19_internal_local_none_here", "R, B", "itp=Local", "P->CIP", "DROP"},
    {"A20_internal_local_none_at_all", "", "itp=Local", "P->CIP", "REJECT"},
    {"A21_local_falls_back_on_its_own", "L notready srv term, R", "itp=Local", "P->CIP", "{L} n"},
    {"A22_local_ready_before_terminating", "L notready srv term, L2", "itp=Local", "P->CIP",
     "{L2} n"},
    {"A23_terminating_elsewhere", "R notready srv term", "itp=Local", "P->CIP", "DROP"},
    {"A24_local_but_not_serving", "L notready !srv", "itp=Local", "P->CIP", "REJECT"},
    {"A25_hints_never_filter_local", "L z=b, R z=a", "itp=Local", "P->CIP", "{L} n"},
    {"A26_internal_policy_is_not_external", "L, R", "itp=Local", "X->NP", "{L,R} y"},
    {"A27_external_local_ignores_hints", "L z=a, L2 z=b, R z=a", "etp=Local", "X->NP", "{L,L2} n"},
    {"A28_hints_on_the_cluster_side", "L z=a, L2 z=b, R z=a", "etp=Local", "P->CIP", "{L,R} n"},
    {"A29_ready_though_terminating", "L !srv term, R", "", "P->CIP", "{L,R} n"},
    {"A31_unknown_node_is_not_local", "L nonode", "itp=Local", "P->CIP", "DROP"},
};
INSTANTIATE_TEST_SUITE_P(Facts, Selection,
                         testing::Combine(testing::ValuesIn(kSelection), kBothFamilies), name_of);

class Policy : public PlanCases {};
TEST_P(Policy, AndMasquerade) { EXPECT_EQ(outcome(world(), the_case().way), the_case().expected); }

constexpr Case kPolicies[] = {
    {"B01_pod_to_clusterip", "L, R", "", "P->CIP", "{L,R} n"},
    {"B02_etp", "L, R", "etp=Local", "P->CIP", "{L,R} n"},
    {"B03_itp", "L, R", "itp=Local", "P->CIP", "{L} n"},
    {"B04_pod_to_nodeport", "L, R", "", "P->NP", "{L,R} y"},
    {"B05_etp", "L, R", "etp=Local", "P->NP", "{L,R} n"},
    {"B06_itp", "L, R", "itp=Local", "P->NP", "{L,R} y"},
    {"B07_pod_to_load_balancer", "L, R", "", "P->LB", "{L,R} y"},
    {"B08_etp", "L, R", "etp=Local", "P->LB", "{L,R} n"},
    {"B09_itp", "L, R", "itp=Local", "P->LB", "{L,R} y"},
    {"B10_host_to_clusterip", "L, R", "", "H->CIP", "{L,R} y"},
    {"B11_etp", "L, R", "etp=Local", "H->CIP", "{L,R} y"},
    {"B12_itp", "L, R", "itp=Local", "H->CIP", "{L} y"},
    {"B13_host_to_nodeport", "L, R", "", "H->NP", "{L,R} y"},
    {"B14_etp", "L, R", "etp=Local", "H->NP", "{L,R} y"},
    {"B15_itp", "L, R", "itp=Local", "H->NP", "{L,R} y"},
    {"B16_host_to_load_balancer", "L, R", "", "H->LB", "{L,R} y"},
    {"B17_etp", "L, R", "etp=Local", "H->LB", "{L,R} y"},
    {"B18_itp", "L, R", "itp=Local", "H->LB", "{L,R} y"},
    {"B19_outside_to_clusterip", "L, R", "", "X->CIP", "{L,R} y"},
    {"B20_etp", "L, R", "etp=Local", "X->CIP", "{L,R} y"},
    {"B21_itp", "L, R", "itp=Local", "X->CIP", "{L} y"},
    {"B22_outside_to_nodeport", "L, R", "", "X->NP", "{L,R} y"},
    {"B23_etp_keeps_the_client", "L, R", "etp=Local", "X->NP", "{L} n"},
    {"B24_itp", "L, R", "itp=Local", "X->NP", "{L,R} y"},
    {"B25_outside_to_load_balancer", "L, R", "", "X->LB", "{L,R} y"},
    {"B26_etp_keeps_the_client", "L, R", "etp=Local", "X->LB", "{L} n"},
    {"B27_itp", "L, R", "itp=Local", "X->LB", "{L,R} y"},
    {"B35a_pod_to_external_ip", "L, R", "", "P->EIP", "{L,R} y"},
    {"B35b_host_to_external_ip", "L, R", "etp=Local", "H->EIP", "{L,R} y"},
    {"B35c_outside_to_external_ip", "L, R", "", "X->EIP", "{L,R} y"},
    {"B35d_etp", "L, R", "etp=Local", "X->EIP", "{L} n"},
    {"C01_none_at_all", "", "", "P->CIP", "REJECT"},
    {"C02_none_at_all", "", "", "X->NP", "REJECT"},
    {"C03_none_at_all", "", "", "X->LB", "REJECT"},
    {"C03b_none_at_all", "", "etp=Local", "X->LB", "REJECT"},
    {"C05_none_here", "R", "etp=Local", "X->NP", "DROP"},
    {"C06_none_here", "R", "etp=Local", "X->LB", "DROP"},
    {"C07_none_here_but_pods_go_on", "R", "etp=Local", "P->LB", "{R} n"},
    {"C08_none_here_but_the_host_goes_on", "R", "etp=Local", "H->LB", "{R} y"},
    {"C09_none_here_but_the_clusterip_goes_on", "R", "etp=Local", "P->CIP", "{R} n"},
    {"C10a_internal_local_none_here", "R", "itp=Local", "P->CIP", "DROP"},
    {"C10b_while_outsiders_go_on", "R", "itp=Local", "X->NP", "{R} y"},
};
INSTANTIATE_TEST_SUITE_P(Facts, Policy,
                         testing::Combine(testing::ValuesIn(kPolicies), kBothFamilies), name_of);

class NoDetector : public PlanCases {};
TEST_P(NoDetector, TreatsPodsAsOutsiders) {
  World given = world();
  given.options.detect_local = {};
  EXPECT_EQ(outcome(given, the_case().way), the_case().expected);
}
constexpr Case kNoDetector[] = {
    {"B29a", "L, R", "", "H->CIP", "{L,R} n"},
    {"B29b", "L, R", "", "X->CIP", "{L,R} n"},
    {"B29c", "L, R", "", "P->CIP", "{L,R} n"},
    {"B30a", "L, R", "etp=Local", "P->NP", "{L} n"},
    {"B30b", "L, R", "etp=Local", "P->LB", "{L} n"},
    {"B30c_host_is_still_known", "L, R", "etp=Local", "H->LB", "{L,R} y"},
    {"B30d", "R", "etp=Local", "P->LB", "DROP"},
};
INSTANTIATE_TEST_SUITE_P(Facts, NoDetector,
                         testing::Combine(testing::ValuesIn(kNoDetector), kBothFamilies), name_of);

class MasqueradeAll : public PlanCases {};
TEST_P(MasqueradeAll, IsForClusterIpsAlone) {
  World given = world();
  given.options.masquerade_all = true;
  EXPECT_EQ(outcome(given, the_case().way), the_case().expected);
}
constexpr Case kMasqueradeAll[] = {
    {"B31a", "L, R", "", "P->CIP", "{L,R} y"},
    {"B31b", "L, R", "etp=Local", "P->NP", "{L,R} n"},
    {"B32", "L, R", "etp=Local", "X->NP", "{L} n"},
};
INSTANTIATE_TEST_SUITE_P(Facts, MasqueradeAll,
                         testing::Combine(testing::ValuesIn(kMasqueradeAll), kBothFamilies),
                         name_of);

TEST(DetectLocal, HoldsForItsOwnFamilyOnly) {
  World world(Family::kIpv6);
  world.endpoints("L, R");
  world.policies("etp=Local");
  world.options.detect_local.cidrs = {cidr("10.0.0.0/8")};
  EXPECT_EQ(outcome(world, "P->LB"), "{L} n");
  EXPECT_EQ(outcome(world, "X->CIP"), "{L,R} n");
}

TEST(DetectLocal, ByInterfaceHoldsForBothFamilies) {
  for (const auto mode : {DetectLocal::Mode::kInterface, DetectLocal::Mode::kInterfacePrefix}) {
    World world(Family::kIpv6);
    world.endpoints("L, R");
    world.policies("etp=Local");
    world.options.detect_local = {mode, {}, "cni0"};
    EXPECT_EQ(outcome(world, "P->LB"), "{L,R} n");
    EXPECT_EQ(outcome(world, "X->CIP"), "{L,R} y");
  }
}

TEST(NoLocalNode, KnowsNoZoneAndStillPlans) {  // A03, and a Node object that is yet to come
  World world;
  world.cluster.nodes.clear();
  world.endpoints("L z=a, R z=a, B z=b");
  EXPECT_EQ(outcome(world, "P->CIP"), "{L,R,B} n");
}

}  // namespace
}  // namespace fairlead
