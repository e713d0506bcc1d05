// What a Service asks for and gets: NodePort addresses, source ranges, several ports, slices and
// families, affinity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

NodeSettings node_settings(const World& world) { return plan(world.cluster, world.options).node; }

World dual_stack_node() {
  World world;
  world.self().addresses = {ip("192.168.0.2"), ip("203.0.113.7"), ip("fd00:192::2")};
  return world;
}

TEST(NodePortAddresses, D02_AreThePrimaryOnesByDefault) {
  const auto settings = node_settings(dual_stack_node());
  EXPECT_EQ(settings.node_ports_v4, NodeSettings::NodePorts::kListed);
  EXPECT_THAT(settings.node_port_addresses, ElementsAre(ip("192.168.0.2"), ip("fd00:192::2")));
}

TEST(NodePortAddresses, D03_AreThoseInTheRanges) {
  World world = dual_stack_node();
  world.options.node_port_cidrs = {cidr("192.168.0.0/24"), cidr("fd00:192::/64")};
  world.options.local_addresses = {ip("127.0.0.1"), ip("192.168.0.2"), ip("192.168.0.99"),
                                   ip("172.30.0.1"), ip("fd00:192::2")};
  EXPECT_THAT(node_settings(world).node_port_addresses,
              ElementsAre(ip("192.168.0.2"), ip("192.168.0.99"), ip("fd00:192::2")));
}

TEST(NodePortAddresses, D03_ComeFromTheNodeObjectWhereTheKernelWasNotAsked) {
  World world = dual_stack_node();
  world.options.node_port_cidrs = {cidr("203.0.113.0/24")};
  EXPECT_THAT(node_settings(world).node_port_addresses, ElementsAre(ip("203.0.113.7")));
}

TEST(NodePortAddresses, D04_AreAllOfAFamilyThatNoRangeNames) {
  World world = dual_stack_node();
  world.options.node_port_cidrs = {cidr("192.168.0.0/24")};
  EXPECT_EQ(node_settings(world).node_ports_v4, NodeSettings::NodePorts::kListed);
  EXPECT_EQ(node_settings(world).node_ports_v6, NodeSettings::NodePorts::kAnyLocal);
}

TEST(NodePortAddresses, D05_AreAllWhereOneRangeIsEverything) {
  World world = dual_stack_node();
  world.options.node_port_cidrs = {cidr("0.0.0.0/0"), cidr("10.0.0.0/8")};
  EXPECT_EQ(node_settings(world).node_ports_v4, NodeSettings::NodePorts::kAnyLocal);
  EXPECT_THAT(node_settings(world).node_port_addresses, IsEmpty());
}

TEST(NodePortAddresses, NeverIncludeLoopback) {
  World world = dual_stack_node();
  world.options.node_port_cidrs = {cidr("127.0.0.0/8")};
  world.options.local_addresses = {ip("127.0.0.1")};
  EXPECT_THAT(node_settings(world).node_port_addresses, IsEmpty());
}

/// Source ranges of the load balancer's frontend; the others must have none.
std::vector<std::string> ranges_at_load_balancer(const World& world) {
  const Plan planned = plan(world.cluster, world.options);
  const ServicePlan* service = find_plan(planned, world);
  std::vector<std::string> ranges;
  for (const Frontend& frontend : service->frontends) {
    EXPECT_TRUE(frontend.kind == FrontendKind::kLoadBalancer || frontend.source_ranges.empty());
    for (const Cidr& range : frontend.source_ranges) ranges.push_back(to_string(range));
  }
  return ranges;
}

TEST(SourceRanges, E01_HoldForTheLoadBalancerAlone) {
  World world;
  world.endpoints("L, R");
  world.web().source_ranges = {cidr("203.0.113.0/24"), cidr("10.0.0.0/8"), cidr("203.0.113.0/24")};
  EXPECT_THAT(ranges_at_load_balancer(world), ElementsAre("10.0.0.0/8", "203.0.113.0/24"));
}

TEST(SourceRanges, E05_LetTheAddressItselfInWhereTheNodeMay) {
  World world;
  world.web().source_ranges = {cidr("192.168.0.2/32")};
  EXPECT_THAT(ranges_at_load_balancer(world), ElementsAre("1.2.3.4/32", "192.168.0.2/32"));
}

