// What peers are told of the routes that begin here.
#include <gtest/gtest.h>

#include "dataplane/bgp/export_rules.hpp"
#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

constexpr Community kMark{0xfde80007};

std::optional<PathAttributes> told_own(const PathAttributes& route, const OwnRouteRule& rule,
                                       const PeerRules& to) {
  return own_route(route, Family::kIpv4, rule, {to, session(to, 3)});
}

TEST(OwnRoutes, OurOwnRoutesAreDressedByTheirRule) {
  const OwnRouteRule rule{.tag = {},
                          .communities = {kMark, kNoExport},
                          .large_communities = {{65000, 1, 2}},
                          .med = 7,
                          .local_preference = 250,
                          .prepend = 2};
  PathAttributes route;
  route.communities = {kMark};
  const auto outside = told_own(route, rule, rules(65002, 3));
  ASSERT_TRUE(outside);
  EXPECT_EQ(outside->as_path, path({65000, 65000, 65000}));
  EXPECT_EQ(outside->communities, (std::vector{kMark, kNoExport})) << "each once, and for them";
  EXPECT_EQ(outside->large_communities, rule.large_communities);
  EXPECT_EQ(outside->med, 7U);
  EXPECT_EQ(outside->local_preference, std::nullopt);
  EXPECT_EQ(outside->next_hop.address, ip("10.0.0.1"));
  const auto inside = told_own(route, rule, internal_rules(3));
  EXPECT_EQ(inside->as_path, AsPath{});
  EXPECT_EQ(inside->local_preference, 250U);
  EXPECT_EQ(told_own(route, {}, internal_rules(3))->local_preference, 100U);
}

TEST(OwnRoutes, APeerSeesTheAsThatItKnowsUsBy) {
  auto to = rules(65002, 3);
  to.local_as = AsNumber{64999};
  EXPECT_EQ(told_own({}, {}, to)->as_path, path({64999}));
}

TEST(OwnRoutes, WithoutAnAddressOfTheFamilyThereIsNothingToTell) {
  const auto to = rules(65002, 3);
  auto up = session(to, 3);
  up.next_hop.ipv6.reset();
  EXPECT_FALSE(own_route({}, Family::kIpv6, {}, {to, up}));
  EXPECT_TRUE(own_route({}, Family::kIpv4, {}, {to, up}));
}

}  // namespace
}  // namespace fairlead::bgp
