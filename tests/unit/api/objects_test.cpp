// Metadata, and the kinds besides Services.
#include "controlplane/api/metadata.hpp"
#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::MatchesRegex;

json::object changed(json::object object, std::string_view section, std::string_view key,
                     json::value value) {
  object[section].as_object()[key] = std::move(value);
  return object;
}

TEST(Metadata, GeneratesNamesAndUids) {
  std::mt19937_64 random(3);
  EXPECT_THAT(generate_name("web-", random), MatchesRegex("web-[bcdfghjklmnpqrstvwxz2456789]{5}"));
  EXPECT_EQ(generate_name(std::string(80, 'a'), random).size(), 63U);
  EXPECT_THAT(generate_uid(random),
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  Cluster cluster;
  auto made = cluster.create(kind("ConfigMap"), R"({"metadata":{"generateName":"cm-"}})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(text(made->object, {"metadata", "name"}), MatchesRegex("cm-.{5}"));
}

struct Refused {
  std::string name, kind, body, message;
};
void PrintTo(const Refused& r, std::ostream* out) { *out << r.name; }

class RefusedObject : public testing::TestWithParam<Refused> {};

TEST_P(RefusedObject, IsAnsweredAsKubernetesAnswersIt) {
  Cluster cluster;
  auto made = cluster.create(kind(GetParam().kind), GetParam().body);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, 422);
  EXPECT_THAT(made.error().message, HasSubstr(GetParam().message));
}

std::string slice(std::string_view rest) {
  return R"({"metadata":{"name":"s"},)" + std::string(rest) + "}";
}

INSTANTIATE_TEST_SUITE_P(
    Messages, RefusedObject,
    testing::Values(
        Refused{"no name", "ConfigMap", "{}",
                "metadata.name: Required value: name or generateName is required"},
        Refused{"label", "ConfigMap", R"({"metadata":{"name":"a","labels":{"a b":"c"}}})",
                "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric "
                "characters, '-', '_' or '.'"},
        Refused{"label value", "ConfigMap", R"({"metadata":{"name":"a","labels":{"a":"b c"}}})",
                "metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or "
                "consist of"},
        Refused{"finalizer", "ConfigMap", R"({"metadata":{"name":"a","finalizers":["foo"]}})",
                "metadata.finalizers[0]: Invalid value: \"foo\": name is neither a standard "
                "finalizer name nor is it fully qualified"},
        Refused{
            "owner", "ConfigMap",
            R"({"metadata":{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p"}]}})",
            "metadata.ownerReferences[0].uid: Invalid value: \"\": uid must not be empty"},
        Refused{"annotations", "ConfigMap",
                R"({"metadata":{"name":"a","annotations":{"k":")" + std::string(300 << 10, 'x') +
                    "\"}}}",
                "metadata.annotations: Too long: may not be more than 262144 bytes"},
        Refused{"address type", "EndpointSlice", slice(R"("addressType":"Foo","endpoints":[])"),
                "EndpointSlice.discovery.k8s.io \"s\" is invalid: addressType: Unsupported value: "
                "\"Foo\": supported values: "
                "\"FQDN\", \"IPv4\", \"IPv6\""},
        Refused{"address", "EndpointSlice",
                slice(R"("addressType":"IPv4","endpoints":[{"addresses":["foo"]}])"),
                "endpoints[0].addresses[0]: Invalid value: \"foo\": must be a valid IPv4 address"},
        Refused{"no address", "EndpointSlice",
                slice(R"("addressType":"IPv4","endpoints":[{"addresses":[]}])"),
                "endpoints[0].addresses: Required value: must contain at least 1 address"},
        Refused{"loopback", "EndpointSlice",
                slice(R"("addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1"]}])"),
                "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the "
                "loopback range"},
        Refused{"multicast", "EndpointSlice",
                slice(R"("addressType":"IPv4","endpoints":[{"addresses":["224.0.0.1"]}])"),
                "may not be in the link-local multicast range"},
        Refused{"other family", "EndpointSlice",
                slice(R"("addressType":"IPv6","endpoints":[{"addresses":["10.0.0.1"]}])"),
                "must be a valid IPv6 address"},
        Refused{"slice port", "EndpointSlice",
                slice(R"("addressType":"IPv4","endpoints":[],"ports":[{"port":0}])"),
                "ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"},
        Refused{"lease", "Lease", R"({"metadata":{"name":"l"},"spec":{"leaseDurationSeconds":0}})",
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"},
        Refused{
            "event", "Event", R"({"metadata":{"name":"e"},"involvedObject":{"namespace":"other"}})",
            "involvedObject.namespace: Invalid value: \"other\": does not match event.namespace"},
        Refused{"config key", "ConfigMap", R"({"metadata":{"name":"c"},"data":{"a/b":"x"}})",
                "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of"},
        Refused{"pod without containers", "Pod", R"({"metadata":{"name":"p"},"spec":{}})",
                "spec.containers: Required value"},
        Refused{"pod image", "Pod",
                R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a"}]}})",
                "spec.containers[0].image: Required value"},
        Refused{
            "mount", "Pod",
            R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"x","mountPath":"/"}]}]}})",
            "spec.containers[0].volumeMounts[0].name: Not found: \"x\""},
        Refused{"taint", "Node",
                R"({"metadata":{"name":"n"},"spec":{"taints":[{"key":"a","effect":"Foo"}]}})",
                "metadata.taints[0].effect: Unsupported value: \"Foo\": supported values: "
                "\"NoExecute\", \"NoSchedule\", "
                "\"PreferNoSchedule\""},
        Refused{
            "endpoints", "Endpoints",
            R"({"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"127.0.0.1"}],"ports":[{"port":1}]}]})",
            "subsets[0].addresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback "
            "range"}));

