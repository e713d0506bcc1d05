// Services: defaults, families, allocation, changes of type, immutability.
#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

const ResourceType& service() { return kind("Service"); }

constexpr std::string_view kWeb =
    R"({"metadata":{"name":"web"},"spec":{"selector":{"a":"b"},"ports":[{"port":80}]}})";

std::string web(std::string_view spec) {
  return R"({"metadata":{"name":"web"},"spec":{"ports":[{"port":80}],)" + std::string(spec) + "}}";
}

json::object with(json::object object,
                  std::initializer_list<std::pair<std::string_view, json::value>> spec) {
  for (const auto& [key, value] : spec) {
    if (value.is_null()) {
      object["spec"].as_object().erase(key);
    } else {
      object["spec"].as_object()[key] = value;
    }
  }
  return object;
}

TEST(ServiceDefaults, FillWhatIsNotSaid) {
  Cluster cluster;
  auto made = cluster.create(service(), kWeb);
  ASSERT_TRUE(made) << made.error().message;
  const json::object& object = made->object;
  EXPECT_EQ(text(object, {"metadata", "creationTimestamp"}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(text(object, {"metadata", "uid"}).size(), 36U);
  EXPECT_EQ(text(object, {"spec", "type"}), "ClusterIP");
  EXPECT_EQ(text(object, {"spec", "sessionAffinity"}), "None");
  EXPECT_EQ(text(object, {"spec", "ports"}), R"([{"port":80,"protocol":"TCP","targetPort":80}])");
  EXPECT_EQ(text(object, {"spec", "internalTrafficPolicy"}), "Cluster");
  EXPECT_EQ(text(object, {"spec", "externalTrafficPolicy"}), "(none)");
  EXPECT_EQ(text(object, {"spec", "ipFamilies"}), R"(["IPv4"])");
  EXPECT_EQ(text(object, {"spec", "ipFamilyPolicy"}), "SingleStack");
  EXPECT_EQ(text(object, {"spec", "clusterIPs"}),
            "[\"" + text(object, {"spec", "clusterIP"}) + "\"]");
  EXPECT_EQ(text(object, {"status"}), R"({"loadBalancer":{}})");
}

TEST(ServiceDefaults, OfALoadBalancerWithLocalTraffic) {
  Cluster cluster;
  auto made = cluster.create(
      service(),
      web(R"("type":"LoadBalancer","externalTrafficPolicy":"Local","sessionAffinity":"ClientIP")"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text(made->object, {"spec", "allocateLoadBalancerNodePorts"}), "true");
  EXPECT_EQ(text(made->object, {"spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"}),
            "10800");
  EXPECT_NE(text(made->object, {"spec", "healthCheckNodePort"}), "(none)");
  EXPECT_THAT(text(made->object, {"spec", "ports"}), HasSubstr("nodePort"));
}

TEST(ServiceDefaults, AClientsStatusIsDropped) {
  Cluster cluster;
  auto made =
      cluster.create(service(), R"({"metadata":{"name":"web"},"spec":{"ports":[{"port":80}]},
      "status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}})");
  ASSERT_TRUE(made);
  EXPECT_EQ(text(made->object, {"status"}), R"({"loadBalancer":{}})");
}

TEST(ServiceAllocation, IsUndoneWhenTheWriteFails) {
  Cluster cluster;
  {
    auto made = cluster.create(service(), web(R"("type":"NodePort","clusterIP":"10.96.0.10")"));
    ASSERT_TRUE(made);
    EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), 1U);
    EXPECT_EQ(cluster.allocators.node_ports.used(), 1U);
  }
  EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), 0U);
  EXPECT_EQ(cluster.allocators.node_ports.used(), 0U);
}

TEST(ServiceAllocation, IsUndoneWhenValidationFails) {
  Cluster cluster;
  EXPECT_FALSE(cluster.create(service(), web(R"("type":"NodePort","sessionAffinity":"Foo")")));
  EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), 0U);
  EXPECT_EQ(cluster.allocators.node_ports.used(), 0U);
}

TEST(ServiceAllocation, OfADryRunTakesNothing) {
  Cluster cluster;
  auto made = cluster.create(service(), web(R"("type":"NodePort")"), true);
  ASSERT_TRUE(made);
  EXPECT_EQ(text(made->object, {"spec", "clusterIP"}), "10.96.0.0");
  made->reservation.commit();
  EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), 0U);
  EXPECT_EQ(cluster.allocators.node_ports.used(), 0U);
}

