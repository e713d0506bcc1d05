// The endpoint slice controller: what is written, and above all what is not.
#include "controlplane/api/endpoint_slices.hpp"

#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A Service, its Pods, and the slices as a server would keep them.
struct World {
  json::object service = object(
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"default","uid":"u1",
      "labels":{"team":"a"}},"spec":{"type":"ClusterIP","clusterIP":"10.96.0.1","selector":{"app":"web"},"ipFamilies":["IPv4"],
      "ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":8080}]}})");
  std::vector<json::object> pods;
  std::map<std::string, json::object> nodes;
  std::map<std::string, json::object> slices;
  std::mt19937_64 random{1};
  Time now = *parse_time("2026-01-02T03:04:05Z");
  int version = 0;

  json::object& add_pod(int number, std::string_view ip = "") {
    std::string address =
        "10.244." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1);
    if (!ip.empty()) address = ip;
    std::string name = "web-" + std::to_string(number);
    pods.push_back(object(
        R"({"metadata":{"namespace":"default","labels":{"app":"web"}},"spec":{"nodeName":"n1","containers":[
        {"ports":[{"name":"main","containerPort":9000}]}]},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})"));
    pods.back()["metadata"].as_object()["name"] = name;
    pods.back()["metadata"].as_object()["uid"] = "uid-" + name;
    pods.back()["status"].as_object()["podIP"] = address;
    return pods.back();
  }

  SliceWrites plan() {
    std::vector<const json::object*> pod_list, slice_list;
    for (const json::object& pod : pods) pod_list.push_back(&pod);
    for (const auto& [name, slice] : slices) slice_list.push_back(&slice);
    SliceInputs inputs{.service = &service,
                       .pods = pod_list,
                       .slices = slice_list,
                       .node = [&](std::string_view name) {
                         auto found = nodes.find(std::string(name));
                         return found == nodes.end() ? nullptr : &found->second;
                       }};
    return reconcile_slices(inputs, now, random);
  }

  /// Plans and does it, through the server's own defaults and validation.
  SliceWrites settle() {
    SliceWrites writes = plan();
    Cluster cluster;
    for (const json::object& slice : writes.create) {
      json::object stored = cluster.stored(kind("EndpointSlice"), json::serialize(slice));
      keep(std::move(stored));
    }
    for (const json::object& slice : writes.update) {
      const json::object& old = slices.at(text(slice, {"metadata", "name"}));
      auto updated = cluster.update(kind("EndpointSlice"), old, slice);
      EXPECT_TRUE(updated) << message_of(updated);
      keep(updated->object);
    }
    for (const std::string& name : writes.remove) slices.erase(name);
    return writes;
  }

  void keep(json::object slice) {
    slice["metadata"].as_object()["resourceVersion"] = std::to_string(++version);
    std::string name = text(slice, {"metadata", "name"});
    slices[name] = std::move(slice);
  }

  [[nodiscard]] std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> result;
    for (const auto& [name, slice] : slices)
      result.push_back(array_at(slice, {"endpoints"}).size());
    std::ranges::sort(result);
    return result;
  }
};

TEST(EndpointSlices, DescribeAReadyPod) {
  World world;
  world.nodes["n1"] = object(R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"zone-a"}}})");
  world.add_pod(1);
  SliceWrites writes = world.plan();
  ASSERT_THAT(writes.create, SizeIs(1));
  const json::object& slice = writes.create[0];
  EXPECT_THAT(text(slice, {"metadata", "name"}), testing::MatchesRegex("web-[a-z0-9]{5}"));
  EXPECT_EQ(json::value(object_at(slice, {"metadata", "labels"})),
            from_text(R"({"team":"a","kubernetes.io/service-name":"web",
                          "endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"})"));
  EXPECT_EQ(
      json::value(array_at(slice, {"metadata", "ownerReferences"})),
      from_text(
          R"([{"apiVersion":"v1","kind":"Service","name":"web","uid":"u1","controller":true,"blockOwnerDeletion":true}])"));
  EXPECT_EQ(
      json::value(array_at(slice, {"endpoints"})),
      from_text(
          R"([{"addresses":["10.244.0.2"],"conditions":{"ready":true,"serving":true,"terminating":false},
                "targetRef":{"kind":"Pod","namespace":"default","name":"web-1","uid":"uid-web-1"},"nodeName":"n1","zone":"zone-a"}])"));
  EXPECT_EQ(json::value(array_at(slice, {"ports"})),
            from_text(R"([{"name":"http","protocol":"TCP","port":8080}])"));
  EXPECT_EQ(text(slice, {"addressType"}), "IPv4");
}

