// Objects as the API server sends them, and as a liar would: every mistake costs its own field and
// one line that names it.
#include "objects/decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "objects/yaml.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace json = boost::json;

json::value yaml(std::string_view text) { return parse_documents(text).value().at(0); }
Ip ip(std::string_view text) { return parse_ip(text).value(); }
Port port(std::int64_t number) { return make_port(number).value(); }

Decoded<Service> service(std::string_view spec_and_status) {
  auto decoded = decode_service(yaml("kind: Service\nmetadata: {name: web, namespace: shop}\n" +
                                     std::string(spec_and_status)));
  EXPECT_TRUE(decoded) << decoded.error().doing;
  return decoded.value();
}

Decoded<EndpointSlice> slice(std::string_view fields) {
  auto decoded = decode_endpoint_slice(
      yaml("metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}\n" +
           std::string(fields)));
  EXPECT_TRUE(decoded) << decoded.error().doing;
  return decoded.value();
}

std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> result;
  for (const auto& problem : problems)
    result.push_back(problem.object + ": " + problem.field + ": " + problem.message);
  return result;
}

TEST(DecodeService, ReadsEveryFieldThatDecidesAboutAPacket) {
  const auto decoded = decode_service(yaml(R"(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, creationTimestamp: "2026-01-02T03:04:05Z"}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10, "fd00:96::10"]
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30080}
  - {name: dns, protocol: UDP, port: 53}
  externalIPs: [203.0.113.9]
  loadBalancerSourceRanges: [" 203.0.113.0/24 ", "2001:db8::/32"]
  externalTrafficPolicy: Local
  internalTrafficPolicy: Local
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 30}}
  healthCheckNodePort: 32000
status:
  loadBalancer:
    ingress: [{ip: 192.0.2.1}, {ip: 192.0.2.2, ipMode: VIP}, {ip: 192.0.2.3, ipMode: Proxy}, {hostname: example.com}]
)"));
  ASSERT_TRUE(decoded) << decoded.error().doing;
  EXPECT_THAT(decoded->problems, IsEmpty());
  Service expected;
  expected.name = {"shop", "web"};
  expected.created = parse_time("2026-01-02T03:04:05Z").value();
  expected.type = ServiceType::kLoadBalancer;
  expected.cluster_ips = {ip("10.96.0.10"), ip("fd00:96::10")};
  expected.ports = {{"http", Protocol::kTcp, port(80), port(30080)},
                    {"dns", Protocol::kUdp, port(53), {}}};
  expected.external_ips = {ip("203.0.113.9")};
  expected.load_balancer_ips = {ip("192.0.2.1"), ip("192.0.2.2")};
  expected.source_ranges = {parse_cidr("203.0.113.0/24").value(),
                            parse_cidr("2001:db8::/32").value()};
  expected.external_traffic_policy = TrafficPolicy::kLocal;
  expected.internal_traffic_policy = TrafficPolicy::kLocal;
  expected.affinity = std::chrono::seconds(30);
  expected.health_check_node_port = port(32000);
  EXPECT_EQ(decoded->object, expected);
}

TEST(DecodeService, FillsTheDefaultsOfKubernetes) {
  const auto decoded =
      service("spec: {clusterIP: 10.96.0.10, ports: [{port: 80}], sessionAffinity: ClientIP}");
  EXPECT_THAT(decoded.object.cluster_ips, ElementsAre(ip("10.96.0.10")));
  EXPECT_EQ(decoded.object.ports.at(0).protocol, Protocol::kTcp);
  EXPECT_EQ(decoded.object.ports.at(0).name, "");
  EXPECT_EQ(decoded.object.affinity, std::chrono::seconds(10800));
  EXPECT_EQ(decoded.object.external_traffic_policy, TrafficPolicy::kCluster);
  EXPECT_EQ(decode_service(yaml("metadata: {name: web}"))->object.name.ns, "default");
}

TEST(DecodeService, IsHeadlessWithoutAClusterIp) {
  EXPECT_THAT(service("spec: {clusterIP: None, ports: [{port: 80}]}").object.cluster_ips,
              IsEmpty());
  EXPECT_THAT(service("spec: {clusterIP: None, clusterIPs: [None]}").object.cluster_ips, IsEmpty());
  EXPECT_THAT(service("spec: {clusterIP: '', ports: [{port: 80}]}").object.cluster_ips, IsEmpty());
  EXPECT_THAT(service("spec: null").object.ports, IsEmpty());
}

