// Which routes take part, and which never do.
#include <gtest/gtest.h>

#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

std::string refusal_of(const PathAttributes& attributes, const PeerRules& from) {
  const auto refusal = refuse(attributes, speaker(), {from, session(from, 2)});
  return refusal ? std::string(to_string(*refusal)) : "none";
}

TEST(ImportRules, OurOwnAsInThePathIsALoopUnlessItIsAllowedToStandThere) {
  auto from = rules(65001, 2);
  EXPECT_EQ(refusal_of(via("10.0.0.2", {65001, 65002}), from), "none");
  EXPECT_EQ(refusal_of(via("10.0.0.2", {65001, 65000}), from), "own AS in path");
  from.own_as_allowed = 1;
  EXPECT_EQ(refusal_of(via("10.0.0.2", {65001, 65000}), from), "none");
  EXPECT_EQ(refusal_of(via("10.0.0.2", {65001, 65000, 65000}), from), "own AS in path");
}

TEST(ImportRules, TheAsThatAPeerKnowsUsByIsOurOwnToo) {
  auto from = rules(65001, 2);
  from.local_as = AsNumber{64999};
  EXPECT_EQ(refusal_of(via("10.0.0.2", {65001, 64999}), from), "own AS in path");
}

TEST(ImportRules, WhatCameBackThroughReflectorsIsRefused) {
  const auto from = internal_rules(2);
  auto attributes = via("10.0.0.3", {});
  attributes.originator_id = RouterId{5};
  attributes.cluster_list = {RouterId{6}, RouterId{7}};
  EXPECT_EQ(refusal_of(attributes, from), "none");
  attributes.cluster_list.push_back(kOurId);
  EXPECT_EQ(refusal_of(attributes, from), "own cluster id");
  attributes.originator_id = kOurId;
  EXPECT_EQ(refusal_of(attributes, from), "own originator id");
}

TEST(ImportRules, AnExternalPeersPathBeginsWithItsAs) {
  auto from = rules(65001, 2);
  const auto other = via("10.0.0.2", {65002, 65001});
  EXPECT_EQ(refusal_of(other, from), "path does not begin with the peer's AS");
  EXPECT_EQ(refusal_of(via("10.0.0.2", {}), from), "path does not begin with the peer's AS");
  from.first_as_checked = false;
  EXPECT_EQ(refusal_of(other, from), "none");
  EXPECT_EQ(refusal_of(other, internal_rules(2)), "none");
}

TEST(ImportRules, OurOwnAddressIsNoNextHop) {
  const auto from = rules(65001, 2);
  EXPECT_EQ(refusal_of(via("10.0.0.1", {65001}), from), "own address as next hop");
}

TEST(ImportRules, RolesTellLeaksAndMarkWhatComesFromAbove) {
  auto from = rules(65001, 2);
  auto marked = via("10.0.0.2", {65001});
  marked.only_to_customer = AsNumber{65009};
  const auto under = [&](Role role) {
    from.role = role;
    return refusal_of(marked, from);
  };
  EXPECT_EQ(refusal_of(marked, from), "none") << "no role is known";
  EXPECT_EQ(under(Role::kProvider), "route leak");
  EXPECT_EQ(under(Role::kRouteServer), "route leak");
  EXPECT_EQ(under(Role::kPeer), "route leak");
  EXPECT_EQ(under(Role::kCustomer), "none");
  EXPECT_EQ(under(Role::kRouteServerClient), "none");
  marked.only_to_customer = from.as;
  EXPECT_EQ(under(Role::kPeer), "none");

  const auto unmarked = via("10.0.0.2", {65001});
  const auto mark = [&](Role role) {
    from.role = role;
    return imported(unmarked, from).only_to_customer;
  };
  EXPECT_EQ(mark(Role::kCustomer), from.as);
  EXPECT_EQ(mark(Role::kPeer), from.as);
  EXPECT_EQ(mark(Role::kRouteServerClient), from.as);
  EXPECT_EQ(mark(Role::kProvider), std::nullopt);
}

TEST(ImportRules, WhatAnExternalPeerIsAboutToWithdrawIsTheLastChoice) {
  auto leaving = via("10.0.0.2", {65001});
  leaving.communities = {kGracefulShutdown};
  EXPECT_EQ(imported(leaving, rules(65001, 2)).local_preference, 0U);
  EXPECT_EQ(imported(leaving, internal_rules(2)), leaving);
}

TEST(ImportRules, NothingIsTakenButWhatARuleAllows) {
  PeerRules from;
  EXPECT_FALSE(allows(from, prefix("10.1.0.0/24")));
  const std::vector<Cidr> cluster{prefix("10.1.0.0/16"), prefix("fd01::/48")};
  from.imports = imports_within(cluster);
  for (const char* inside : {"10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "fd01::/64"})
    EXPECT_TRUE(allows(from, prefix(inside))) << inside;
  for (const char* outside : {"0.0.0.0/0", "10.0.0.0/8", "10.2.0.0/24", "::/0", "fd02::/64"})
    EXPECT_FALSE(allows(from, prefix(outside))) << outside;
  from.imports = {{.prefix = prefix("0.0.0.0/0"), .min_length = 0, .max_length = 0}};
  EXPECT_TRUE(allows(from, prefix("0.0.0.0/0")));
  EXPECT_FALSE(allows(from, prefix("10.1.0.0/16")));
}

}  // namespace
}  // namespace fairlead::bgp
