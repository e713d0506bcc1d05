// Addresses that no Service may have, and addresses that two Services ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> result;
  for (const auto& problem : problems)
    result.push_back(problem.object + ": " + problem.field + ": " + problem.message);
  return result;
}

Service service(const std::string& name, int created, std::string_view cluster_ip) {
  Service service;
  service.name = {"shop", name};
  service.created = Time(std::chrono::seconds(created));
  service.cluster_ips = {ip(cluster_ip)};
  service.ports = {{"", Protocol::kTcp, port(80), {}}};
  return service;
}

Snapshot cluster_of(std::initializer_list<Service> services) {
  Snapshot cluster;
  for (const Service& service : services) cluster.services.emplace(service.name, service);
  return cluster;
}

/// "name kind address:port" of every frontend.
std::vector<std::string> frontends(const Plan& plan) {
  constexpr std::array kKinds{"ClusterIP", "NodePort", "LoadBalancer", "ExternalIP", "HostPort"};
  std::vector<std::string> result;
  for (const auto& [name, services] : plan.services) {
    for (const ServicePlan& service : services) {
      for (const Frontend& frontend : service.frontends) {
        result.push_back(name.name + ' ' + kKinds[static_cast<std::size_t>(frontend.kind)] + ' ' +
                         to_string(frontend.address, frontend.port));
      }
    }
  }
  return result;
}

TEST(Conflict, OverAClusterIpIsWonByTheOlder) {
  const Plan planned =
      plan(cluster_of({service("a", 2, "172.30.0.1"), service("b", 1, "172.30.0.1")}), {});
  EXPECT_THAT(frontends(planned), ElementsAre("b ClusterIP 172.30.0.1:80"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Service shop/a: spec.clusterIPs: 172.30.0.1:80 TCP is already taken by "
                          "Service shop/b, which is "
                          "older; it is left out"));
}

TEST(Conflict, OfEqualAgeIsWonByTheSmallerName) {
  const Plan planned =
      plan(cluster_of({service("b", 1, "172.30.0.1"), service("a", 1, "172.30.0.1")}), {});
  EXPECT_THAT(frontends(planned), ElementsAre("a ClusterIP 172.30.0.1:80"));
}

TEST(Conflict, IsOverTheSamePortAndProtocolAlone) {  // E12
  Service a = service("a", 1, "172.30.0.1"), b = service("b", 2, "172.30.0.2"),
          c = service("c", 3, "172.30.0.3");
  a.load_balancer_ips = b.load_balancer_ips = c.load_balancer_ips = {ip("1.2.3.4")};
  b.ports[0].port = port(81);
  c.ports[0].protocol = Protocol::kUdp;
  const Plan planned = plan(cluster_of({a, b, c}), {});
  EXPECT_THAT(planned.problems, IsEmpty());
  EXPECT_THAT(frontends(planned),
              testing::IsSupersetOf({"a LoadBalancer 1.2.3.4:80", "b LoadBalancer 1.2.3.4:81",
                                     "c LoadBalancer 1.2.3.4:80"}));
}

TEST(Conflict, CostsTheLoserThatFrontendOnly) {
  Service a = service("a", 1, "172.30.0.1"), b = service("b", 2, "172.30.0.2");
  a.external_ips = {ip("203.0.113.1")};
  b.load_balancer_ips = {ip("203.0.113.1")};
  b.external_ips = {ip("203.0.113.2")};
  EXPECT_THAT(frontends(plan(cluster_of({a, b}), {})),
              ElementsAre("a ClusterIP 172.30.0.1:80", "a ExternalIP 203.0.113.1:80",
                          "b ClusterIP 172.30.0.2:80", "b ExternalIP 203.0.113.2:80"));
}