TEST(DecodeService, KnowsWhatIsHandledElsewhere) {
  for (const auto* label :
       {"service.kubernetes.io/service-proxy-name: ''", "service.kubernetes.io/headless: 'no'"}) {
    const auto decoded =
        decode_service(yaml("metadata: {name: web, labels: {" + std::string(label) + "}}"));
    EXPECT_TRUE(decoded->object.handled_elsewhere) << label;
  }
}

Decoded<Service> annotated(std::string_view annotations) {
  auto decoded = decode_service(yaml("metadata: {name: web, namespace: shop, annotations: {" +
                                     std::string(annotations) + "}}"));
  EXPECT_TRUE(decoded) << decoded.error().doing;
  return decoded.value();
}

TEST(DecodeService, ReadsTheAlgorithmFromItsAnnotation) {
  using Case = std::pair<std::string_view, Algorithm>;
  for (const auto& [name, algorithm] :
       {Case{"random", Algorithm::kRandom}, Case{"round-robin", Algorithm::kRoundRobin},
        Case{"maglev", Algorithm::kMaglev}}) {
    const auto decoded = annotated("fairlead.io/algorithm: " + std::string(name));
    EXPECT_EQ(decoded.object.algorithm, algorithm) << name;
    EXPECT_THAT(decoded.problems, IsEmpty());
  }
  EXPECT_EQ(annotated("other: x").object.algorithm, Algorithm::kDefault);
}

TEST(DecodeService, ChoosesAsIfThereWereNoAlgorithmThatItDoesNotKnow) {
  const auto decoded =
      annotated("fairlead.io/algorithm: least-conn, fairlead.io/node-weights: n1=2");
  EXPECT_EQ(decoded.object.algorithm, Algorithm::kDefault);
  EXPECT_THAT(decoded.object.node_weights, ElementsAre(NodeWeight{"n1", 2}));
  EXPECT_THAT(lines(decoded.problems),
              ElementsAre("Service shop/web: metadata.annotations.fairlead.io/algorithm: "
                          "\"least-conn\" is unknown: expected random, round-robin or maglev"));
  EXPECT_THAT(lines(annotated("fairlead.io/algorithm: [maglev]").problems),
              ElementsAre(HasSubstr("fairlead.io/algorithm: expected text")));
}

TEST(DecodeService, ReadsTheWeightsOfNodesInAnyOrder) {
  const auto decoded = annotated("fairlead.io/node-weights: ' n2 = 1, n10=100,n1=3,'");
  EXPECT_THAT(decoded.object.node_weights,
              ElementsAre(NodeWeight{"n1", 3}, NodeWeight{"n10", 100}, NodeWeight{"n2", 1}));
  EXPECT_THAT(decoded.problems, IsEmpty());
}

TEST(DecodeService, LeavesOutABadWeightAndKeepsItsNeighbours) {
  const auto decoded =
      annotated("fairlead.io/node-weights: 'a=0,b=101,c=-1,d=x,e,=5,f=2x,good=7,good=8'");
  EXPECT_THAT(decoded.object.node_weights, ElementsAre(NodeWeight{"good", 7}));
  const std::string at = "Service shop/web: metadata.annotations.fairlead.io/node-weights: ";
  const std::string number = ": the weight must be a number from 1 to 100";
  EXPECT_THAT(
      lines(decoded.problems),
      ElementsAre(at + "\"a=0\"" + number, at + "\"b=101\"" + number, at + "\"c=-1\"" + number,
                  at + "\"d=x\"" + number, at + "\"e\": expected NODE=WEIGHT",
                  at + "\"=5\": expected NODE=WEIGHT", at + "\"f=2x\"" + number,
                  at + "\"good\" is named twice; the first weight counts"));
}