TEST(EndpointSlices, OfAHundredAndFivePodsAreTwo) {
  World world;
  for (int i = 0; i < 105; ++i) world.add_pod(i);
  world.settle();
  EXPECT_THAT(world.sizes(), ElementsAre(5, 100));
  EXPECT_TRUE(world.plan().empty());
}

TEST(EndpointSlices, AreWrittenOnlyWhereSomethingChanged) {
  World world;
  for (int i = 0; i < 105; ++i) world.add_pod(i);
  world.settle();
  world.pods[104]["status"].as_object()["conditions"] =
      from_text(R"([{"type":"Ready","status":"False"}])");
  SliceWrites writes = world.settle();
  EXPECT_THAT(writes.create, IsEmpty());
  EXPECT_THAT(writes.remove, IsEmpty());
  ASSERT_THAT(writes.update, SizeIs(1));
  EXPECT_NE(text(writes.update[0], {"metadata", "resourceVersion"}), "(none)");
}

TEST(EndpointSlices, AreFilledBeforeNewOnesAreMade) {
  World world;
  for (int i = 0; i < 105; ++i) world.add_pod(i);
  world.settle();
  world.pods.erase(world.pods.begin(), world.pods.begin() + 3);
  world.settle();
  EXPECT_THAT(world.sizes(), ElementsAre(5, 97));
  for (int i = 200; i < 204; ++i) world.add_pod(i);
  SliceWrites writes = world.settle();
  EXPECT_THAT(writes.create, IsEmpty());
  EXPECT_THAT(writes.update, SizeIs(2));  // the fullest first: 3 of 4 fit there
  EXPECT_THAT(world.sizes(), ElementsAre(6, 100));
}

TEST(EndpointSlices, LeaveOneEmptyWhenNoPodIsLeft) {
  World world;
  EXPECT_THAT(world.settle().create, SizeIs(1));
  EXPECT_THAT(world.sizes(), ElementsAre(0));
  EXPECT_TRUE(world.plan().empty());
  world.add_pod(1);
  SliceWrites writes = world.settle();
  EXPECT_THAT(writes.create, IsEmpty());  // the empty one lends its name
  EXPECT_THAT(writes.update, SizeIs(1));
  world.pods.clear();
  writes = world.settle();
  EXPECT_THAT(world.sizes(), ElementsAre(0));
  EXPECT_TRUE(world.plan().empty());
}

TEST(EndpointSlices, SkipPodsThatEndedOrHaveNoAddressOrDoNotMatch) {
  World world;
  world.add_pod(1)["status"].as_object()["phase"] = "Succeeded";
  world.add_pod(2)["status"].as_object().erase("podIP");
  world.add_pod(3)["metadata"].as_object()["labels"] = object(R"({"app":"db"})");
  world.settle();
  EXPECT_THAT(world.sizes(), ElementsAre(0));
}

TEST(EndpointSlices, KeepTerminatingPodsWithTheirConditions) {
  World world;
  world.add_pod(1)["metadata"].as_object()["deletionTimestamp"] = "2026-01-02T03:04:05Z";
  SliceWrites writes = world.settle();
  const json::object& endpoint = object_of(array_at(writes.create[0], {"endpoints"})[0]);
  EXPECT_EQ(text(endpoint, {"conditions"}), R"({"ready":false,"serving":true,"terminating":true})");
  world.service["spec"].as_object()["publishNotReadyAddresses"] = true;
  writes = world.settle();
  ASSERT_THAT(writes.update, SizeIs(1));
  EXPECT_EQ(text(object_of(array_at(writes.update[0], {"endpoints"})[0]), {"conditions", "ready"}),
            "true");
}

TEST(EndpointSlices, ResolveNamedPortsPodByPod) {
  World world;
  world.service["spec"].as_object()["ports"] =
      from_text(R"([{"name":"http","protocol":"TCP","port":80,"targetPort":"main"}])");
  world.add_pod(1);
  world.add_pod(2)["spec"].as_object()["containers"] =
      from_text(R"([{"ports":[{"name":"main","containerPort":9001}]}])");
  world.add_pod(3)["spec"].as_object()["containers"] =
      from_text(R"([{"ports":[{"name":"main","containerPort":9002,"protocol":"UDP"}]}])");
  world.settle();
  std::set<std::string> ports;
  for (const auto& [name, slice] : world.slices) ports.insert(text(slice, {"ports"}));
  EXPECT_THAT(ports, ElementsAre(R"([{"name":"http","port":9000,"protocol":"TCP"}])",
                                 R"([{"name":"http","port":9001,"protocol":"TCP"}])"));
}

