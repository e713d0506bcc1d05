// Ports of the node that lead to pods: where they are open, and who goes before them.
#include "dataplane/plan/host_ports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/plan/planner.hpp"
#include "world.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ObjectName kWeb{"shop", "pod@web"};

PodHostPorts pod(const std::string& name, std::vector<HostPort> ports) {
  return {.pod = {"shop", name}, .created = {}, .addresses = {ip("10.180.0.7")}, .ports = ports};
}
HostPort tcp(std::int64_t number, std::optional<Ip> host_ip = {}) {
  return {.port = port(number), .pod_port = port(80), .host_ip = host_ip};
}

PlanOptions options() {
  PlanOptions options;
  options.node = "n1";
  options.local_addresses = {ip("192.168.0.2"), ip("10.99.0.1"), ip("fd00:192::2")};
  options.node_port_cidrs = {cidr("192.168.0.0/24")};
  return options;
}

Service service(const std::string& cluster_ip) {
  Service service;
  service.name = {"shop", "web"};
  service.cluster_ips = {ip(cluster_ip)};
  service.ports = {{"", Protocol::kTcp, port(80), {}}};
  return service;
}
Snapshot cluster_of(const Service& service) {
  Snapshot cluster;
  cluster.services.emplace(service.name, service);
  return cluster;
}

/// "name address:port" of every host port.
std::vector<std::string> host_ports(const Plan& plan) {
  std::vector<std::string> result;
  for (const auto& [name, plans] : plan.services)
    for (const ServicePlan& one : plans)
      for (const Frontend& frontend : one.frontends)
        if (frontend.kind == FrontendKind::kHostPort)
          result.push_back(to_string(one.name) + ' ' + to_string(frontend.address, frontend.port));
  return result;
}
std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> result;
  for (const auto& problem : problems) result.push_back(problem.object + ": " + problem.message);
  return result;
}

TEST(HostPorts, AreOpenAtEveryAddressOfTheNodeAndOfLoopback) {
  EXPECT_THAT(host_ports(plan({}, options(), {pod("web", {tcp(8080)})})),
              ElementsAre("shop/pod@web:8080 10.99.0.1:8080", "shop/pod@web:8080 127.0.0.1:8080",
                          "shop/pod@web:8080 192.168.0.2:8080"));
}

TEST(HostPorts, LeadToThePodInBothOfItsFamilies) {
  PodHostPorts web = pod("web", {tcp(8080)});
  web.addresses.push_back(ip("fd00:180::7"));
  const Plan planned = plan({}, options(), {web});
  const ServicePlans& plans = planned.services.at(kWeb);
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_THAT(plans[0].cluster_backends, ElementsAre(Backend{ip("10.180.0.7"), port(80), true}));
  EXPECT_THAT(plans[1].cluster_backends, ElementsAre(Backend{ip("fd00:180::7"), port(80), true}));
  EXPECT_EQ(plans[1].frontends[0].address, ip("::1"));
  EXPECT_EQ(plans[1].frontends[1].address, ip("fd00:192::2"));
}

TEST(HostPorts, KeepTheSourceOfWhoIsNotTheNode) {
  const Plan planned = plan({}, options(), {pod("web", {tcp(8080, ip("192.168.0.2"))})});
  const Frontend& frontend = planned.services.at(kWeb)[0].frontends.at(0);
  EXPECT_EQ(frontend.verdict(Scope::kInternal), (Verdict{Action::kForward, {}, false}));
  EXPECT_EQ(frontend.verdict(Scope::kExternal), (Verdict{Action::kForward, {}, false}));
  EXPECT_EQ(frontend.verdict(Scope::kHost), (Verdict{Action::kForward, {}, true}));
}

TEST(HostPorts, OfLoopbackAreForTheNodeAlone) {
  const Plan planned = plan({}, options(), {pod("web", {tcp(8080, ip("127.0.0.2"))})});
  const Frontend& frontend = planned.services.at(kWeb)[0].frontends.at(0);
  EXPECT_EQ(frontend.verdict(Scope::kInternal).action, Action::kDrop);
  EXPECT_EQ(frontend.verdict(Scope::kExternal).action, Action::kDrop);
  EXPECT_EQ(frontend.verdict(Scope::kHost).action, Action::kForward);
}

TEST(HostPorts, OfUdpSayWhoStillServes) {
  HostPort dns = tcp(53);
  dns.protocol = Protocol::kUdp;
  const Plan planned = plan({}, options(), {pod("web", {dns})});
  EXPECT_THAT(planned.services.at(kWeb)[0].serving, ElementsAre(ip("10.180.0.7")));
}

TEST(HostPorts, OfTwoPodsDoNotClashWhereAddressOrProtocolDiffer) {
  HostPort udp = tcp(8080);
  udp.protocol = Protocol::kUdp;
  const Plan planned = plan({}, options(),
                            {pod("a", {tcp(8080, ip("192.168.0.2"))}),
                             pod("b", {tcp(8080, ip("10.99.0.1"))}), pod("c", {udp})});
  EXPECT_THAT(planned.problems, IsEmpty());
  EXPECT_EQ(host_ports(planned).size(), 5U);
}

TEST(HostPorts, ThatTwoPodsWantAreTheOlders) {
  PodHostPorts a = pod("a", {tcp(8080)}), b = pod("b", {tcp(8080, ip("10.99.0.1"))});
  a.created = Time(std::chrono::seconds(2));
  b.created = Time(std::chrono::seconds(1));
  const Plan planned = plan({}, options(), {a, b});
  EXPECT_THAT(host_ports(planned),
              ElementsAre("shop/pod@a:8080 127.0.0.1:8080", "shop/pod@a:8080 192.168.0.2:8080",
                          "shop/pod@b:10.99.0.1:8080 10.99.0.1:8080"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Pod shop/a: 10.99.0.1:8080 TCP is already taken by Pod shop/b, which is "
                          "older; it is left out"));
}