TEST(ServiceAllocation, IsReleasedWithTheService) {
  Cluster cluster;
  json::object web_service =
      cluster.stored(service(), web(R"("type":"LoadBalancer","externalTrafficPolicy":"Local")"));
  EXPECT_EQ(cluster.allocators.node_ports.used(), 2U);
  release(service(), web_service, cluster.allocators);
  EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), 0U);
  EXPECT_EQ(cluster.allocators.node_ports.used(), 0U);
}

TEST(ServiceAllocation, IsAdoptedAtStartAndNamesWhatIsHeldTwice) {
  Cluster cluster, restarted;
  json::object one = cluster.stored(service(), web(R"("type":"NodePort")"));
  EXPECT_TRUE(adopt(service(), one, restarted.allocators).empty());
  EXPECT_EQ(restarted.allocators.cluster_ips[0].used(), 1U);
  auto problems = adopt(service(), one, restarted.allocators);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].object, "Service default/web");
  EXPECT_THAT(problems[0].message, HasSubstr("provided IP is already allocated"));
}

TEST(ServiceAllocation, RunsOutWithA500) {
  Cluster cluster({"10.0.0.0/30"});
  cluster.stored(service(), kWeb);
  cluster.stored(service(), kWeb);
  auto third = cluster.create(service(), kWeb);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, 500);
  EXPECT_EQ(third.error().message,
            "Internal error occurred: failed to allocate a serviceIP: range is full");
}

TEST(ServiceAllocation, ProtocolsOfOnePortNumberShareANodePort) {
  Cluster cluster;
  auto made =
      cluster.create(service(), R"({"metadata":{"name":"dns"},"spec":{"type":"NodePort","ports":[
      {"name":"u","port":53,"protocol":"UDP"},{"name":"t","port":53,"protocol":"TCP"}]}})");
  ASSERT_TRUE(made) << made.error().message;
  const json::array& ports = array_at(made->object, {"spec", "ports"});
  EXPECT_EQ(integer_at(object_of(ports[0]), {"nodePort"}),
            integer_at(object_of(ports[1]), {"nodePort"}));
  EXPECT_EQ(cluster.allocators.node_ports.used(), 1U);
}

TEST(ServiceFamilies, HeadlessWithoutSelectorIsDualStackEverywhere) {
  Cluster cluster;
  auto made = cluster.create(service(), R"({"metadata":{"name":"h"},"spec":{"clusterIP":"None"}})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text(made->object, {"spec", "ipFamilies"}), R"(["IPv4","IPv6"])");
  EXPECT_EQ(text(made->object, {"spec", "ipFamilyPolicy"}), "RequireDualStack");
  EXPECT_EQ(text(made->object, {"spec", "clusterIPs"}), R"(["None"])");
  EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), 0U);
}

TEST(ServiceFamilies, PreferDualStackGetsWhatThereIs) {
  Cluster single, dual({"10.96.0.0/16", "fd00:96::/112"});
  std::string body = web(R"("ipFamilyPolicy":"PreferDualStack")");
  EXPECT_EQ(text(single.create(service(), body)->object, {"spec", "ipFamilies"}), R"(["IPv4"])");
  auto made = dual.create(service(), body);
  EXPECT_EQ(text(made->object, {"spec", "ipFamilies"}), R"(["IPv4","IPv6"])");
  EXPECT_EQ(array_at(made->object, {"spec", "clusterIPs"}).size(), 2U);
  auto six = dual.create(service(), web(R"("ipFamilies":["IPv6"])"));
  EXPECT_THAT(text(six->object, {"spec", "clusterIP"}), HasSubstr("fd00:96::"));
}

TEST(ServiceFamilies, SecondaryAddressCanBeAddedAndReleased) {
  Cluster cluster({"10.96.0.0/16", "fd00:96::/112"});
  json::object old = cluster.stored(service(), kWeb);
  auto grown = cluster.update(service(), old, with(old, {{"ipFamilyPolicy", "RequireDualStack"}}));
  ASSERT_TRUE(grown) << grown.error().message;
  EXPECT_EQ(array_at(grown->object, {"spec", "clusterIPs"}).size(), 2U);
  EXPECT_EQ(text(grown->object, {"spec", "clusterIP"}), text(old, {"spec", "clusterIP"}));
  grown->reservation.commit();
  json::object two = grown->object;
  auto shrunk = cluster.update(service(), two, with(two, {{"ipFamilyPolicy", "SingleStack"}}));
  ASSERT_TRUE(shrunk) << shrunk.error().message;
  EXPECT_EQ(array_at(shrunk->object, {"spec", "clusterIPs"}).size(), 1U);
  EXPECT_EQ(text(shrunk->object, {"spec", "ipFamilies"}), R"(["IPv4"])");
  shrunk->reservation.commit();
  EXPECT_EQ(cluster.allocators.cluster_ips[1].used(), 0U);
}