TEST(EndpointSlice, HoldsAThousandEndpointsAndNoMore) {
  Cluster cluster;
  auto with_count = [&](int count) {
    json::array endpoints;
    for (int i = 0; i < count; ++i) {
      endpoints.push_back(json::object{
          {"addresses",
           json::array{"10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)}}});
    }
    json::object body{{"metadata", {{"name", "s"}}},
                      {"addressType", "IPv4"},
                      {"endpoints", std::move(endpoints)}};
    return cluster.create(kind("EndpointSlice"), json::serialize(body));
  };
  EXPECT_TRUE(with_count(1000));
  EXPECT_THAT(message_of(with_count(1001)),
              HasSubstr("endpoints: Too many: 1001: must have at most 1000 items"));
}

TEST(EndpointSlice, KeepsItsAddressType) {
  Cluster cluster;
  json::object old = cluster.stored(
      kind("EndpointSlice"), slice(R"("addressType":"IPv4","endpoints":[],"ports":[{"port":80}])"));
  EXPECT_EQ(text(old, {"ports"}), R"([{"port":80,"name":"","protocol":"TCP"}])");
  json::object wanted = old;
  wanted["addressType"] = "IPv6";
  EXPECT_THAT(message_of(cluster.update(kind("EndpointSlice"), old, wanted)),
              HasSubstr("addressType: Invalid value: \"IPv6\": field is immutable"));
}

TEST(ConfigMap, ThatIsImmutableStaysAsItIs) {
  Cluster cluster;
  json::object old = cluster.stored(
      kind("ConfigMap"), R"({"metadata":{"name":"c"},"immutable":true,"data":{"a":"1"}})");
  EXPECT_THAT(message_of(cluster.update(kind("ConfigMap"), old, changed(old, "data", "a", "2"))),
              HasSubstr("data: Forbidden: field is immutable when `immutable` is set"));
  EXPECT_TRUE(cluster.update(kind("ConfigMap"), old, old)->unchanged);
}

TEST(Finalizers, HoldAnObjectUntilTheLastIsTaken) {
  Cluster cluster;
  const ResourceType& type = kind("ConfigMap");
  json::object old = cluster.stored(type, R"({"metadata":{"name":"c","finalizers":["a/b"]}})");
  auto deletion = prepare_delete(type, old, {}, cluster.now);
  ASSERT_TRUE(deletion);
  EXPECT_FALSE(deletion->remove);
  EXPECT_EQ(text(deletion->object, {"metadata", "deletionTimestamp"}), "2026-01-02T03:04:05Z");
  EXPECT_TRUE(prepare_delete(type, deletion->object, {}, cluster.now)->unchanged);

  json::object more =
      changed(deletion->object, "metadata", "finalizers", json::array{"a/b", "q.r/s"});
  EXPECT_THAT(message_of(cluster.update(type, deletion->object, more)),
              HasSubstr("metadata.finalizers: Forbidden: no new finalizers can be added if the "
                        "object is being deleted, found new "
                        "finalizers []string{\"q.r/s\"}"));
  json::object none = deletion->object;
  none["metadata"].as_object().erase("finalizers");
  EXPECT_TRUE(cluster.update(type, deletion->object, none)->remove);
}

TEST(Deletion, ChecksPreconditions) {
  Cluster cluster;
  json::object old = cluster.stored(kind("Service"),
                                    R"({"metadata":{"name":"ok"},"spec":{"ports":[{"port":1}]}})");
  DeleteOptions options;
  options.resource_version = "9";
  auto refused = prepare_delete(kind("Service"), old, options, cluster.now);
  EXPECT_EQ(refused.error().code, 409);
  EXPECT_EQ(refused.error().message,
            "Operation cannot be fulfilled on Service \"ok\": the ResourceVersion in the "
            "precondition (9) does not match the "
            "ResourceVersion in record (1). The object might have been modified");
  options.resource_version = "1";
  EXPECT_TRUE(prepare_delete(kind("Service"), old, options, cluster.now)->remove);
  options.uid = "zz";
  EXPECT_THAT(message_of(prepare_delete(kind("Service"), old, options, cluster.now)),
              HasSubstr("the UID in the precondition (zz) does not match the UID in record"));
}

TEST(Namespace, EndsByWayOfTerminatingAndFinalize) {
  Cluster cluster;
  const ResourceType& type = kind("Namespace");
  json::object old = cluster.stored(type, R"({"metadata":{"name":"team"}})");
  EXPECT_EQ(text(old, {"metadata", "labels"}), R"({"kubernetes.io/metadata.name":"team"})");
  EXPECT_EQ(text(old, {"status", "phase"}), "Active");
  auto deletion = prepare_delete(type, old, {}, cluster.now);
  EXPECT_FALSE(deletion->remove);
  EXPECT_EQ(text(deletion->object, {"status", "phase"}), "Terminating");
  auto last = cluster.update(type, deletion->object, without_namespace_finalizer(deletion->object),
                             "finalize");
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_TRUE(last->remove);
  auto main = cluster.update(type, deletion->object, without_namespace_finalizer(deletion->object));
  EXPECT_TRUE(main->unchanged);
}

TEST(Pod, GetsKubernetesDefaults) {
  Cluster cluster;
  json::object pod = cluster.stored(
      kind("Pod"), R"({"metadata":{"name":"p"},"spec":{"hostNetwork":true,"containers":[
      {"name":"a","image":"nginx","ports":[{"containerPort":80}],"readinessProbe":{"httpGet":{"port":80}}}],
      "volumes":[{"name":"e"},{"name":"c","configMap":{"name":"x"}}]}})");
  EXPECT_EQ(text(pod, {"spec", "restartPolicy"}), "Always");
  EXPECT_EQ(text(pod, {"spec", "dnsPolicy"}), "ClusterFirst");
  EXPECT_EQ(text(pod, {"status"}), R"({"phase":"Pending"})");
  const json::object& container = object_of(array_at(pod, {"spec", "containers"})[0]);
  EXPECT_EQ(text(container, {"imagePullPolicy"}), "Always");
  EXPECT_EQ(text(container, {"ports"}), R"([{"containerPort":80,"protocol":"TCP","hostPort":80}])");
  EXPECT_EQ(text(container, {"readinessProbe", "httpGet"}),
            R"({"port":80,"path":"/","scheme":"HTTP"})");
  EXPECT_EQ(
      text(pod, {"spec", "volumes"}),
      R"([{"name":"e","emptyDir":{}},{"name":"c","configMap":{"name":"x","defaultMode":420}}])");
}

TEST(Pod, ChangesItsImageButNotItsPorts) {
  Cluster cluster;
  json::object pod = cluster.stored(
      kind("Pod"),
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"x:1"}]}})");
  json::object image = pod, node = changed(pod, "spec", "nodeName", "n1");
  image["spec"].as_object()["containers"].as_array()[0].as_object()["image"] = "x:2";
  EXPECT_TRUE(cluster.update(kind("Pod"), pod, image));
  EXPECT_THAT(message_of(cluster.update(kind("Pod"), pod, node)),
              HasSubstr("spec: Forbidden: pod updates may not change fields"));
}