TEST(DecodeService, LeavesOutABadPortAndKeepsItsNeighbours) {
  const auto decoded = service(R"(
spec:
  ports:
  - {name: a, port: "80"}
  - {name: b, port: 70000}
  - {name: c, port: 80, protocol: ICMP}
  - {name: 7, port: 80}
  - {name: good, port: 80, nodePort: -1}
  - {name: good, port: 81}
  - {name: twin, port: 80}
  - {name: udp, port: 80, protocol: UDP}
  - {name: none}
  - {name: null-port, port: 0}
  - 5
)");
  EXPECT_THAT(decoded.object.ports, ElementsAre(ServicePort{"good", Protocol::kTcp, port(80), {}},
                                                ServicePort{"udp", Protocol::kUdp, port(80), {}}));
  const std::string at = "Service shop/web: spec.ports";
  EXPECT_THAT(lines(decoded.problems),
              testing::IsSupersetOf({
                  at + "[0].port: expected an integer, not text",
                  at + "[1].port: 70000 must be between 1 and 65535",
                  at + "[2].protocol: \"ICMP\" is not a protocol: TCP, UDP or SCTP",
                  at + "[3].name: expected text, not an integer",
                  at + "[4].nodePort: -1 must be between 1 and 65535",
                  at + "[5].name: used twice",
                  at + "[6].port: used twice",
                  at + "[8].port: missing",
                  at + "[9].port: 0 must be between 1 and 65535",
              }));
}

TEST(DecodeService, NamesUnknownValues) {
  const auto decoded = service(R"(
spec: {type: Magic, externalTrafficPolicy: Near, internalTrafficPolicy: 5, sessionAffinity: Cookie,
       externalIPs: [web, 203.0.113.9, "::ffff:10.0.0.1"], clusterIPs: [10.96.0.10, 7]}
)");
  EXPECT_EQ(decoded.object.type, ServiceType::kClusterIp);
  EXPECT_THAT(decoded.object.external_ips, ElementsAre(ip("203.0.113.9")));
  EXPECT_THAT(decoded.object.cluster_ips, ElementsAre(ip("10.96.0.10")));
  EXPECT_THAT(decoded.problems, SizeIs(7));
}

TEST(DecodeService, ServesNobodyWhereEverySourceRangeIsUnreadable) {
  const auto decoded = service(
      "spec: {loadBalancerSourceRanges: [everyone]}\nstatus: {loadBalancer: {ingress: [{ip: "
      "192.0.2.1}]}}");
  EXPECT_THAT(decoded.object.load_balancer_ips, IsEmpty());
  EXPECT_THAT(decoded.problems, SizeIs(2));
}

TEST(DecodeService, FailsWhereNothingUsefulIsLeft) {
  struct Case {
    std::string_view json, error;
  };
  for (const auto& [text, error] : {
           Case{"[]", "Service: expected an object"},
           Case{"{}", "Service: metadata: expected an object"},
           Case{R"({"metadata": {"namespace": "a"}})", "Service: metadata.name: missing"},
           Case{R"({"metadata": {"name": 5}})", "Service: metadata.name: expected text"},
           Case{R"({"metadata": {"name": "a\nb"}})",
                "Service: metadata.name: \"a?b\" is not a name: lower case letters, digits, '-' "
                "and '.', at most 253"},
           Case{R"({"kind": "Pod", "metadata": {"name": "a"}})", "Service: kind: not Service"},
           Case{R"({"metadata": {"name": "a"}, "spec": []})",
                "Service default/a: spec: expected an object, not a list"},
       }) {
    const auto decoded = decode_service(json::parse(text));
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().doing, error);
  }
}

TEST(DecodeService, CountsAsTheYoungestWhenItLiesAboutItsAge) {
  const auto decoded = decode_service(yaml("metadata: {name: web, creationTimestamp: yesterday}"));
  EXPECT_EQ(decoded->object.created, Time::max());
  EXPECT_THAT(decoded->problems, SizeIs(1));
}