struct TypeChange {
  std::string from, to;
  std::size_t ips, ports;
};
void PrintTo(const TypeChange& c, std::ostream* out) { *out << c.from << " to " << c.to; }

class ServiceType : public testing::TestWithParam<TypeChange> {};

TEST_P(ServiceType, ChangesByTypeAloneAndFreesWhatIsNotNeeded) {
  Cluster cluster;
  json::object old =
      cluster.stored(service(), web(R"("externalName":"a.b","type":")" + GetParam().from + "\""));
  json::object wanted = with(old, {{"type", json::value(GetParam().to)}});
  auto changed = cluster.update(service(), old, wanted);
  ASSERT_TRUE(changed) << changed.error().message;
  changed->reservation.commit();
  EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), GetParam().ips);
  EXPECT_EQ(cluster.allocators.node_ports.used(), GetParam().ports);
  if (GetParam().from != "ExternalName" && GetParam().to != "ExternalName") {
    EXPECT_EQ(text(changed->object, {"spec", "clusterIP"}), text(old, {"spec", "clusterIP"}));
  }
}

INSTANTIATE_TEST_SUITE_P(All, ServiceType,
                         testing::Values(TypeChange{"ClusterIP", "NodePort", 1, 1},
                                         TypeChange{"NodePort", "ClusterIP", 1, 0},
                                         TypeChange{"NodePort", "LoadBalancer", 1, 1},
                                         TypeChange{"LoadBalancer", "ClusterIP", 1, 0},
                                         TypeChange{"ClusterIP", "ExternalName", 0, 0},
                                         TypeChange{"NodePort", "ExternalName", 0, 0},
                                         TypeChange{"ExternalName", "ClusterIP", 1, 0}));

TEST(ServiceUpdate, WithoutChangeIsUnchanged) {
  Cluster cluster;
  json::object old = cluster.stored(service(), web(R"("type":"NodePort")"));
  auto same = cluster.update(service(), old, old);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(same->unchanged);
}

TEST(ServiceUpdate, WithoutAllocatedFieldsKeepsThem) {
  Cluster cluster;
  json::object old = cluster.stored(service(), web(R"("type":"NodePort")"));
  json::object sparse = object(web(R"("type":"NodePort")"));
  ASSERT_TRUE(bind_to_request(service(), sparse, "default", "web"));
  sparse["metadata"].as_object()["resourceVersion"] = "1";
  sparse["kind"] = "Service";
  sparse["apiVersion"] = "v1";
  auto updated = cluster.update(service(), old, sparse);
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(updated->object, old);
}

TEST(ServiceUpdate, NeedsTheCurrentResourceVersion) {
  Cluster cluster;
  json::object old = cluster.stored(service(), kWeb);
  json::object without = old, stale = old, other = old;
  without["metadata"].as_object().erase("resourceVersion");
  EXPECT_EQ(message_of(cluster.update(service(), old, without)),
            "Service \"web\" is invalid: metadata.resourceVersion: Invalid value: \"\": must be "
            "specified for an update");
  stale["metadata"].as_object()["resourceVersion"] = "0x";
  auto conflicting = cluster.update(service(), old, stale);
  EXPECT_EQ(conflicting.error().code, 409);
  EXPECT_EQ(conflicting.error().message,
            "Operation cannot be fulfilled on services \"web\": the object has been modified; "
            "please apply your changes to "
            "the latest version and try again");
  other["metadata"].as_object()["uid"] = "x";
  EXPECT_EQ(cluster.update(service(), old, other).error().code, 409);
}

TEST(ServiceUpdate, NeverChangesThePrimaryAddress) {
  Cluster cluster;
  json::object old = cluster.stored(service(), web(R"("clusterIP":"10.96.0.10")"));
  EXPECT_EQ(message_of(cluster.update(service(), old, with(old, {{"clusterIP", "10.96.0.11"}}))),
            "Service \"web\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.0.11\"]: may "
            "not change once set");
  EXPECT_EQ(cluster.allocators.cluster_ips[0].used(), 1U);
}