TEST(Conflict, WithAClusterIpIsLostWhateverTheAgeAndPort) {
  Service thief = service("a", 1, "172.30.0.1");
  thief.external_ips = {ip("172.30.0.2")};
  thief.load_balancer_ips = {ip("172.30.0.2")};
  thief.ports[0].port = port(443);
  const Plan planned = plan(cluster_of({thief, service("b", 2, "172.30.0.2")}), {});
  EXPECT_THAT(frontends(planned),
              ElementsAre("a ClusterIP 172.30.0.1:443", "b ClusterIP 172.30.0.2:80"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre(HasSubstr(
                  "172.30.0.2:443 TCP is the ClusterIP of Service shop/b; it is left out")));
}

TEST(Conflict, OverANodePortIsWonByTheOlder) {  // D06: another protocol is no conflict
  Service a = service("a", 2, "172.30.0.1"), b = service("b", 1, "172.30.0.2"),
          c = service("c", 3, "172.30.0.3");
  a.ports[0].node_port = b.ports[0].node_port = c.ports[0].node_port = port(30000);
  c.ports[0].protocol = Protocol::kUdp;
  const Plan planned = plan(cluster_of({a, b, c}), {});
  EXPECT_THAT(frontends(planned),
              ElementsAre("a ClusterIP 172.30.0.1:80", "b ClusterIP 172.30.0.2:80",
                          "b NodePort 0.0.0.0:30000", "c ClusterIP 172.30.0.3:80",
                          "c NodePort 0.0.0.0:30000"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Service shop/a: spec.ports[0].nodePort: 30000 TCP is already taken by "
                          "Service shop/b, which is "
                          "older; it is left out"));
}

TEST(Conflict, WithinAServiceIsWonByTheFirstPort) {
  Service a = service("a", 1, "172.30.0.1");
  a.ports = {{"x", Protocol::kTcp, port(80), port(30000)},
             {"y", Protocol::kTcp, port(81), port(30000)}};
  const Plan planned = plan(cluster_of({a}), {});
  EXPECT_THAT(frontends(planned),
              ElementsAre("a ClusterIP 172.30.0.1:80", "a NodePort 0.0.0.0:30000",
                          "a ClusterIP 172.30.0.1:81"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre(HasSubstr("spec.ports[1].nodePort: 30000 is already")));
}

TEST(Conflict, IsNoneWithServicesThatAreNotPlanned) {
  Service headless = service("a", 1, "172.30.0.1");
  headless.cluster_ips.clear();
  headless.external_ips = {ip("203.0.113.1")};
  Service b = service("b", 2, "172.30.0.2");
  b.external_ips = {ip("203.0.113.1")};
  EXPECT_THAT(plan(cluster_of({headless, b}), {}).problems, IsEmpty());
}

TEST(Refusal, NamesWhatIsWrongWithTheAddress) {
  Service a = service("a", 1, "172.30.0.1");
  for (const auto* text : {"127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "192.168.0.2",
                           "10.244.7.7", "10.250.0.1", "172.30.9.9", "10.9.9.9", "203.0.113.1"}) {
    a.external_ips.push_back(ip(text));
  }
  Snapshot cluster = cluster_of({a});
  cluster.nodes["n2"].addresses = {ip("192.168.0.2")};
  cluster.nodes["n2"].pod_cidrs = {cidr("10.244.7.0/24")};
  PlanOptions options;
  options.service_cidrs = {cidr("172.30.0.0/16")};
  options.cluster_cidrs = {cidr("10.250.0.0/16"),
                           cidr("10.0.0.0/8")};  // B35: a /8 is no range of pods
  const Plan planned = plan(cluster, options);
  EXPECT_THAT(frontends(planned),
              ElementsAre("a ClusterIP 172.30.0.1:80", "a ExternalIP 10.9.9.9:80",
                          "a ExternalIP 203.0.113.1:80"));
  const std::string at = "Service shop/a: spec.externalIPs: ";
  EXPECT_THAT(lines(planned.problems),
              ElementsAre(at + "127.0.0.1 is a loopback address; it is left out",
                          at + "169.254.169.254 is a link-local address; it is left out",
                          at + "224.0.0.1 is a multicast address; it is left out",
                          at + "0.0.0.0 is the unspecified address; it is left out",
                          at + "192.168.0.2 is an address of a node; it is left out",
                          at + "10.244.7.7 lies in a range of pods; it is left out",
                          at + "10.250.0.1 lies in a range of pods; it is left out",
                          at + "172.30.9.9 lies in a range of ClusterIPs; it is left out"));
}

TEST(Refusal, HoldsForClusterIpsAndLoadBalancersToo) {
  Service a = service("a", 1, "127.0.0.1"), b = service("b", 1, "fe80::1"),
          c = service("c", 1, "172.30.0.3");
  c.load_balancer_ips = {ip("239.1.1.1")};
  EXPECT_THAT(frontends(plan(cluster_of({a, b, c}), {})), ElementsAre("c ClusterIP 172.30.0.3:80"));
}

TEST(Refusal, OfExternalIpsIsAnOption) {
  Service a = service("a", 1, "172.30.0.1");
  a.external_ips = {ip("203.0.113.1"), ip("198.51.100.1")};
  a.load_balancer_ips = {ip("192.0.2.1")};
  PlanOptions options;
  options.allowed_external_ips.emplace();
  EXPECT_THAT(frontends(plan(cluster_of({a}), options)),
              ElementsAre("a ClusterIP 172.30.0.1:80", "a LoadBalancer 192.0.2.1:80"));
  options.allowed_external_ips->push_back(cidr("198.51.100.0/24"));
  EXPECT_THAT(frontends(plan(cluster_of({a}), options)),
              ElementsAre("a ClusterIP 172.30.0.1:80", "a LoadBalancer 192.0.2.1:80",
                          "a ExternalIP 198.51.100.1:80"));
}

TEST(Refusal, BoundsWhatOneServiceCanCost) {
  Service a = service("a", 1, "172.30.0.1");
  a.ports.clear();
  for (int i = 1; i <= 1000; ++i)
    a.ports.push_back({std::to_string(i), Protocol::kTcp, port(i), {}});
  for (int i = 0; i < 1000; ++i) {
    a.external_ips.push_back(
        ip("203.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250)));
  }
  const Plan planned = plan(cluster_of({a, service("b", 2, "172.30.0.2")}), {});
  EXPECT_EQ(frontends(planned).size(), 10001U);
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Service shop/a: spec.ports: more than 10000 pairs of address and port; "
                          "the rest is left out"));
}

}  // namespace
}  // namespace fairlead
