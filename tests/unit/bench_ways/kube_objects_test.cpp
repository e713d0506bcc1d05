// The objects that a real kube-proxy is fed with.
#include "bench/ways/kube_objects.hpp"

#include <gtest/gtest.h>

#include "bench/ways/kube_proxy_rules.hpp"
#include "tests/unit/bench_ways/plans.hpp"

namespace fairlead::bench {
namespace {

TEST(KubeObjects, AServiceKeepsItsAddressesAndPorts) {
  ServicePlan plan = service_of("svc1", ip("172.30.0.41"), {{ip("10.180.0.1"), {8080}, true}});
  open_node_port(plan, 30080);
  const ApiObject service = kube_service({plan});
  EXPECT_EQ(service.collection, "/api/v1/namespaces/ns1/services");
  EXPECT_EQ(
      boost::json::serialize(service.body),
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"svc1","namespace":"ns1"},"spec":{"ports":[{"protocol":"TCP","port":80,"name":"p80","nodePort":30080}],"ipFamilyPolicy":"SingleStack","internalTrafficPolicy":"Cluster","type":"NodePort","clusterIP":"172.30.0.41","clusterIPs":["172.30.0.41"],"ipFamilies":["IPv4"],"externalTrafficPolicy":"Cluster"}})");
}

TEST(KubeObjects, ASliceOfOtherAddressesReplacesTheOneBefore) {
  const ServicePlan before = service_of("svc1", ip("172.30.0.41"), {{ip("10.180.0.1"), {8080}}}),
                    after = service_of("svc1", ip("172.30.0.41"), {{ip("10.180.0.2"), {8080}}});
  const auto slices = kube_endpoints({before}, EndpointsApi::kSlices);
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ(slices[0].name, kube_endpoints({after}, EndpointsApi::kSlices).at(0).name);
  EXPECT_EQ(
      boost::json::serialize(slices[0].body.at("endpoints")),
      R"([{"addresses":["10.180.0.1"],"nodeName":"elsewhere","conditions":{"ready":true,"serving":true,"terminating":false}}])");
}

TEST(KubeObjects, NoServiceHasTheAddressThatTheApiServerTakesForItself) {
  EXPECT_EQ(kube_service_ranges(small_plan({"10.180.0.1"})), "fd00:96::/112,172.30.0.32/28");
  Plan plan = empty_plan();
  add(plan, service_of("svc1", ip("172.30.0.33"), {}));
  add(plan, service_of("svc2", ip("fd00:1::1"), {}));
  EXPECT_EQ(kube_service_ranges(plan), "172.30.0.0/26,fd00:1::/124");
}

TEST(KubeObjects, KubeProxyIsToldOnlyOfFamiliesThatHaveAService) {
  Plan plan = small_plan({"10.180.0.1"});
  plan.node.node_port_addresses.push_back(ip("fd18::1"));
  EXPECT_EQ(detection_arguments(plan),
            (std::vector<std::string>{"--cluster-cidr", "10.0.0.0/8", "--nodeport-addresses",
                                      "198.18.0.1/32"}));
}

}  // namespace
}  // namespace fairlead::bench