TEST(ServiceUpdate, OfStatusChangesNothingElse) {
  Cluster cluster;
  json::object old = cluster.stored(service(), web(R"("type":"LoadBalancer")"));
  json::object wanted = with(old, {{"type", "ClusterIP"}});
  wanted["status"] = object(R"({"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}})");
  auto updated = cluster.update(service(), old, wanted, "status");
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(text(updated->object, {"spec", "type"}), "LoadBalancer");
  EXPECT_EQ(text(updated->object, {"status"}),
            R"({"loadBalancer":{"ingress":[{"ip":"192.0.2.1","ipMode":"VIP"}]}})");
  auto main = cluster.update(service(), old, wanted);
  ASSERT_TRUE(main) << main.error().message;
  EXPECT_EQ(text(main->object, {"status"}), R"({"loadBalancer":{}})");
  json::object bad = old;
  bad["status"] = object(R"({"loadBalancer":{"ingress":[{"ip":"foo"}]}})");
  EXPECT_THAT(message_of(cluster.update(service(), old, bad, "status")),
              HasSubstr("status.loadBalancer.ingress[0].ip"));
}

struct Refused {
  std::string name, body, message;
};
void PrintTo(const Refused& r, std::ostream* out) { *out << r.name; }

class RefusedService : public testing::TestWithParam<Refused> {};

TEST_P(RefusedService, IsAnsweredAsKubernetesAnswersIt) {
  Cluster cluster;
  cluster.stored(service(),
                 R"({"metadata":{"name":"taken"},"spec":{"type":"NodePort","clusterIP":"10.96.0.10",
      "ports":[{"port":80,"nodePort":30080}]}})");
  auto made = cluster.create(service(), GetParam().body);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, 422);
  EXPECT_EQ(made.error().reason, "Invalid");
  EXPECT_EQ(made.error().message, "Service \"web\" is invalid: " + GetParam().message);
}

std::string ports(std::string_view list, std::string_view more = "") {
  return R"({"metadata":{"name":"web"},"spec":{"ports":[)" + std::string(list) + "]" +
         std::string(more) + "}}";
}

