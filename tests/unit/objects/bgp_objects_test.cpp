// AddressPool, BGPPeer and BGPAdvertisement: what each field means, and what a mistake costs.
#include "objects/bgp_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "objects/yaml.hpp"

namespace fairlead {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace json = boost::json;

json::value object(std::string_view kind, std::string_view spec) {
  return parse_documents("apiVersion: fairlead.io/v1alpha1\nkind: " + std::string(kind) +
                         "\nmetadata: {name: x}\nspec: " + std::string(spec))
      .value()
      .at(0);
}

template <class T>
Decoded<T> usable(Result<Decoded<T>> decoded) {
  EXPECT_TRUE(decoded) << decoded.error().doing;
  return decoded ? *decoded : Decoded<T>{};
}
template <class T>
std::string refusal(const Result<Decoded<T>>& decoded) {
  return decoded ? "" : decoded.error().doing;
}
template <class T>
std::vector<std::string> problems(const Decoded<T>& decoded) {
  std::vector<std::string> lines;
  for (const Problem& problem : decoded.problems) {
    lines.push_back(problem.object + ": " + problem.field + ": " + problem.message);
  }
  return lines;
}

auto pool(std::string_view spec) { return decode_address_pool(object("AddressPool", spec)); }
auto peer(std::string_view spec) { return decode_bgp_peer(object("BGPPeer", spec)); }
auto advertisement(std::string_view spec) {
  return decode_bgp_advertisement(object("BGPAdvertisement", spec));
}
/// A peer with what it must have, and `more`.
auto peer_with(std::string_view more) {
  return peer("{address: 192.0.2.1, asn: 65000, " + std::string(more) + "}");
}

TEST(DecodeAddressPool, ReadsRangesOfBothFamilies) {
  const auto decoded = usable(
      pool("{addresses: [192.0.2.0/30, '198.51.100.10 - 198.51.100.12', 'fd00::/112'], autoAssign: "
           "false, avoidBuggyIPs: true, namespaces: [a], announce: Layer2, "
           "serviceSelector: {matchLabels: {tier: front}}}"));
  EXPECT_THAT(decoded.problems, IsEmpty());
  const AddressPool& made = decoded.object;
  EXPECT_EQ(made.name, "x");
  ASSERT_EQ(made.ranges.size(), 3U);
  EXPECT_EQ(to_string(made.ranges[0]), "192.0.2.0-192.0.2.3");
  EXPECT_EQ(to_string(made.ranges[1]), "198.51.100.10-198.51.100.12");
  EXPECT_EQ(to_string(made.ranges[2]), "fd00::-fd00::ffff");
  EXPECT_FALSE(made.auto_assign);
  EXPECT_EQ(made.announce, Announce::kLayer2);
  EXPECT_FALSE(made.may_give(*parse_ip("192.0.2.0")));
  EXPECT_TRUE(made.contains(*parse_ip("192.0.2.0")));
  EXPECT_TRUE(made.may_give(*parse_ip("192.0.2.1")));
  EXPECT_TRUE(made.may_give(*parse_ip("fd00::")));
  EXPECT_TRUE(made.serves("a", {{"tier", "front"}}));
  EXPECT_FALSE(made.serves("a", {{"tier", "back"}}));
  EXPECT_FALSE(made.serves("b", {{"tier", "front"}}));
}

TEST(DecodeAddressPool, HasDefaults) {
  const AddressPool made = usable(pool("{addresses: [192.0.2.0/30]}")).object;
  EXPECT_TRUE(made.auto_assign);
  EXPECT_FALSE(made.avoid_buggy_ips);
  EXPECT_EQ(made.announce, Announce::kBgp);
  EXPECT_TRUE(made.serves("any", {}));
}

TEST(DecodeAddressPool, ABadRangeCostsItself) {
  const auto decoded =
      usable(pool("{addresses: [foo, 10.0.0.9-10.0.0.1, '10.0.0.1-fd00::1', 127.0.0.0/24, "
                  "10.0.0.0/24, 10.0.0.128/25, 10.1.0.1]}"));
  EXPECT_EQ(decoded.object.ranges.size(), 1U);
  EXPECT_THAT(
      problems(decoded),
      ElementsAre(
          "AddressPool x: spec.addresses[0]: \"foo\" is neither a CIDR nor a range FIRST-LAST",
          "AddressPool x: spec.addresses[1]: \"10.0.0.9-10.0.0.1\" is no range: its end is before "
          "its beginning",
          "AddressPool x: spec.addresses[2]: \"10.0.0.1-fd00::1\" is no range: its ends are of two "
          "families",
          "AddressPool x: spec.addresses[3]: \"127.0.0.0/24\": may not have addresses of "
          "127.0.0.0/8 (loopback)",
          "AddressPool x: spec.addresses[5]: \"10.0.0.128/25\" overlaps with 10.0.0.0-10.0.0.255",
          "AddressPool x: spec.addresses[6]: \"10.1.0.1\" is neither a CIDR nor a range "
          "FIRST-LAST"));
}

TEST(DecodeAddressPool, IsRefusedWhereItWouldGiveToOthersThanMeant) {
  EXPECT_EQ(refusal(pool("{addresses: [foo/24]}")),
            "AddressPool x: spec.addresses: no usable range: \"foo/24\" is not a CIDR");
  EXPECT_EQ(refusal(pool("{}")), "AddressPool x: spec.addresses: no usable range: missing");
  EXPECT_EQ(refusal(pool("{addresses: [10.0.0.0/24], serviceSelector: {matchExpressions: [{key: a, "
                         "operator: Near}]}}")),
            "AddressPool x: spec.serviceSelector.matchExpressions[0].operator: must be In, NotIn, "
            "Exists or DoesNotExist");
  EXPECT_EQ(refusal(pool("{addresses: [10.0.0.0/24], namespaces: [1]}")),
            "AddressPool x: spec.namespaces[0]: expected text, not an integer");
  EXPECT_EQ(refusal(pool("{addresses: [10.0.0.0/24], announce: OSPF}")),
            "AddressPool x: spec.announce: \"OSPF\" must be BGP, Layer2 or None");
}

TEST(LabelSelector, HoldsAsKubernetesSays) {
  const auto selector = [](std::string_view text) {
    return usable(pool("{addresses: [10.0.0.0/24], serviceSelector: " + std::string(text) + "}"))
        .object.services;
  };
  const Labels labels{{"a", "1"}, {"b", ""}};
  EXPECT_TRUE(selector("{}").matches(labels));
  EXPECT_TRUE(selector("{matchLabels: {a: '1'}}").matches(labels));
  EXPECT_FALSE(selector("{matchLabels: {a: '1', c: x}}").matches(labels));
  const auto term = [&](std::string_view text) {
    return selector("{matchExpressions: [" + std::string(text) + "]}").matches(labels);
  };
  EXPECT_TRUE(term("{key: a, operator: In, values: ['2', '1']}"));
  EXPECT_FALSE(term("{key: a, operator: NotIn, values: ['2', '1']}"));
  EXPECT_TRUE(term("{key: c, operator: NotIn, values: ['2']}"));
  EXPECT_TRUE(term("{key: b, operator: Exists}"));
  EXPECT_FALSE(term("{key: b, operator: DoesNotExist}"));
  EXPECT_TRUE(term("{key: c, operator: DoesNotExist}"));
}

TEST(DecodeBgpPeer, HasDefaults) {
  const auto decoded = usable(peer("{address: 192.0.2.1, asn: 4294967295}"));
  EXPECT_THAT(decoded.problems, IsEmpty());
  BgpPeer wanted;
  wanted.name = "x";
  wanted.address = *parse_ip("192.0.2.1");
  wanted.asn = 4294967295U;
  EXPECT_EQ(decoded.object, wanted);
  EXPECT_EQ(wanted.port.host, 179);
  EXPECT_EQ(wanted.hold_time, seconds(90));
  EXPECT_EQ(wanted.graceful_restart, seconds(120));
}

TEST(DecodeBgpPeer, ReadsEveryField) {
  const auto decoded = usable(peer(R"(
    {address: "fd00::1", port: 1179, asn: 65000, localASN: 65001, ebgpMultihop: 3, passive: true,
     nodeSelector: {matchLabels: {rack: a}}, passwordSecretRef: {namespace: s, name: n, key: k},
     holdTimeSeconds: 9, keepaliveSeconds: 3, connectRetrySeconds: 5, gracefulRestartSeconds: 0,
     bfd: {enabled: true, intervalMilliseconds: 100, multiplier: 5}, families: [IPv6],
     routeReflectorClient: true, nextHopSelf: true, maxPrefixes: 7, role: Customer,
     importPrefixes: [{prefix: 10.0.0.0/8}, {prefix: 10.0.0.0/8, minLength: 24},
                      {prefix: "fd00::/8", maxLength: 64}, {prefix: 10.0.0.0/8, minLength: 9, maxLength: 10}]})"));
  EXPECT_THAT(decoded.problems, IsEmpty());
  const BgpPeer& made = decoded.object;
  EXPECT_EQ(made.port.host, 1179);
  EXPECT_EQ(made.local_asn, 65001U);
  EXPECT_EQ(made.ebgp_multihop, 3);
  EXPECT_TRUE(made.passive && made.route_reflector_client && made.next_hop_self);
  EXPECT_TRUE(made.nodes.matches({{"rack", "a"}}));
  EXPECT_FALSE(made.nodes.matches({}));
  EXPECT_EQ(made.password, (SecretKey{{"s", "n"}, "k"}));
  EXPECT_EQ(made.hold_time, seconds(9));
  EXPECT_EQ(made.keepalive, seconds(3));
  EXPECT_EQ(made.connect_retry, seconds(5));
  EXPECT_EQ(made.graceful_restart, seconds(0));
  EXPECT_EQ(made.bfd, (Bfd{std::chrono::milliseconds(100), 5}));
  EXPECT_TRUE(made.ipv6 && !made.ipv4);
  EXPECT_EQ(made.max_prefixes, 7U);
  EXPECT_EQ(made.role, BgpRole::kCustomer);
  const Cidr ten = *parse_cidr("10.0.0.0/8");
  EXPECT_THAT(made.imports,
              ElementsAre(PrefixRule{ten, 8, 8}, PrefixRule{ten, 24, 32},
                          PrefixRule{*parse_cidr("fd00::/8"), 8, 64}, PrefixRule{ten, 9, 10}));
  EXPECT_TRUE(made.imports[1].allows(*parse_cidr("10.1.2.0/24")));
  EXPECT_FALSE(made.imports[1].allows(*parse_cidr("10.1.0.0/16")));
  EXPECT_FALSE(made.imports[1].allows(*parse_cidr("11.1.2.0/24")));
  EXPECT_FALSE(made.imports[2].allows(*parse_cidr("::/0")));
}

TEST(DecodeBgpPeer, ABadFieldOfASessionCostsItself) {
  const auto decoded = usable(peer_with(
      "holdTimeSeconds: 2, keepaliveSeconds: 90, connectRetrySeconds: 0, maxPrefixes: -1, "
      "gracefulRestartSeconds: 4096, bfd: {intervalMilliseconds: 1, multiplier: 3}, "
      "importPrefixes: [{prefix: x}, {prefix: 10.0.0.0/8, minLength: 7}, {}, "
      "{prefix: 10.0.0.0/8, minLength: 9, maxLength: 8}, {prefix: 0.0.0.0/0}]"));
  EXPECT_EQ(decoded.object.hold_time, seconds(90));
  EXPECT_EQ(decoded.object.imports.size(), 1U);
  EXPECT_EQ(decoded.object.max_prefixes, BgpPeer::kDefaultMaxPrefixes);
  EXPECT_THAT(
      problems(decoded),
      ElementsAre("BGPPeer x: spec.holdTimeSeconds: must be 0, or 3 at least; 90 is used",
                  "BGPPeer x: spec.keepaliveSeconds: must be less than the hold time; a third of "
                  "it is used",
                  "BGPPeer x: spec.connectRetrySeconds: 0 must be between 1 and 65535",
                  "BGPPeer x: spec.gracefulRestartSeconds: 4096 must be between 0 and 4095",
                  "BGPPeer x: spec.bfd.intervalMilliseconds: 1 must be between 10 and 60000",
                  "BGPPeer x: spec.maxPrefixes: -1 must be between 1 and 4294967295",
                  "BGPPeer x: spec.importPrefixes[0].prefix: \"x\" is not a CIDR: no '/'",
                  "BGPPeer x: spec.importPrefixes[1].minLength: 7 must be between 8 and 32",
                  "BGPPeer x: spec.importPrefixes[2].prefix: missing",
                  "BGPPeer x: spec.importPrefixes[3].maxLength: 8 must be between 9 and 32"));
}

struct Refused {
  std::string spec, message;
};
void PrintTo(const Refused& c, std::ostream* out) { *out << c.spec; }
class BadPeer : public testing::TestWithParam<Refused> {};

TEST_P(BadPeer, IsRefusedByTheFieldThatSaysWhoIsTrusted) {
  EXPECT_EQ(refusal(peer(GetParam().spec)), "BGPPeer x: spec." + GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadPeer,
    testing::Values(
        Refused{"{asn: 1}", "address: missing"},
        Refused{"{address: rack1, asn: 1}", "address: \"rack1\" is not an IP address"},
        Refused{"{address: 127.0.0.1, asn: 1}", "address: \"127.0.0.1\" is no router's address"},
        Refused{"{address: 10.0.0.1}", "asn: missing"},
        Refused{"{address: 10.0.0.1, asn: 0}", "asn: 0 must be between 1 and 4294967295"},
        Refused{"{address: 10.0.0.1, asn: 4294967296}",
                "asn: 4294967296 must be between 1 and 4294967295"},
        Refused{"{address: 10.0.0.1, asn: 1, port: 0}", "port: 0 must be between 1 and 65535"},
        Refused{"{address: 10.0.0.1, asn: 1, passwordSecretRef: {name: a}}",
                "passwordSecretRef.namespace: missing"},
        Refused{"{address: 10.0.0.1, asn: 1, nodeSelector: [a]}",
                "nodeSelector: expected an object, not a list"},
        Refused{"{address: 10.0.0.1, asn: 1, nodeSelector: {matchExpressions: [{key: a, operator: "
                "In}]}}",
                "nodeSelector.matchExpressions[0].values: needed with In and NotIn"},
        Refused{"{address: 10.0.0.1, asn: 1, ttlSecurity: true, ebgpMultihop: 2}",
                "ttlSecurity: may not be set together with ebgpMultihop"},
        Refused{"{address: 10.0.0.1, asn: 1, families: [L2VPN]}",
                "families[0]: \"L2VPN\" must be IPv4 or IPv6"},
        Refused{"{address: 10.0.0.1, asn: 1, role: Friend}",
                "role: \"Friend\" must be Provider, RouteServer, RouteServerClient, Customer or "
                "Peer"}));

TEST(DecodeBgpAdvertisement, ReadsEveryField) {
  const auto decoded = usable(advertisement(R"(
    {routes: [PodCIDR, LoadBalancerIP], pools: [a], peers: [p], communities: ["65000:100", no-export, "65000:1:2", "65000:100"],
     serviceSelector: {matchLabels: {a: b}}, nodeSelector: {matchLabels: {c: d}}, localPreference: 200, med: 0,
     asPathPrepend: 10, aggregationLength: 24, aggregationLengthV6: 64})"));
  EXPECT_THAT(decoded.problems, IsEmpty());
  const BgpAdvertisement& made = decoded.object;
  EXPECT_TRUE(made.pod_cidrs && made.load_balancer_ips && !made.cluster_ips && !made.external_ips);
  EXPECT_THAT(made.pools, ElementsAre("a"));
  EXPECT_THAT(made.peers, ElementsAre("p"));
  EXPECT_THAT(made.communities.standard, ElementsAre(0xFDE80064U, 0xFFFFFF01U));
  EXPECT_THAT(made.communities.large, ElementsAre(LargeCommunity{65000, 1, 2}));
  EXPECT_TRUE(made.services.matches({{"a", "b"}}) && !made.services.matches({}));
  EXPECT_TRUE(made.nodes.matches({{"c", "d"}}) && !made.nodes.matches({}));
  EXPECT_EQ(made.local_preference, 200U);
  EXPECT_EQ(made.med, 0U);
  EXPECT_EQ(made.as_path_prepend, 10);
  EXPECT_EQ(made.aggregation_length_v4, 24);
  EXPECT_EQ(made.aggregation_length_v6, 64);
}

TEST(DecodeBgpAdvertisement, ABadPreferenceCostsItselfAndABadCommunityTheObject) {
  const auto decoded =
      usable(advertisement("{routes: [PodCIDR, Static], med: -1, asPathPrepend: 11}"));
  EXPECT_THAT(problems(decoded),
              ElementsAre("BGPAdvertisement x: spec.routes[1]: \"Static\" must be PodCIDR, "
                          "ClusterIP, ExternalIP or LoadBalancerIP",
                          "BGPAdvertisement x: spec.med: -1 must be between 0 and 4294967295",
                          "BGPAdvertisement x: spec.asPathPrepend: 11 must be between 0 and 10"));
  for (const char* bad : {"65536:1", "1:65536", "1", "1:2:3:4", "a:b", "1:", ":1", "no_export",
                          "4294967296:1:1", "-1:1"}) {
    EXPECT_THAT(
        refusal(advertisement("{routes: [PodCIDR], communities: ['" + std::string(bad) + "']}")),
        HasSubstr("spec.communities[0]: \"" + std::string(bad) + "\" is not a community"));
  }
  EXPECT_THAT(refusal(advertisement("{routes: []}")), HasSubstr("names nothing to announce"));
  EXPECT_THAT(refusal(advertisement("{routes: [PodCIDR], peers: ['']}")),
              HasSubstr("spec.peers[0]: \"\" is not a name"));
}

}  // namespace
}  // namespace fairlead
