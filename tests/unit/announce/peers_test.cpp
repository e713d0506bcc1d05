// BGPPeers: what each field makes of the session, and what is no session.
#include <algorithm>
#include <functional>

#include "tests/unit/announce/world.hpp"

namespace fairlead::announce {
namespace {

World world_without_mesh() {
  World world;
  world.options.full_mesh = false;
  return world;
}

TEST(Peers, HaveTheSessionThatTheObjectSays) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  tor.port = Port{1179};
  tor.hold_time = std::chrono::seconds(9);
  tor.keepalive = std::chrono::seconds(2);
  tor.connect_retry = std::chrono::seconds(3);
  tor.graceful_restart = std::chrono::seconds(60);
  tor.ebgp_multihop = 4;
  tor.passive = true;
  tor.next_hop_self = true;
  tor.max_prefixes = 77;
  tor.role = BgpRole::kCustomer;
  EXPECT_EQ(world.problems(), Words{});
  const auto peer = world.peer("tor");
  EXPECT_EQ(peer.transport,
            (bgp::control::Transport{.address = ip("10.0.0.1"), .port = Port{1179}, .hops = 4}));
  EXPECT_EQ(peer.session, (bgp::PeerConfig{.own_as = {64512},
                                           .router_id = {0xc0a80001},
                                           .peer_as = {65001},
                                           .passive = true,
                                           .families = {.ipv4 = true, .ipv6 = true},
                                           .hold_time = std::chrono::seconds(9),
                                           .keepalive = std::chrono::seconds(2),
                                           .connect_retry = std::chrono::seconds(3),
                                           .graceful_restart =
                                               bgp::RestartConfig{.time = std::chrono::seconds(60)},
                                           .role = bgp::Role::kCustomer,
                                           .maximum_prefixes = 77}));
  EXPECT_EQ(peer.rules.max_prefixes, 77U);
  EXPECT_EQ(peer.rules.role, bgp::Role::kCustomer);
  EXPECT_TRUE(peer.rules.next_hop_self);
  EXPECT_FALSE(peer.rules.transit);
  EXPECT_EQ(peer.next_hop.ipv4, std::nullopt);
  EXPECT_EQ(peer.next_hop.ipv6, ip("fd00:192::1"));
}

TEST(Peers, HopsAreOneForNeighboursAnyForInternalOnesAndOneWithTtlSecurity) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  EXPECT_EQ(world.peer("tor").transport.hops, 1);
  tor.asn = 64512;
  EXPECT_EQ(world.peer("tor").transport.hops, 255);
  tor.ttl_security = true;
  EXPECT_EQ(world.peer("tor").transport.hops, 1);
  EXPECT_TRUE(world.peer("tor").transport.ttl_security);
}

TEST(Peers, AreHeldByTheNodesThatTheySelect) {
  World world = world_without_mesh();
  world.add_peer("tor", 1).nodes.requirements = {{"rack", LabelRequirement::Operator::kIn, {"a"}}};
  EXPECT_EQ(world.peers(), Words{});
  world.node("n1").labels["rack"] = "a";
  EXPECT_EQ(world.peers(), Words{"tor"});
}

TEST(Peers, OfTheirAnnouncementsTheOthersPodRangesAreTakenAndWhatTheyMaySayMore) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  const Words pods{"10.1.2.0/24 24-32", "10.1.3.0/24 24-32", "fd00:1:2::/64 64-128",
                   "fd00:1:3::/64 64-128"};
  EXPECT_EQ(world.taken("tor"), pods);
  tor.imports = {{cidr("0.0.0.0/0"), 0, 0}};
  Words more = pods;
  more.insert(more.begin(), "0.0.0.0/0");
  Words taken = world.taken("tor");
  std::ranges::sort(taken);
  EXPECT_EQ(taken, more);
}

TEST(Peers, ARouterBetweenNodesMayRepeatWhatOthersOfOurAsSaid) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  EXPECT_EQ(world.peer("tor").rules.own_as_allowed, 1U);
  EXPECT_TRUE(world.peer("tor").rules.first_as_checked);
  tor.role = BgpRole::kRouteServerClient;
  EXPECT_FALSE(world.peer("tor").rules.first_as_checked);
  tor.role.reset();
  tor.asn = 64512;
  EXPECT_EQ(world.peer("tor").rules.own_as_allowed, 0U);
}

TEST(Peers, LocalAsnStandsInPlaceOfTheNodes) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  tor.local_asn = 65001;
  tor.route_reflector_client = true;
  const auto peer = world.peer("tor");
  EXPECT_EQ(peer.session.own_as, bgp::AsNumber{65001});
  EXPECT_EQ(peer.rules.local_as, bgp::AsNumber{65001});
  EXPECT_TRUE(peer.rules.internal());
  EXPECT_TRUE(peer.rules.client);
}

TEST(Peers, FamiliesAreThoseThatThisNodeCanBeANextHopOf) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  world.node("n1").addresses = {ip("192.168.0.1")};
  EXPECT_EQ(world.peer("tor").session.families, (bgp::FamilySet{.ipv4 = true, .ipv6 = false}));
  world.node("n1").addresses = {ip("fd00:192::1")};
  tor.address = ip("fd00::9");
  EXPECT_EQ(world.peer("tor").session.families, (bgp::FamilySet{.ipv4 = true, .ipv6 = true}));
  EXPECT_TRUE(world.peer("tor").session.ipv4_over_ipv6);
  tor.ipv4 = false;
  EXPECT_FALSE(world.peer("tor").session.ipv4_over_ipv6);
}

