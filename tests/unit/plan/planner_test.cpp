// The planner does little, and never anything else than planning from scratch would.
#include "dataplane/plan/planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "world.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Service service(const std::string& name) {
  World world;
  Service service = world.web();
  service.name.name = name;
  service.load_balancer_ips.clear();
  service.external_ips.clear();
  service.ports[0].node_port.reset();
  return service;
}

EndpointSlice slice(const std::string& name, const std::string& of, std::string_view endpoints) {
  World world;
  world.endpoints(endpoints);
  EndpointSlice slice = world.cluster.slices.at({"shop", "web"}).at("web-1");
  slice.name.name = name;
  slice.service = of;
  return slice;
}

Planner planner_of_n1() {
  const World world;
  Planner planner(world.options);
  for (const auto& [name, node] : world.cluster.nodes) planner.set_node(node);
  planner.update();
  return planner;
}

TEST(Planner, NamesTheServiceWhoseEndpointsChanged) {
  Planner planner = planner_of_n1();
  Service a = service("a"), b = service("b");
  b.cluster_ips = {ip("172.30.0.42")};
  planner.set_service(a);
  planner.set_service(b);
  EXPECT_THAT(planner.update(), ElementsAre(a.name, b.name));
  planner.set_slice(slice("a-1", "a", "L"));
  EXPECT_TRUE(planner.has_pending());
  EXPECT_THAT(planner.update(), ElementsAre(a.name));
  EXPECT_FALSE(planner.has_pending());
  planner.set_slice(slice("a-1", "a", "L, R notready"));
  EXPECT_THAT(planner.update(), IsEmpty()) << "an endpoint that nobody may use changes nothing";
}

TEST(Planner, FollowsASliceFromOneServiceToAnother) {
  Planner planner = planner_of_n1();
  Service a = service("a"), b = service("b");
  b.cluster_ips = {ip("172.30.0.42")};
  planner.set_service(a);
  planner.set_service(b);
  planner.set_slice(slice("s", "a", "L"));
  planner.update();
  planner.set_slice(slice("s", "b", "L"));
  EXPECT_THAT(planner.update(), ElementsAre(a.name, b.name));
  EXPECT_EQ(planner.plan().services.at(a.name)[0].cluster_backends.size(), 0U);
  EXPECT_EQ(planner.plan().services.at(b.name)[0].cluster_backends.size(), 1U);
}

TEST(Planner, NamesTheWinnerWhenTheHolderOfAnAddressGoes) {
  Planner planner = planner_of_n1();
  Service older = service("z"), younger = service("a"), other = service("m");
  younger.created = Time(std::chrono::seconds(5));
  other.cluster_ips = {ip("172.30.0.42")};
  for (const auto& s : {younger, other, older}) planner.set_service(s);
  planner.update();
  EXPECT_FALSE(planner.plan().services.contains(younger.name));
  EXPECT_EQ(planner.plan().problems.size(), 1U);
  planner.erase_service(older.name);
  EXPECT_THAT(planner.update(), ElementsAre(younger.name, older.name));
  EXPECT_TRUE(planner.plan().services.contains(younger.name));
  EXPECT_THAT(planner.plan().problems, IsEmpty());
}

TEST(Planner, TakesAnExternalIpAwayWhenItBecomesAClusterIp) {
  Planner planner = planner_of_n1();
  Service a = service("a"), b = service("b");
  a.external_ips = {ip("172.30.0.42")};
  b.cluster_ips = {ip("172.30.0.42")};
  b.ports[0].port = port(443);
  planner.set_service(a);
  planner.update();
  planner.set_service(b);
  EXPECT_THAT(planner.update(), ElementsAre(a.name, b.name));
  EXPECT_EQ(planner.plan().services.at(a.name)[0].frontends.size(), 1U);
}

TEST(Planner, ReplansAllWhenTheZoneChangesAndNoneWhenAHeartbeatCame) {
  Planner planner = planner_of_n1();
  planner.set_service(service("a"));
  planner.set_slice(slice("s", "a", "L z=a, R z=a, B z=b"));
  planner.update();
  Node self = World().self();
  self.taint_keys = {"some"};
  planner.set_node(self);
  EXPECT_THAT(planner.update(), IsEmpty());
  self.zone = "b";
  planner.set_node(self);
  EXPECT_THAT(planner.update(), ElementsAre(ObjectName{"shop", "a"}));
}