TEST(DecodeService, AnswersMegabytesWithALine) {
  const std::string huge(10 << 20, 'x');
  json::value object = yaml("{metadata: {name: web}, spec: {ports: [{port: 80}]}}");
  object.at("spec").as_object()["externalIPs"] = {huge, "203.0.113.9"};
  object.at("spec").as_object()["type"] = huge;
  object.at("spec").at("ports").as_array().push_back({{"name", huge}, {"port", 81}});
  const auto decoded = decode_service(object).value();
  EXPECT_THAT(decoded.object.external_ips, ElementsAre(ip("203.0.113.9")));
  EXPECT_THAT(decoded.object.ports, SizeIs(1));
  EXPECT_THAT(decoded.problems, SizeIs(3));
  for (const auto& line : lines(decoded.problems)) EXPECT_LT(line.size(), 250U);

  object.at("metadata").as_object()["name"] = huge;
  EXPECT_LT(decode_service(object).error().doing.size(), 250U);
}

TEST(DecodeService, ReportsTenOfManyMistakes) {
  json::array ports;
  for (int i = 0; i < 500; ++i) ports.push_back("bad");
  const auto decoded =
      decode_service({{"metadata", {{"name", "web"}}}, {"spec", {{"ports", ports}}}}).value();
  EXPECT_THAT(decoded.problems, SizeIs(11));
  EXPECT_EQ(decoded.problems.back().message, "and 490 more mistakes");
}

TEST(DecodeEndpointSlice, ReadsEveryFieldThatDecidesAboutAPacket) {
  const auto decoded = decode_endpoint_slice(yaml(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-abc
  namespace: shop
  labels: {kubernetes.io/service-name: web}
  annotations: {endpoints.kubernetes.io/last-change-trigger-time: "2026-01-02T03:04:05Z"}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}, {name: all}]
endpoints:
- addresses: [10.244.1.5, 10.244.1.6]
  nodeName: node1
  conditions: {ready: false, serving: true, terminating: true}
  hints: {forZones: [{name: zone-a}, {name: zone-b}], forNodes: [{name: node1}]}
- addresses: [10.244.1.7]
)"));
  ASSERT_TRUE(decoded) << decoded.error().doing;
  EXPECT_THAT(decoded->problems, IsEmpty());
  const EndpointSlice& slice = decoded->object;
  EXPECT_EQ(slice.name, (ObjectName{"shop", "web-abc"}));
  EXPECT_EQ(slice.service, "web");
  EXPECT_EQ(slice.last_change, parse_time("2026-01-02T03:04:05Z").value());
  EXPECT_THAT(slice.ports, ElementsAre(EndpointPort{"http", Protocol::kTcp, port(8080)}));
  Endpoint first{
      ip("10.244.1.5"), false, true, true, "node1", EndpointHints{{"zone-a", "zone-b"}, {"node1"}}};
  Endpoint second{ip("10.244.1.7"), true, true, false, {}, {}};
  EXPECT_THAT(slice.endpoints, ElementsAre(first, second));
}

TEST(DecodeEndpointSlice, TakesNullConditionsAsReady) {
  const auto decoded =
      slice("addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], conditions: {ready: null}}]");
  EXPECT_TRUE(decoded.object.endpoints.at(0).ready);
  EXPECT_TRUE(decoded.object.endpoints.at(0).serving);
  EXPECT_FALSE(decoded.object.endpoints.at(0).terminating);
}

TEST(DecodeEndpointSlice, TakesTheNodeFromV1beta1Topology) {
  const auto decoded = slice(
      "addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], topology: {kubernetes.io/hostname: "
      "node2}}]");
  EXPECT_EQ(decoded.object.endpoints.at(0).node.get(), "node2");
}

TEST(DecodeEndpointSlice, LeavesOutAddressesThatNoPodHas) {
  const auto decoded = slice(R"(
addressType: IPv4
endpoints:
- addresses: [127.0.0.1]
- addresses: [169.254.169.254]
- addresses: [224.0.0.1]
- addresses: [0.0.0.0]
- addresses: ["fd00::1"]
- addresses: ["::ffff:10.0.0.1"]
- addresses: []
- addresses: [5]
- addresses: [10.244.1.5]
)");
  ASSERT_THAT(decoded.object.endpoints, SizeIs(1));
  EXPECT_EQ(decoded.object.endpoints[0].address, ip("10.244.1.5"));
  EXPECT_THAT(decoded.problems, SizeIs(8));
  EXPECT_EQ(lines(decoded.problems)[0],
            "EndpointSlice shop/web-1: endpoints[0].addresses[0]: 127.0.0.1 is a loopback address");
}