TEST(SourceRanges, E07_OfTheOtherFamilyAloneFilterNothing) {
  World world;
  world.web().source_ranges = {cidr("2001:db8::/32")};
  EXPECT_THAT(ranges_at_load_balancer(world), IsEmpty());
}

TEST(SourceRanges, E11_HoldWithoutEndpointsToo) {
  World world;
  world.web().source_ranges = {cidr("203.0.113.0/24")};
  EXPECT_EQ(outcome(world, "X->LB"), "REJECT");
  EXPECT_THAT(ranges_at_load_balancer(world), ElementsAre("203.0.113.0/24"));
}

TEST(SourceRanges, HoldForAnAddressThatIsAlsoAnExternalIp) {
  World world;
  world.web().external_ips = world.web().load_balancer_ips;
  world.web().source_ranges = {cidr("203.0.113.0/24")};
  EXPECT_THAT(ranges_at_load_balancer(world), ElementsAre("203.0.113.0/24"));
  EXPECT_EQ(outcome(world, "X->EIP"), "nothing");
}

/// "port -> backends" of every ServicePlan, in order.
std::vector<std::string> backends_by_port(const World& world) {
  const Plan planned = plan(world.cluster, world.options);
  std::vector<std::string> lines;
  const auto found = planned.services.find({"shop", "web"});
  if (found == planned.services.end()) return lines;
  for (const ServicePlan& service : found->second) {
    std::string line =
        service.name.port + '/' + std::string(to_string(service.name.protocol)) + " ->";
    for (const Backend& backend : service.cluster_backends)
      line += ' ' + to_string(backend.address, backend.port);
    lines.push_back(line);
  }
  return lines;
}

EndpointSlice slice_of(const std::string& name, std::vector<EndpointPort> ports,
                       std::vector<std::string> addresses) {
  EndpointSlice slice;
  slice.name = {"shop", name};
  slice.service = "web";
  slice.ports = std::move(ports);
  for (const auto& address : addresses) {
    slice.endpoints.emplace_back().address = ip(address);
    slice.family = slice.endpoints.back().address.family();
  }
  return slice;
}

World world_with_slices(const std::vector<EndpointSlice>& slices) {
  World world;
  for (const auto& slice : slices) world.cluster.slices[{"shop", "web"}][slice.name.name] = slice;
  return world;
}

TEST(Ports, G01_OfTwoProtocolsGoTheirOwnWay) {
  World world = world_with_slices(
      {slice_of("s", {{"dns", Protocol::kUdp, port(5353)}, {"dns-tcp", Protocol::kTcp, port(5300)}},
                {"10.180.0.1"})});
  world.web().ports = {{"dns", Protocol::kUdp, port(53), {}},
                       {"dns-tcp", Protocol::kTcp, port(53), {}}};
  EXPECT_THAT(backends_by_port(world),
              ElementsAre("dns/UDP -> 10.180.0.1:5353", "dns-tcp/TCP -> 10.180.0.1:5300"));
  world.web().ports.pop_back();
  EXPECT_THAT(backends_by_port(world), ElementsAre("dns/UDP -> 10.180.0.1:5353"));
}

TEST(Ports, MatchByNameAndProtocol) {
  World world = world_with_slices({slice_of(
      "s", {{"a", Protocol::kUdp, port(1)}, {"b", Protocol::kTcp, port(2)}}, {"10.180.0.1"})});
  world.web().ports = {{"a", Protocol::kTcp, port(80), {}}};
  EXPECT_THAT(backends_by_port(world), ElementsAre("a/TCP ->"));
}

TEST(Ports, G02_OfSeveralSlicesAreUnited) {
  const World world =
      world_with_slices({slice_of("s1", {{"", Protocol::kTcp, port(80)}}, {"10.180.1.1"}),
                         slice_of("s2", {{"", Protocol::kTcp, port(8080)}}, {"10.180.0.1"})});
  EXPECT_THAT(backends_by_port(world), ElementsAre("/TCP -> 10.180.0.1:8080 10.180.1.1:80"));
}