TEST(Planner, CountsServicesThatLackALocalEndpoint) {  // A19, C05
  Planner planner = planner_of_n1();
  Service a = service("a");
  a.internal_traffic_policy = TrafficPolicy::kLocal;
  planner.set_service(a);
  planner.update();
  EXPECT_EQ(planner.no_local_endpoints(Family::kIpv4), NoLocalEndpoints{});
  planner.set_slice(slice("s", "a", "R"));
  planner.update();
  EXPECT_EQ(planner.no_local_endpoints(Family::kIpv4), (NoLocalEndpoints{1, 0}));
  EXPECT_EQ(planner.no_local_endpoints(Family::kIpv6), NoLocalEndpoints{});
  a.external_traffic_policy = TrafficPolicy::kLocal;
  a.ports[0].node_port = port(30000);
  planner.set_service(a);
  planner.update();
  EXPECT_EQ(planner.no_local_endpoints(Family::kIpv4), (NoLocalEndpoints{1, 1}));
  planner.set_slice(slice("s", "a", "L"));
  planner.update();
  EXPECT_EQ(planner.no_local_endpoints(Family::kIpv4), NoLocalEndpoints{});
  planner.erase_service(a.name);
  planner.update();
  EXPECT_EQ(planner.no_local_endpoints(Family::kIpv4), NoLocalEndpoints{});
}