TEST(HostPorts, OfEqualAgeAreTheSmallerNames) {
  const Plan planned = plan(
      {}, options(), {pod("b", {tcp(1, ip("10.99.0.1"))}), pod("a", {tcp(1, ip("10.99.0.1"))})});
  EXPECT_THAT(host_ports(planned), ElementsAre("shop/pod@a:10.99.0.1:1 10.99.0.1:1"));
}

TEST(HostPorts, GoBehindANodePortWhereItIsOpen) {
  Service web = service("172.30.0.1");
  web.ports[0].node_port = port(30080);
  const Plan planned = plan(cluster_of(web), options(), {pod("web", {tcp(30080)})});
  EXPECT_THAT(host_ports(planned), ElementsAre("shop/pod@web:30080 10.99.0.1:30080",
                                               "shop/pod@web:30080 127.0.0.1:30080"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Pod shop/web: 192.168.0.2:30080 TCP is a NodePort of Service shop/web; "
                          "it is left out"));
}

TEST(HostPorts, GoBehindAServiceThatHasTheAddress) {
  Service web = service("172.30.0.1");
  web.load_balancer_ips = {ip("10.99.0.1")};
  const Plan planned =
      plan(cluster_of(web), options(), {pod("web", {tcp(80), tcp(81, ip("10.99.0.1"))})});
  EXPECT_THAT(host_ports(planned),
              ElementsAre("shop/pod@web:10.99.0.1:81 10.99.0.1:81", "shop/pod@web:80 127.0.0.1:80",
                          "shop/pod@web:80 192.168.0.2:80"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Pod shop/web: 10.99.0.1:80 TCP is already taken by Service shop/web; it "
                          "is left out"));
}

TEST(HostPorts, AreNeverAtAClusterIp) {
  const Plan planned = plan(cluster_of(service("10.99.0.1")), options(), {pod("web", {tcp(443)})});
  EXPECT_THAT(host_ports(planned),
              ElementsAre("shop/pod@web:443 127.0.0.1:443", "shop/pod@web:443 192.168.0.2:443"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Pod shop/web: 10.99.0.1:443 TCP is the ClusterIP of Service shop/web; "
                          "it is left out"));
}

TEST(HostPorts, ThatNameAnAddressOfAnotherNodeAreAProblem) {
  const Plan planned =
      plan({}, options(), {pod("web", {tcp(80, ip("192.168.0.3")), tcp(81, ip("fd00:192::2"))})});
  EXPECT_THAT(host_ports(planned), IsEmpty());
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Pod shop/web: 192.168.0.3 is no address of this node; it is left out",
                          "Pod shop/web: fd00:192::2 is of a family in which the pod has no "
                          "address; it is left out"));
}

TEST(HostPorts, OfOnePodThatOverlapAreTheFirsts) {
  const Plan planned =
      plan({}, options(), {pod("web", {tcp(80, ip("10.99.0.1")), tcp(80, ip("0.0.0.0"))})});
  EXPECT_THAT(host_ports(planned),
              ElementsAre("shop/pod@web:10.99.0.1:80 10.99.0.1:80", "shop/pod@web:80 127.0.0.1:80",
                          "shop/pod@web:80 192.168.0.2:80"));
  EXPECT_THAT(lines(planned.problems),
              ElementsAre("Pod shop/web: 80 TCP is already another port's of this pod; it is left "
                          "out"));
}

TEST(HostPorts, ChangeOnePodAtATime) {
  Planner planner(options());
  planner.update();
  const PodHostPorts a = pod("a", {tcp(1)}), b = pod("b", {tcp(2)});
  planner.set_host_ports({a, b});
  EXPECT_THAT(planner.update(), ElementsAre(host_ports_name(a.pod), host_ports_name(b.pod)));
  planner.set_host_ports({b, a});
  EXPECT_FALSE(planner.has_pending());
  planner.set_host_ports({b});
  EXPECT_THAT(planner.update(), ElementsAre(host_ports_name(a.pod)));
  EXPECT_FALSE(planner.plan().services.contains(host_ports_name(a.pod)));
}

TEST(HostPorts, ComeBackWhenTheNodePortBeforeThemGoes) {
  Planner planner(options());
  Service web = service("172.30.0.1");
  web.ports[0].node_port = port(30080);
  planner.set_service(web);
  planner.set_host_ports({pod("web", {tcp(30080, ip("192.168.0.2"))})});
  planner.update();
  EXPECT_FALSE(planner.plan().services.contains(kWeb));
  planner.erase_service(web.name);
  EXPECT_THAT(planner.update(), ElementsAre(kWeb, web.name));
  EXPECT_TRUE(planner.plan().services.contains(kWeb));
  EXPECT_THAT(planner.plan().problems, IsEmpty());
}

TEST(HostPorts, FollowTheNodesAddressesWithoutReplanningServices) {
  Planner planner(options());
  planner.set_service(service("172.30.0.1"));
  planner.set_host_ports({pod("web", {tcp(80)})});
  planner.update();
  PlanOptions more = options();
  more.local_addresses.push_back(ip("10.98.0.1"));
  planner.set_options(more);
  EXPECT_THAT(planner.update(), ElementsAre(kWeb));
  EXPECT_EQ(planner.plan().services.at(kWeb)[0].frontends.size(), 4U);
}

}  // namespace
}  // namespace fairlead
