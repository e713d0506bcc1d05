// Objects that are broken at random: decoding them may leave things out, but never crashes, never
// reports more than a few lines, and what it lets through is what the model allows.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "objects/bgp_objects.hpp"
#include "objects/decode.hpp"
#include "objects/yaml.hpp"

namespace fairlead {
namespace {

namespace json = boost::json;

constexpr std::string_view kObjects = R"(
kind: Service
metadata: {name: web, namespace: shop, creationTimestamp: "2026-01-02T03:04:05Z", labels: {a: b}}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10, "fd00:96::10"]
  ports: [{name: http, port: 80, nodePort: 30080, protocol: TCP}, {name: dns, protocol: UDP, port: 53}]
  externalIPs: [203.0.113.9]
  loadBalancerSourceRanges: [203.0.113.0/24]
  externalTrafficPolicy: Local
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 30}}
status: {loadBalancer: {ingress: [{ip: 192.0.2.1, ipMode: VIP}]}}
---
kind: EndpointSlice
metadata:
  name: web-abc
  labels: {kubernetes.io/service-name: web}
  annotations: {endpoints.kubernetes.io/last-change-trigger-time: "2026-01-02T03:04:05Z"}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints:
- addresses: [10.244.1.5]
  nodeName: node1
  conditions: {ready: true, serving: true, terminating: false}
  hints: {forZones: [{name: zone-a}], forNodes: [{name: node1}]}
---
kind: Node
metadata: {name: node1, labels: {topology.kubernetes.io/zone: zone-a}}
spec: {podCIDRs: [10.244.1.0/24], taints: [{key: some, effect: NoSchedule}]}
status: {addresses: [{type: InternalIP, address: 198.18.0.1}]}
---
kind: AddressPool
metadata: {name: public}
spec:
  addresses: [192.0.2.0/24, 198.51.100.1-198.51.100.9, "fd00::/112"]
  serviceSelector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d]}]}
  namespaces: [shop]
  announce: BGP
---
kind: BGPPeer
metadata: {name: rack}
spec:
  address: 198.18.0.254
  asn: 65000
  nodeSelector: {matchExpressions: [{key: c, operator: Exists}]}
  passwordSecretRef: {namespace: a, name: b, key: c}
  holdTimeSeconds: 9
  bfd: {enabled: true, intervalMilliseconds: 300, multiplier: 3}
  families: [IPv4, IPv6]
  importPrefixes: [{prefix: 10.0.0.0/8, minLength: 16, maxLength: 24}]
---
kind: BGPAdvertisement
metadata: {name: all}
spec:
  routes: [PodCIDR, ClusterIP, ExternalIP, LoadBalancerIP]
  pools: [public]
  peers: [rack]
  communities: ["65000:100", "65000:1:2", no-export]
  asPathPrepend: 3
  aggregationLength: 24
)";

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }

  /// Changes about one value in eight, at any depth.
  void mutate(json::value& value) {
    if (below(8) == 0) {
      value = anything();
    } else if (auto* object = value.if_object()) {
      for (auto& [key, member] : *object) mutate(member);
    } else if (auto* array = value.if_array()) {
      for (auto& element : *array) mutate(element);
      if (below(8) == 0 && !array->empty()) array->push_back(array->front());
    }
  }

  /// Flips, removes or inserts a few bytes.
  std::string mutate(std::string text) {
    for (std::size_t i = below(6) + 1; i > 0 && !text.empty(); --i) {
      const std::size_t at = below(text.size());
      const char byte = static_cast<char>(below(256));
      switch (below(3)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.erase(at, below(8) + 1);
          break;
        default:
          text.insert(at, below(4) + 1, byte);
          break;
      }
    }
    return text;
  }

 private:
  json::value anything() {
    switch (below(12)) {
      case 0:
        return nullptr;
      case 1:
        return true;
      case 2:
        return -1;
      case 3:
        return 65536;
      case 4:
        return 1e300;
      case 5:
        return std::numeric_limits<std::uint64_t>::max();
      case 6:
        return "";
      case 7:
        return json::string(5000, 'x');
      case 8:
        return "127.0.0.1";
      case 9:
        return json::array{1, "a", nullptr, json::object{}, json::array{}};
      case 10:
        return json::object{{"name", 5}, {"port", "80"}};
      default:
        return json::string(std::string_view("\0\n\x1b[2J", 6));
    }
  }

  std::mt19937 random_;
};

void expect_bounded(const std::vector<Problem>& problems) {
  EXPECT_LE(problems.size(), 11U);
  for (const Problem& problem : problems) {
    for (const std::string& text : {problem.object, problem.field, problem.message}) {
      EXPECT_LT(text.size(), 400U);
      for (const char c : text) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << text;
    }
  }
}

void expect_sound(const Service& service) {
  EXPECT_FALSE(service.name.name.empty());
  for (const ServicePort& port : service.ports) EXPECT_NE(port.port.host, 0);
  EXPECT_GE(service.affinity.count(), 0);
  EXPECT_LE(service.affinity.count(), 86400);
}

void expect_sound(const EndpointSlice& slice) {
  for (const Endpoint& endpoint : slice.endpoints) {
    EXPECT_EQ(endpoint.address.family(), slice.family);
    EXPECT_FALSE(endpoint.address.is_loopback() || endpoint.address.is_link_local());
  }
}

void expect_sound(const Node& node) { EXPECT_FALSE(node.name.empty()); }

void expect_sound(const AddressPool& pool) {
  EXPECT_FALSE(pool.ranges.empty());
  for (const IpRange& range : pool.ranges) EXPECT_FALSE(range.contains(ip_from_v4({127, 0, 0, 1})));
}

void expect_sound(const BgpPeer& peer) {
  EXPECT_NE(peer.asn, 0U);
  EXPECT_TRUE(peer.ipv4 || peer.ipv6);
  for (const PrefixRule& rule : peer.imports) {
    EXPECT_LE(rule.prefix.length, rule.min_length);
    EXPECT_LE(rule.min_length, rule.max_length);
  }
}

void expect_sound(const BgpAdvertisement& advertisement) {
  EXPECT_LE(advertisement.as_path_prepend, 10);
}

template <class T>
void expect_sound(const Result<Decoded<T>>& decoded) {
  if (!decoded) {
    EXPECT_LT(decoded.error().doing.size(), 400U);
    return;
  }
  expect_bounded(decoded->problems);
  expect_sound(decoded->object);
}

void decode_as_all(const json::value& document) {
  expect_sound(decode_service(document));
  expect_sound(decode_endpoint_slice(document));
  expect_sound(decode_node(document));
  expect_sound(decode_address_pool(document));
  expect_sound(decode_bgp_peer(document));
  expect_sound(decode_bgp_advertisement(document));
}

TEST(Mutation, OfValuesIsSurvived) {
  const auto originals = parse_documents(kObjects).value();
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Mutator mutator(seed);
    json::value document = originals[mutator.below(originals.size())];
    mutator.mutate(document);
    decode_as_all(document);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ": " << json::serialize(document);
  }
}

TEST(Mutation, OfTextIsSurvived) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    Mutator mutator(seed);
    const std::string text = mutator.mutate(std::string(kObjects));
    const auto documents = parse_documents(text);
    if (!documents) continue;
    for (const auto& document : *documents) decode_as_all(document);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ": " << text;
  }
}

}  // namespace
}  // namespace fairlead
