// What a peer is told of other peers' routes and of our own.
#include "dataplane/bgp/export_rules.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

constexpr Community kMark{0xfde80007};

/// What `to` is told of `route` that `from` said; hosts 2 and 3.
std::optional<PathAttributes> told(const PathAttributes& route, const PeerRules& from,
                                   const PeerRules& to, Family family = Family::kIpv4) {
  if (!may_pass(from, to)) return std::nullopt;
  return passed_on(route, family, speaker(), {from, session(from, 2)}, {to, session(to, 3)});
}

PathAttributes rich_route() {
  auto route = via("10.0.0.2", {65001});
  route.med = 5;
  route.local_preference = 300;
  route.communities = {kMark};
  route.extended_communities = {{{0x00, 2, 0, 1, 0, 0, 0, 1}}, {{0x40, 2, 0, 1, 0, 0, 0, 1}}};
  return route;
}

PeerRules transit(std::uint32_t as, std::uint8_t host) {
  PeerRules to = rules(as, host);
  to.transit = true;
  return to;
}

TEST(ExportRules, AnExternalPeerHearsLearnedRoutesOnlyIfSomebodySaidSo) {
  EXPECT_FALSE(told(rich_route(), rules(65001, 2), rules(65002, 3)));
  EXPECT_TRUE(told(rich_route(), rules(65001, 2), transit(65002, 3)));
}

TEST(ExportRules, AcrossTheBorderGoesWhatHoldsOutside) {
  auto route = rich_route();
  route.originator_id = RouterId{9};
  route.cluster_list = {RouterId{8}};
  const auto heard = told(route, internal_rules(2), transit(65002, 3));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->as_path, path({65000, 65001}));
  EXPECT_EQ(heard->next_hop.address, ip("10.0.0.1"));
  EXPECT_EQ(heard->med, std::nullopt) << "it was for us";
  EXPECT_EQ(heard->local_preference, std::nullopt);
  EXPECT_EQ(heard->originator_id, std::nullopt);
  EXPECT_TRUE(heard->cluster_list.empty());
  EXPECT_EQ(heard->communities, route.communities);
  EXPECT_EQ(heard->extended_communities.size(), 1U) << "the transitive one";
}

TEST(ExportRules, AnInternalPeerHearsExternalRoutesAsTheyAre) {
  auto expected = rich_route();
  EXPECT_EQ(told(rich_route(), rules(65001, 2), internal_rules(3)), expected);
  auto self = internal_rules(3);
  self.next_hop_self = true;
  expected.next_hop.address = ip("10.0.0.1");
  EXPECT_EQ(told(rich_route(), rules(65001, 2), self), expected);
  auto without = rich_route();
  without.local_preference.reset();
  EXPECT_EQ(told(without, rules(65001, 2), internal_rules(3))->local_preference, 100U);
}

TEST(ExportRules, BetweenInternalPeersOnlyAReflectorPassesOn) {
  struct Case {
    bool from_client, to_client, passes;
  };
  for (const auto& [from_client, to_client, passes] : std::initializer_list<Case>{
           {false, false, false}, {true, false, true}, {false, true, true}, {true, true, true}}) {
    auto from = internal_rules(2);
    auto to = internal_rules(3);
    from.client = from_client;
    to.client = to_client;
    EXPECT_EQ(may_pass(from, to), passes) << from_client << to_client;
    EXPECT_FALSE(may_pass(from, from)) << "not back to it";
  }
}

TEST(ExportRules, AReflectedRouteIsMarkedAndOtherwiseUnchanged) {
  auto from = internal_rules(2);
  auto to = internal_rules(3);
  from.client = to.client = to.next_hop_self = true;
  auto expected = rich_route();
  expected.originator_id = RouterId{0x0a000002};
  expected.cluster_list = {kOurId};
  const auto once = told(rich_route(), from, to);
  EXPECT_EQ(once, expected);
  const auto again = told(*once, from, to);
  EXPECT_EQ(again->originator_id, RouterId{0x0a000002});
  EXPECT_EQ(again->cluster_list, (std::vector{kOurId, kOurId}));
}