TEST(DecodeEndpointSlice, LeavesOutFqdnsSilentlyAndRefusesUnknownTypes) {
  const auto decoded = slice("addressType: FQDN\nendpoints: [{addresses: [example.com]}]");
  EXPECT_THAT(decoded.object.endpoints, IsEmpty());
  EXPECT_THAT(decoded.problems, IsEmpty());
  const auto unknown = decode_endpoint_slice(yaml("{metadata: {name: a}, addressType: IPX}"));
  EXPECT_EQ(unknown.error().doing,
            "EndpointSlice default/a: addressType: expected IPv4, IPv6 or FQDN");
}

TEST(DecodeEndpointSlice, BoundsWhatALiarCanCost) {
  json::array endpoints;
  for (int i = 0; i < 65536; ++i) {
    const std::string address = "10.0." + std::to_string(i >> 8) + '.' + std::to_string(i & 255);
    endpoints.push_back(json::object{{"addresses", json::array{address}}});
  }
  const auto decoded =
      decode_endpoint_slice(
          {{"metadata", {{"name", "web"}}}, {"addressType", "IPv4"}, {"endpoints", endpoints}})
          .value();
  EXPECT_THAT(decoded.object.endpoints, SizeIs(10000));
  EXPECT_THAT(lines(decoded.problems),
              ElementsAre(HasSubstr("endpoints: 65536 elements, more than the 10000")));
}

TEST(DecodeNode, ReadsWhatThePlanNeeds) {
  const auto decoded = decode_node(yaml(R"(
kind: Node
metadata: {name: node1, labels: {topology.kubernetes.io/zone: zone-a}}
spec: {podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24, "fd00:244:1::/64"], taints: [{key: ToBeDeletedByClusterAutoscaler, effect: NoSchedule}]}
status:
  addresses: [{type: Hostname, address: node1}, {type: ExternalIP, address: 203.0.113.1}, {type: InternalIP, address: 198.18.0.1}]
)"));
  ASSERT_TRUE(decoded) << decoded.error().doing;
  EXPECT_THAT(decoded->problems, IsEmpty());
  const Node expected{"node1",
                      "zone-a",
                      {ip("198.18.0.1"), ip("203.0.113.1")},
                      {parse_cidr("10.244.1.0/24").value(), parse_cidr("fd00:244:1::/64").value()},
                      false,
                      {"ToBeDeletedByClusterAutoscaler"},
                      {{"topology.kubernetes.io/zone", "zone-a"}}};
  EXPECT_EQ(decoded->object, expected);
  EXPECT_TRUE(decode_node(yaml("{metadata: {name: a, deletionTimestamp: '2026-01-02T03:04:05Z'}}"))
                  ->object.being_deleted);
}

TEST(DecodeNode, LeavesOutWhatItCannotRead) {
  const auto decoded =
      decode_node(yaml("{metadata: {name: a}, spec: {podCIDR: x}, status: {addresses: [{type: "
                       "InternalIP, address: y}, {type: InternalIP, address: 10.0.0.1}]}}"));
  EXPECT_THAT(decoded->object.addresses, ElementsAre(ip("10.0.0.1")));
  EXPECT_THAT(lines(decoded->problems),
              ElementsAre("Node a: spec.podCIDR: \"x\" is not a CIDR: no '/'",
                          "Node a: status.addresses[0].address: \"y\" is not an IP address"));
}

TEST(Time, RoundTrips) {
  const Time time = parse_time("2026-01-02T03:04:05.000006Z").value();
  EXPECT_EQ(format_time(time), "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_micro_time(time), "2026-01-02T03:04:05.000006Z");
  EXPECT_EQ(parse_time("2026-01-02T05:04:05.000006999+02:00").value(), time);
  EXPECT_EQ(parse_time("1969-12-31T23:59:59Z").value().time_since_epoch(),
            std::chrono::seconds(-1));
  EXPECT_EQ(format_time(parse_time("2024-02-29T23:59:59Z").value()), "2024-02-29T23:59:59Z");
}

TEST(Time, RefusesWhatIsNone) {
  for (const auto* text : {"", "2026-01-02", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z",
                           "2026-01-02T24:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z",
                           "2026-01-02T03:04:05Zx", "2026-01-02 03:04:05Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace fairlead