INSTANTIATE_TEST_SUITE_P(
    Messages, RefusedService,
    testing::Values(
        Refused{"no ports", R"({"metadata":{"name":"web"},"spec":{}})",
                "spec.ports: Required value"},
        Refused{"names needed", ports(R"({"port":1},{"port":2,"name":"a"})"),
                "spec.ports[0].name: Required value"},
        Refused{"name twice", ports(R"({"port":1,"name":"a"},{"port":2,"name":"a"})"),
                "spec.ports[1].name: Duplicate value: \"a\""},
        Refused{
            "port too large", ports(R"({"port":70000})"),
            "[spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive, "
            "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, "
            "inclusive]"},
        Refused{"protocol", ports(R"({"port":1,"protocol":"FOO"})"),
                "spec.ports[0].protocol: Unsupported value: \"FOO\": supported values: \"SCTP\", "
                "\"TCP\", \"UDP\""},
        Refused{"port twice", ports(R"({"port":80,"name":"a"},{"port":80,"name":"b"})"),
                "spec.ports[1]: Duplicate value: "
                "{\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,"
                "\"TargetPort\":0,\"NodePort\":0}"},
        Refused{"node port range", ports(R"({"port":80,"nodePort":80})", R"(,"type":"NodePort")"),
                "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid "
                "range. The range of valid ports is "
                "30000-32767"},
        Refused{"node port taken",
                ports(R"({"port":80,"nodePort":30080})", R"(,"type":"NodePort")"),
                "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"},
        Refused{"node port of a ClusterIP", ports(R"({"port":80,"nodePort":30081})"),
                "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"},
        Refused{"port name", ports(R"({"port":80,"name":"A_b"})"),
                "spec.ports[0].name: Invalid value: \"A_b\": a lowercase RFC 1123 label must "
                "consist of lower case alphanumeric "
                "characters or '-', and must start and end with an alphanumeric character (e.g. "
                "'my-name',  or '123-abc', regex used "
                "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
        Refused{"target port name", ports(R"({"port":80,"targetPort":"a_b"})"),
                "spec.ports[0].targetPort: Invalid value: \"a_b\": must contain only alpha-numeric "
                "characters (a-z, 0-9), and hyphens "
                "(-)"},
        Refused{"type", web(R"("type":"Foo")"),
                "spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", "
                "\"ExternalName\", \"LoadBalancer\", "
                "\"NodePort\""},
        Refused{"affinity", web(R"("sessionAffinity":"Foo")"),
                "spec.sessionAffinity: Unsupported value: \"Foo\": supported values: \"ClientIP\", "
                "\"None\""},
        Refused{
            "affinity time",
            web(R"("sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":0}})"),
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater "
            "than 0 and less than 86400"},
        Refused{"address outside", web(R"("clusterIP":"192.168.1.1")"),
                "spec.clusterIPs: Invalid value: [\"192.168.1.1\"]: failed to allocate IP "
                "192.168.1.1: the provided IP is not in the "
                "valid range. The range of valid IPs is 10.96.0.0/16"},
        Refused{"address taken", web(R"("clusterIP":"10.96.0.10")"),
                "spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP "
                "10.96.0.10: provided IP is already allocated"},
        Refused{"no address", web(R"("clusterIP":"foo")"),
                "spec.clusterIPs[0]: Invalid value: \"foo\": must be a valid IP address, (e.g. "
                "10.9.8.7 or 2001:db8::ffff)"},
        Refused{
            "headless balancer",
            web(R"("clusterIP":"None","type":"LoadBalancer","allocateLoadBalancerNodePorts":false)"),
            "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for "
            "LoadBalancer services"},
        Refused{"no external name", R"({"metadata":{"name":"web"},"spec":{"type":"ExternalName"}})",
                "spec.externalName: Required value"},
        Refused{"external policy", web(R"("externalTrafficPolicy":"Local")"),
                "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for "
                "externally-accessible services"},
        Refused{"health port", web(R"("healthCheckNodePort":31000)"),
                "spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is "
                "'LoadBalancer' and "
                "`externalTrafficPolicy` is 'Local'"},
        Refused{"source ranges", web(R"("loadBalancerSourceRanges":["10.0.0.0/8"])"),
                "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is "
                "'LoadBalancer'"},
        Refused{"balancer ports", web(R"("allocateLoadBalancerNodePorts":true)"),
                "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is "
                "'LoadBalancer'"},
        Refused{"loopback", web(R"("externalIPs":["127.0.0.1"])"),
                "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback "
                "range (127.0.0.0/8, ::1/128)"},
        Refused{"link-local", web(R"("externalIPs":["169.254.1.1"])"),
                "spec.externalIPs[0]: Invalid value: \"169.254.1.1\": may not be in the link-local "
                "range (169.254.0.0/16, fe80::/10)"},
        Refused{"dual stack", web(R"("ipFamilyPolicy":"RequireDualStack")"),
                "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not "
                "configured for dual-stack services"},
        Refused{"family", web(R"("ipFamilies":["IPv6"])"),
                "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"},
        Refused{"distribution", web(R"("trafficDistribution":"Random")"),
                "spec.trafficDistribution: Unsupported value: \"Random\": supported values: "
                "\"PreferClose\", \"PreferSameNode\", "
                "\"PreferSameZone\""}));

TEST(ServiceName, IsADns1035Label) {
  Cluster cluster;
  EXPECT_EQ(message_of(cluster.create(
                service(), R"({"metadata":{"name":"a.b"},"spec":{"ports":[{"port":1}]}})")),
            "Service \"a.b\" is invalid: metadata.name: Invalid value: \"a.b\": a DNS-1035 label "
            "must consist of lower case "
            "alphanumeric characters or '-', start with an alphabetic character, and end with an "
            "alphanumeric character (e.g. "
            "'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
}

TEST(SeveralComplaints, AreListedWithTheirCauses) {
  Cluster cluster;
  auto made =
      cluster.create(service(), R"({"metadata":{"name":"web"},"spec":{"sessionAffinity":"Foo"}})");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message,
            "Service \"web\" is invalid: [spec.ports: Required value, spec.sessionAffinity: "
            "Unsupported value: \"Foo\": "
            "supported values: \"ClientIP\", \"None\"]");
  EXPECT_EQ(json::value(made.error().details),
            from_text(R"({"name":"web","kind":"Service","causes":[
      {"reason":"FieldValueRequired","message":"Required value","field":"spec.ports"},
      {"reason":"FieldValueNotSupported","message":"Unsupported value: \"Foo\": supported values: \"ClientIP\", \"None\"",
       "field":"spec.sessionAffinity"}]})"));
  json::object body = status_body(made.error());
  EXPECT_EQ(text(body, {"kind"}), "Status");
  EXPECT_EQ(text(body, {"code"}), "422");
}

}  // namespace
}  // namespace fairlead::api