TEST(Pod, StatusKeepsPodIpAndPodIpsTheSame) {
  Cluster cluster;
  json::object pod = cluster.stored(
      kind("Pod"),
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"x:1"}]}})");
  auto updated =
      cluster.update(kind("Pod"), pod, changed(pod, "status", "podIP", "10.0.0.1"), "status");
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(text(updated->object, {"status", "podIPs"}), R"([{"ip":"10.0.0.1"}])");
}

TEST(Node, GetsTheFirstFreeNetworkAndKeepsIt) {
  Cluster cluster({"10.96.0.0/16"}, {"10.244.0.0/16", "fd00:244::/48"});
  json::object one =
      cluster.stored(kind("Node"), R"({"metadata":{"name":"n1"},"status":{"phase":"Running"}})");
  EXPECT_EQ(text(one, {"spec"}),
            R"({"podCIDR":"10.244.0.0/24","podCIDRs":["10.244.0.0/24","fd00:244::/64"]})");
  EXPECT_EQ(text(one, {"status", "phase"}), "Running");
  json::object two = cluster.stored(
      kind("Node"), R"({"metadata":{"name":"n2"},"spec":{"podCIDR":"10.244.7.0/24"}})");
  EXPECT_EQ(text(two, {"spec", "podCIDRs"}), R"(["10.244.7.0/24"])");
  EXPECT_THAT(
      message_of(cluster.create(
          kind("Node"), R"({"metadata":{"name":"n3"},"spec":{"podCIDR":"10.244.7.0/24"}})")),
      HasSubstr("10.244.7.0/24 belongs to another node"));
  EXPECT_THAT(message_of(cluster.update(kind("Node"), two,
                                        changed(changed(two, "spec", "podCIDR", "10.244.8.0/24"),
                                                "spec", "podCIDRs", json::array{"10.244.8.0/24"}))),
              HasSubstr("node updates may not change podCIDR"));
  release(kind("Node"), one, cluster.allocators);
  json::object again = cluster.stored(kind("Node"), R"({"metadata":{"name":"n4"}})");
  EXPECT_EQ(text(again, {"spec", "podCIDR"}), "10.244.0.0/24");
}

TEST(Event, IsTheSameObjectInBothGroups) {
  const ResourceType& renamed = *find_resource("events.k8s.io", "v1", "events");
  json::object event =
      object(R"({"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"e"},
      "regarding":{"kind":"Pod"},"note":"hello","reportingController":"lab"})");
  json::object stored = to_stored(renamed, event);
  EXPECT_EQ(
      stored,
      object(
          R"({"apiVersion":"v1","kind":"Event","metadata":{"name":"e"},"involvedObject":{"kind":"Pod"},
      "message":"hello","reportingComponent":"lab"})"));
  EXPECT_EQ(from_stored(renamed, stored), event);
}

TEST(Size, OfAnObjectIsLimited) {
  Cluster cluster;
  std::string value(900 << 10, 'x');
  auto made = cluster.create(
      kind("Pod"),
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"x","command":[")" +
          value + "\",\"" + value + "\"]}]}}");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, 413);
}

}  // namespace
}  // namespace fairlead::api