TEST(EndpointSlices, FollowAChangeOfPortsWithoutLeavingOldSlices) {
  World world;
  world.add_pod(1);
  world.settle();
  world.service["spec"].as_object()["ports"] =
      from_text(R"([{"name":"http","protocol":"TCP","port":80,"targetPort":9999}])");
  SliceWrites writes = world.settle();
  EXPECT_THAT(writes.update, SizeIs(1));
  EXPECT_THAT(world.sizes(), ElementsAre(1));
  EXPECT_TRUE(world.plan().empty());
}

TEST(EndpointSlices, AreOneFamilyEach) {
  World world;
  world.service["spec"].as_object()["ipFamilies"] = json::array{"IPv4", "IPv6"};
  world.add_pod(1)["status"].as_object()["podIPs"] =
      from_text(R"([{"ip":"10.244.0.2"},{"ip":"fd00::2"}])");
  world.add_pod(2);
  world.settle();
  EXPECT_THAT(world.sizes(), ElementsAre(1, 2));
  world.service["spec"].as_object()["ipFamilies"] = json::array{"IPv4"};
  EXPECT_THAT(world.settle().remove, SizeIs(1));
  EXPECT_THAT(world.sizes(), ElementsAre(2));
}

TEST(EndpointSlices, OfHeadlessServicesSaySoAndCarryHostnames) {
  World world;
  world.service["spec"].as_object()["clusterIP"] = "None";
  json::object& pod = world.add_pod(1);
  pod["spec"].as_object()["hostname"] = "db-0";
  pod["spec"].as_object()["subdomain"] = "web";
  world.service["spec"].as_object().erase("ports");
  SliceWrites writes = world.settle();
  EXPECT_EQ(text(writes.create[0], {"metadata", "labels", "service.kubernetes.io/headless"}), "");
  EXPECT_EQ(text(object_of(array_at(writes.create[0], {"endpoints"})[0]), {"hostname"}), "db-0");
  EXPECT_EQ(text(writes.create[0], {"ports"}), "[]");
}

TEST(EndpointSlices, CarryHintsOfTrafficDistribution) {
  World world;
  world.nodes["n1"] = object(R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"zone-a"}}})");
  world.service["spec"].as_object()["trafficDistribution"] = "PreferSameNode";
  world.add_pod(1);
  SliceWrites writes = world.settle();
  EXPECT_EQ(text(object_of(array_at(writes.create[0], {"endpoints"})[0]), {"hints"}),
            R"({"forZones":[{"name":"zone-a"}],"forNodes":[{"name":"n1"}]})");
}

TEST(EndpointSlices, OfOtherManagersAreNeverTouched) {
  World world;
  world.keep(object(R"({"metadata":{"name":"mine","labels":{"kubernetes.io/service-name":"web",
      "endpointslice.kubernetes.io/managed-by":"me"}},"addressType":"IPv4","endpoints":[],"ports":[]})"));
  world.add_pod(1);
  SliceWrites writes = world.settle();
  EXPECT_THAT(writes.update, IsEmpty());
  EXPECT_THAT(writes.remove, IsEmpty());
  EXPECT_TRUE(world.slices.contains("mine"));
}

TEST(EndpointSlices, GoWithTheService) {
  World world;
  world.add_pod(1);
  world.settle();
  const json::object slice = world.slices.begin()->second;
  const json::object* list[] = {&slice};
  EXPECT_THAT(reconcile_slices({.service = nullptr, .pods = {}, .slices = list, .node = {}},
                               world.now, world.random)
                  .remove,
              SizeIs(1));
  world.service["spec"].as_object().erase("selector");
  EXPECT_TRUE(world.plan().empty());
}

TEST(EndpointSlices, FollowTheServicesLabels) {
  World world;
  world.add_pod(1);
  world.settle();
  world.service["metadata"].as_object()["labels"] = object(R"({"team":"b"})");
  EXPECT_THAT(world.settle().update, SizeIs(1));
  EXPECT_EQ(text(world.slices.begin()->second, {"metadata", "labels", "team"}), "b");
}

}  // namespace
}  // namespace fairlead::api