TEST(ExportRules, WhoOriginatedARouteDoesNotHearOfIt) {
  auto from = internal_rules(2);
  from.client = true;
  auto route = rich_route();
  route.originator_id = RouterId{0x0a000003};
  EXPECT_FALSE(told(route, from, internal_rules(3)));
}

TEST(ExportRules, CommunitiesThatForbidARouteAreHeeded) {
  const auto passes = [](Community community, const PeerRules& to) {
    auto route = rich_route();
    route.communities = {kMark, community};
    return told(route, rules(65001, 2), to).has_value();
  };
  EXPECT_FALSE(passes(kNoAdvertise, internal_rules(3)));
  EXPECT_FALSE(passes(kNoAdvertise, transit(65002, 3)));
  EXPECT_TRUE(passes(kNoExport, internal_rules(3)));
  EXPECT_FALSE(passes(kNoExport, transit(65002, 3)));
  EXPECT_FALSE(passes(kNoExportSubconfed, transit(65002, 3)));
  constexpr Community kNoPeer{0xffffff04};
  auto peer = transit(65002, 3);
  EXPECT_TRUE(passes(kNoPeer, peer));
  peer.role = Role::kPeer;
  EXPECT_FALSE(passes(kNoPeer, peer));
}

TEST(ExportRules, RolesKeepRoutesFromGoingUp) {
  const auto heard = [](Role role, std::optional<AsNumber> mark) {
    auto to = transit(65002, 3);
    to.role = role;
    auto route = rich_route();
    route.only_to_customer = mark;
    return told(route, rules(65001, 2), to);
  };
  const AsNumber mark{65001};
  EXPECT_FALSE(heard(Role::kCustomer, mark));
  EXPECT_FALSE(heard(Role::kPeer, mark));
  EXPECT_FALSE(heard(Role::kRouteServerClient, mark));
  EXPECT_EQ(heard(Role::kProvider, mark)->only_to_customer, mark);
  EXPECT_EQ(heard(Role::kProvider, {})->only_to_customer, kOurAs);
  EXPECT_EQ(heard(Role::kRouteServer, {})->only_to_customer, kOurAs);
  EXPECT_EQ(heard(Role::kPeer, {})->only_to_customer, kOurAs);
  EXPECT_EQ(heard(Role::kCustomer, {})->only_to_customer, std::nullopt);
}

TEST(ExportRules, NobodyIsToldANextHopThatItCannotUse) {
  const auto to = internal_rules(3);
  EXPECT_FALSE(told(via("10.0.0.3", {65001}), rules(65001, 2), to)) << "the peer itself";
  EXPECT_FALSE(told(via("fd00::2", {65001}), rules(65001, 2), to)) << "RFC 8950 not agreed on";
  const auto over_ipv6 = [&] {
    auto up = session(to, 3);
    up.negotiated.ipv4_over_ipv6 = true;
    const auto from = rules(65001, 2);
    return passed_on(via("fd00::2", {65001}), Family::kIpv4, speaker(), {from, session(from, 2)},
                     {to, up});
  };
  ASSERT_TRUE(over_ipv6());
  EXPECT_EQ(over_ipv6()->next_hop.address, ip("fd00::2"));
}

TEST(ExportRules, ALinkLocalNextHopStaysOnItsLink) {
  const auto from = rules(65001, 2);
  const auto alone = told(via("fe80::2", {65001}), from, internal_rules(3), Family::kIpv6);
  EXPECT_EQ(alone->next_hop, NextHop{.address = ip("fd00::1")});
  auto beside = via("fd00::2", {65001});
  beside.next_hop.link_local = ip("fe80::2");
  const auto heard = told(beside, from, internal_rules(3), Family::kIpv6);
  EXPECT_EQ(heard->next_hop, NextHop{.address = ip("fd00::2")});
}

}  // namespace
}  // namespace fairlead::bgp