/// Small ranges of everything, so that Services collide all the time.
class RandomCluster {
 public:
  explicit RandomCluster(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  std::string name() { return std::string(1, static_cast<char>('a' + below(6))); }
  Ip address(const char* net) { return ip(net + std::to_string(below(4))); }
  TrafficPolicy policy() { return chance(2) ? TrafficPolicy::kLocal : TrafficPolicy::kCluster; }

  Service service() {
    Service service;
    service.name = {"shop", name()};
    service.created = Time(std::chrono::seconds(below(3)));
    service.handled_elsewhere = chance(10);
    if (!chance(10)) service.cluster_ips.push_back(address("172.30.0."));
    if (chance(3)) service.cluster_ips.push_back(address("fd00:172::"));
    for (std::size_t i = below(3) + 1; i > 0; --i) {
      ServicePort port{
          std::string(1, static_cast<char>('p' + i)),
          chance(3) ? Protocol::kUdp : Protocol::kTcp,
          make_port(static_cast<std::int64_t>(chance(4) ? 30000 : 80 + below(3))).value(),
          {}};
      if (chance(3))
        port.node_port = make_port(static_cast<std::int64_t>(30000 + below(3))).value();
      service.ports.push_back(std::move(port));
    }
    while (chance(2))
      service.external_ips.push_back(address(chance(2) ? "172.30.0." : "203.0.113."));
    while (chance(2))
      service.load_balancer_ips.push_back(address(chance(2) ? "192.168.0." : "203.0.113."));
    while (chance(3))
      service.source_ranges.push_back(cidr(chance(2) ? "192.168.0.0/24" : "2001:db8::/32"));
    service.external_traffic_policy = policy();
    service.internal_traffic_policy = policy();
    return service;
  }

  EndpointSlice slice() {
    EndpointSlice slice;
    slice.name = {"shop", "slice-" + name()};
    slice.service = name();
    slice.family = chance(4) ? Family::kIpv6 : Family::kIpv4;
    slice.ports = {{"q", Protocol::kTcp, port(8080)}, {"r", Protocol::kUdp, port(53)}};
    while (!chance(4)) {
      Endpoint endpoint;
      endpoint.address = address(slice.family == Family::kIpv4 ? "10.180.0." : "fd00:180::");
      endpoint.ready = !chance(3);
      endpoint.serving = !chance(3);
      endpoint.terminating = chance(3);
      endpoint.node = chance(2) ? "n1" : "n2";
      if (!chance(4)) endpoint.hints = EndpointHints{{chance(2) ? "a" : "b"}, {}};
      slice.endpoints.push_back(std::move(endpoint));
    }
    return slice;
  }

  Node node() {
    Node node;
    node.name = chance(2) ? "n1" : "n2";
    node.zone = chance(2) ? "a" : "b";
    node.addresses = {address("192.168.0.")};
    return node;
  }

  std::vector<PodHostPorts> pods() {
    std::vector<PodHostPorts> pods;
    for (std::size_t i = below(4); i > 0; --i) {
      PodHostPorts pod{.pod = {"shop", name()},
                       .created = Time(std::chrono::seconds(below(2))),
                       .addresses = {address("10.180.0.")},
                       .ports = {}};
      if (chance(2)) pod.addresses.push_back(address("fd00:180::"));
      for (std::size_t k = below(3) + 1; k > 0; --k) {
        HostPort port{.port = make_port(static_cast<std::int64_t>(30000 + below(3))).value(),
                      .pod_port = make_port(80).value(),
                      .protocol = chance(3) ? Protocol::kUdp : Protocol::kTcp,
                      .host_ip = {}};
        if (chance(3)) port.host_ip = address("192.168.0.");
        pod.ports.push_back(port);
      }
      pods.push_back(std::move(pod));
    }
    return pods;
  }

  PlanOptions options() {
    PlanOptions options = World().options;
    while (chance(2)) options.local_addresses.push_back(address("192.168.0."));
    options.masquerade_all = chance(2);
    if (chance(3)) options.detect_local = {};
    if (chance(3)) options.allowed_external_ips = {cidr("203.0.113.0/31")};
    if (chance(3)) options.node_port_cidrs = {cidr("192.168.0.0/31")};
    return options;
  }

  std::vector<PodHostPorts> known_pods;

  void change(Planner& planner) {
    switch (below(20)) {
      case 0:
        return planner.set_node(node());
      case 1:
        return planner.erase_node(chance(2) ? "n1" : "n2");
      case 2:
        return planner.set_options(options());
      case 3:
      case 4:
      case 5:
        return planner.erase_service({"shop", name()});
      case 6:
      case 7:
        return planner.erase_slice({"shop", "slice-" + name()});
      case 8:
      case 9:
        return planner.set_host_ports(known_pods = pods());
      default:
        return chance(2) ? planner.set_service(service()) : planner.set_slice(slice());
    }
  }

 private:
  std::mt19937 random_;
};

TEST(PlannerProperty, EqualsPlanningFromScratchAfterAnyEvents) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    RandomCluster random(seed);
    Planner planner(random.options());
    for (int step = 0; step < 60; ++step) {
      for (std::size_t events = random.below(4); events > 0; --events) random.change(planner);
      const auto before = planner.plan().services;
      const auto changed = planner.update();

      const Plan expected = plan(planner.snapshot(), planner.options(), random.known_pods);
      ASSERT_EQ(planner.plan().services, expected.services) << "seed " << seed << ", step " << step;
      ASSERT_EQ(planner.plan().problems, expected.problems) << "seed " << seed << ", step " << step;
      ASSERT_EQ(planner.plan().node, expected.node) << "seed " << seed << ", step " << step;
      std::vector<ObjectName> differing;
      for (const auto& name :
           {"a", "b", "c", "d", "e", "f", "pod@a", "pod@b", "pod@c", "pod@d", "pod@e", "pod@f"}) {
        const auto was = before.find({"shop", name}), is = expected.services.find({"shop", name});
        const bool was_there = was != before.end(), is_there = is != expected.services.end();
        if (was_there != is_there || (was_there && was->second != is->second))
          differing.push_back({"shop", name});
      }
      ASSERT_EQ(changed, differing) << "seed " << seed << ", step " << step;
    }
  }
}

TEST(PlannerProperty, GivesEachAddressToOneServiceAlone) {
  for (unsigned seed = 100; seed < 140; ++seed) {
    RandomCluster random(seed);
    Planner planner(World().options);
    for (int step = 0; step < 200; ++step) random.change(planner);
    planner.update();
    std::set<std::tuple<Ip, Port, Protocol>> seen;
    for (const auto& [name, services] : planner.plan().services) {
      for (const ServicePlan& service : services) {
        for (const Frontend& frontend : service.frontends) {
          EXPECT_TRUE(seen.emplace(frontend.address, frontend.port, service.name.protocol).second)
              << to_string(name) << ' ' << to_string(frontend.address, frontend.port) << ", seed "
              << seed;
        }
      }
    }
  }
}

}  // namespace
}  // namespace fairlead