TEST(Ports, G03_OfManualSlicesMayShareAnAddress) {
  World world =
      world_with_slices({slice_of("s1", {{"a", Protocol::kTcp, port(1)}}, {"10.180.0.1"}),
                         slice_of("s2", {{"b", Protocol::kTcp, port(2)}}, {"10.180.0.1"})});
  world.web().ports = {{"a", Protocol::kTcp, port(80), {}}, {"b", Protocol::kTcp, port(81), {}}};
  EXPECT_THAT(backends_by_port(world),
              ElementsAre("a/TCP -> 10.180.0.1:1", "b/TCP -> 10.180.0.1:2"));
}

TEST(Ports, G07_MayBeSctp) {
  World world =
      world_with_slices({slice_of("s", {{"", Protocol::kSctp, port(7)}}, {"10.180.0.1"})});
  world.web().ports = {{"", Protocol::kSctp, port(80), port(30080)}};
  EXPECT_THAT(backends_by_port(world), ElementsAre("/SCTP -> 10.180.0.1:7"));
}

TEST(Endpoints, G09_InTwoSlicesCountOnceAndTheReadyOneCounts) {
  auto stale = slice_of("a", {{"", Protocol::kTcp, port(80)}}, {"10.180.0.1"});
  stale.endpoints[0].ready = stale.endpoints[0].serving = false;
  const auto fresh = slice_of("b", {{"", Protocol::kTcp, port(80)}}, {"10.180.0.1"});
  EXPECT_THAT(backends_by_port(world_with_slices({stale, fresh})),
              ElementsAre("/TCP -> 10.180.0.1:80"));
}

TEST(Endpoints, OfTwoSlicesThatDisagreeTheLocalOneCounts) {
  auto here = slice_of("b", {{"", Protocol::kTcp, port(80)}}, {"10.180.0.1"});
  here.endpoints[0].node = "n1";
  World world =
      world_with_slices({slice_of("a", {{"", Protocol::kTcp, port(80)}}, {"10.180.0.1"}), here});
  world.policies("etp=Local");
  EXPECT_EQ(outcome(world, "X->LB"), "{L} n");
}

TEST(Endpoints, G13_MayBeThousands) {
  std::vector<EndpointSlice> slices;
  for (int s = 0; s < 5; ++s) {
    std::vector<std::string> addresses;
    for (int i = 0; i < 1000; ++i) {
      addresses.push_back("10." + std::to_string(s) + '.' + std::to_string(i / 250) + '.' +
                          std::to_string(i % 250));
    }
    slices.push_back(
        slice_of("s" + std::to_string(s), {{"", Protocol::kTcp, port(80)}}, addresses));
  }
  const World world = world_with_slices(slices);
  const Plan planned = plan(world.cluster, world.options);
  EXPECT_THAT(find_plan(planned, world)->cluster_backends, SizeIs(5000));
}

TEST(Endpoints, OfASliceThatSomebodyElseHandlesDoNotCount) {
  auto slice = slice_of("s", {{"", Protocol::kTcp, port(80)}}, {"10.180.0.1"});
  slice.handled_elsewhere = true;
  EXPECT_EQ(outcome(world_with_slices({slice}), "P->CIP"), "REJECT");
}

TEST(Endpoints, ThatServeKeepTheirUdpFlowsWhateverThePolicies) {
  World world;
  world.web().ports = {{"", Protocol::kUdp, port(53), {}}};
  world.endpoints("L, R notready srv term, B notready");
  world.cluster.slices[{"shop", "web"}].at("web-1").ports = {{"", Protocol::kUdp, port(53)}};
  world.policies("itp=Local");
  const Plan planned = plan(world.cluster, world.options);
  EXPECT_THAT(find_plan(planned, world)->serving, ElementsAre(world.pod("L"), world.pod("R")));
}

TEST(Families, G04_AreServedByTheirOwnSlices) {
  World world =
      world_with_slices({slice_of("v4", {{"", Protocol::kTcp, port(80)}}, {"10.180.0.1"}),
                         slice_of("v6", {{"", Protocol::kTcp, port(80)}}, {"fd00:180::1"})});
  world.web().cluster_ips = {ip("172.30.0.41"), ip("fd00:172::41")};
  EXPECT_THAT(backends_by_port(world),
              ElementsAre("/TCP -> 10.180.0.1:80", "/TCP -> [fd00:180::1]:80"));
  const Plan planned = plan(world.cluster, world.options);
  for (const ServicePlan& service : planned.services.at({"shop", "web"})) {
    EXPECT_NE(find_frontend(service, FrontendKind::kNodePort), nullptr);
    for (const Frontend& frontend : service.frontends)
      EXPECT_EQ(frontend.address.family(), service.name.family);
  }
}