TEST(Peers, BfdAndRestartAreAsConfigured) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  EXPECT_EQ(world.peer("tor").transport.bfd, std::nullopt);
  tor.bfd = Bfd{.interval = std::chrono::milliseconds(100), .multiplier = 5};
  tor.graceful_restart = std::chrono::seconds(0);
  EXPECT_EQ(world.peer("tor").transport.bfd, tor.bfd);
  EXPECT_EQ(world.peer("tor").session.graceful_restart, std::nullopt);
}

TEST(Peers, APasswordIsReadOfItsSecretByThoseNodesThatNeedIt) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  tor.password = SecretKey{{"net", "tor"}, "md5"};
  world.add_peer("elsewhere", 2).password = SecretKey{{"net", "elsewhere"}, "md5"};
  world.objects.peers["elsewhere"].nodes.requirements = {
      {"rack", LabelRequirement::Operator::kExists, {}}};
  EXPECT_EQ(secrets(world.options, world.cluster, world.objects),
            (std::set<ObjectName>{{"net", "tor"}}));
  world.objects.passwords[*tor.password] = "s3cret";
  EXPECT_EQ(world.peer("tor").transport.password, "s3cret");
}

/// Each row spoils the peer "bad"; "good" must not notice, and the message names object and field.
TEST(Peers, ABadOneIsLeftOutAndNamedAndCostsNoOther) {
  struct Case {
    std::string problem;
    std::function<void(World&, BgpPeer&)> spoil;
  };
  const SecretKey key{{"net", "tor"}, "md5"};
  const std::vector<Case> cases{
      {"spec.address: 10.0.0.1 is BGPPeer a-good's already; there is no other session with it",
       [](World&, BgpPeer& bad) { bad.address = ip("10.0.0.1"); }},
      {"spec.address: 192.168.0.1 is Node n1's already; there is no other session with it",
       [](World&, BgpPeer& bad) { bad.address = ip("192.168.0.1"); }},
      {"spec.address: 192.168.0.2 is Node n2's already; there is no other session with it",
       [](World&, BgpPeer& bad) { bad.address = ip("192.168.0.2"); }},
      {"spec.asn: 23456 is reserved (RFC 6793); there is no session with it",
       [](World&, BgpPeer& bad) { bad.asn = 23456; }},
      {"spec.localASN: 23456 is reserved (RFC 6793); there is no session with it",
       [](World&, BgpPeer& bad) { bad.local_asn = 23456; }},
      {"spec.families: this node has no address of them; there is no session with it",
       [](World& world, BgpPeer& bad) {
         world.node("n1").addresses.pop_back();
         bad.ipv4 = false;
       }},
      {"spec: hold time: must be 0, or 3 to 65535 s; there is no session with it",
       [](World&, BgpPeer& bad) { bad.hold_time = std::chrono::seconds(1); }},
      {"spec.passwordSecretRef: key md5 of Secret net/tor does not exist; there is no session with "
       "it",
       [&](World&, BgpPeer& bad) { bad.password = key; }},
      {"spec.passwordSecretRef: key md5 of Secret net/tor is empty; there is no session with it",
       [&](World& world, BgpPeer& bad) {
         bad.password = key;
         world.objects.passwords[key] = "";
       }},
      {"spec.passwordSecretRef: key md5 of Secret net/tor has 81 bytes; the kernel takes 80 as a "
       "password; there is no session with it",
       [&](World& world, BgpPeer& bad) {
         bad.password = key;
         world.objects.passwords[key] = std::string(81, 'x');
       }},
  };
  for (const Case& each : cases) {
    World world;
    world.add_peer("a-good", 1);
    world.add_peer("z-good", 3);
    each.spoil(world, world.add_peer("bad", 2));
    EXPECT_EQ(world.problems(), Words{"BGPPeer bad: " + each.problem});
    const Words peers = world.peers();
    EXPECT_EQ(std::ranges::count(peers, "bad"), 0) << each.problem;
    EXPECT_EQ(std::ranges::count(peers, "a-good"), 1) << each.problem;
    EXPECT_EQ(std::ranges::count(peers, "z-good"), 1) << each.problem;
  }
}

TEST(Peers, WhatContradictsItselfLosesTheField) {
  World world = world_without_mesh();
  BgpPeer& tor = world.add_peer("tor", 1);
  tor.route_reflector_client = true;
  tor.ebgp_multihop = 2;
  tor.bfd = Bfd{};
  EXPECT_EQ(world.problems(),
            (Words{"BGPPeer tor: spec.bfd: is for peers on the same link, not with ebgpMultihop; "
                   "it is left out",
                   "BGPPeer tor: spec.routeReflectorClient: is for peers of the same ASN; it is "
                   "left out"}));
  EXPECT_FALSE(world.peer("tor").rules.client);
  tor = world.add_peer("tor", 1);
  tor.asn = 64512;
  tor.role = BgpRole::kPeer;
  EXPECT_EQ(world.problems(),
            Words{"BGPPeer tor: spec.role: is for peers of another ASN; it is left out"});
  EXPECT_EQ(world.peer("tor").session.role, std::nullopt);
}

TEST(Peers, OfTwoAtOneAddressTheFirstByNameHasTheSession) {
  World world = world_without_mesh();
  world.add_peer("b", 1);
  world.add_peer("a", 1).asn = 65007;
  EXPECT_EQ(world.peers(), Words{"a"});
  world.objects.peers["a"].nodes.requirements = {{"rack", LabelRequirement::Operator::kExists, {}}};
  EXPECT_EQ(world.peers(), Words{"b"}) << "one that is for other nodes is in nobody's way";
}

}  // namespace
}  // namespace fairlead::announce