TEST(Families, G05_WithoutAClusterIpGetNothing) {
  World world;
  world.web().external_ips = {ip("2001:db8::9"), ip("203.0.113.9")};
  world.web().load_balancer_ips = {ip("2001:db8::8")};
  const Plan planned = plan(world.cluster, world.options);
  for (const ServicePlan& service : planned.services.at({"shop", "web"})) {
    EXPECT_EQ(service.name.family, Family::kIpv4);
    EXPECT_THAT(service.frontends, SizeIs(3));
  }
  EXPECT_THAT(planned.problems, IsEmpty());
}

TEST(Services, G10_OfOtherKindsGetNothing) {
  const auto nothing_after = [](auto change) {
    World world;
    change(world.web());
    EXPECT_THAT(plan(world.cluster, world.options).services, IsEmpty());
  };
  nothing_after([](Service& service) { service.type = ServiceType::kExternalName; });
  nothing_after([](Service& service) { service.cluster_ips.clear(); });
  nothing_after([](Service& service) { service.handled_elsewhere = true; });  // G11, G12
  nothing_after([](Service& service) { service.ports.clear(); });
}

TEST(Affinity, F01_IsThePortsOwnAndSharedByItsFrontends) {
  World world;
  world.web().affinity = std::chrono::seconds(30);
  world.web().ports.push_back({"b", Protocol::kTcp, port(81), {}});
  const Plan planned = plan(world.cluster, world.options);
  for (const ServicePlan& service : planned.services.at({"shop", "web"})) {
    EXPECT_EQ(service.affinity, std::chrono::seconds(30));
  }
}

TEST(Choice, IsMadeByTheAlgorithmThatTheServiceAsksFor) {
  World world;
  world.endpoints("L, R");
  const auto algorithm = [&] {
    const Plan planned = plan(world.cluster, world.options);
    return find_plan(planned, world)->algorithm;
  };
  EXPECT_EQ(algorithm(), Algorithm::kDefault);
  world.web().algorithm = Algorithm::kMaglev;
  EXPECT_EQ(algorithm(), Algorithm::kMaglev);
}

/// "address*weight" in the plan's order.
std::vector<std::string> weights(const std::vector<Backend>& backends) {
  std::vector<std::string> result;
  for (const Backend& backend : backends) {
    result.push_back(to_string(backend.address) + '*' + std::to_string(backend.weight));
  }
  return result;
}

TEST(Choice, WeighsEndpointsByTheirNodes) {
  World world;
  world.endpoints("L, L2, R, B nonode");
  world.policies("etp=Local");
  const auto weighed = [&](std::string_view name, int weight) {
    return to_string(world.pod(name)) + '*' + std::to_string(weight);
  };
  world.web().node_weights = {{"n1", 3}, {"n3", 50}, {"n9", 100}};
  const Plan planned = plan(world.cluster, world.options);
  const ServicePlan* service = find_plan(planned, world);
  ASSERT_NE(service, nullptr);
  EXPECT_THAT(weights(service->cluster_backends),
              testing::UnorderedElementsAre(weighed("L", 3), weighed("L2", 3), weighed("R", 1),
                                            weighed("B", 1)));
  EXPECT_TRUE(std::ranges::is_sorted(service->cluster_backends));
  EXPECT_THAT(weights(service->local_backends),
              testing::UnorderedElementsAre(weighed("L", 3), weighed("L2", 3)));
}

TEST(Backends, AreListedOnlyWhereAFrontendUsesThem) {
  World world;
  world.endpoints("L, R");
  const auto sizes = [&] {
    const Plan planned = plan(world.cluster, world.options);
    const ServicePlan* service = find_plan(planned, world);
    return std::pair(service->cluster_backends.size(), service->local_backends.size());
  };
  EXPECT_EQ(sizes(), std::pair(2UL, 0UL));
  world.policies("etp=Local");
  EXPECT_EQ(sizes(), std::pair(2UL, 1UL));
  world.web().ports[0].node_port.reset();
  world.web().load_balancer_ips.clear();
  world.web().external_ips.clear();
  world.policies("itp=Local");
  EXPECT_EQ(sizes(), std::pair(0UL, 1UL));
}

}  // namespace
}  // namespace fairlead
