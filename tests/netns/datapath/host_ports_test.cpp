// Ports of the node that lead to a pod: who reaches them from where, with which source, and what
// becomes of flows when the pod changes.
#include <gmock/gmock.h>

#include "dataplane/plan/host_ports.hpp"
#include "dataplane/plan/planner.hpp"
#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

struct Case {
  DatapathKind datapath;
  Family family;
  Protocol protocol;
};

class HostPorts : public ClusterTest, public testing::WithParamInterface<Case> {
 protected:
  HostPorts() : ClusterTest(GetParam().datapath) {}
  [[nodiscard]] static Family family() { return GetParam().family; }
  [[nodiscard]] static bool is_ebpf() { return GetParam().datapath == DatapathKind::kEbpf; }
  const Addresses at = addresses_of(family());
  const Ip loopback = parse_ip(family() == Family::kIpv4 ? "127.0.0.1" : "::1").value();

  [[nodiscard]] PlanOptions options() const {
    const NodeSettings node = settings();
    PlanOptions options;
    options.node = "n1";
    options.detect_local = node.detect_local;
    options.service_cidrs = node.service_cidrs;
    options.local_addresses = {at.node, at.gateway};
    options.node_port_cidrs = {
        Cidr{at.node, static_cast<std::uint8_t>(family() == Family::kIpv4 ? 32 : 128)}};
    return options;
  }
  [[nodiscard]] PodHostPorts pod(const std::string& name, const Ip& address, std::uint16_t port,
                                 std::optional<Ip> host_ip = {}) const {
    return {.pod = {"default", name},
            .created = {},
            .addresses = {address},
            .ports = {{.port = {port},
                       .pod_port = kPodPort,
                       .protocol = GetParam().protocol,
                       .host_ip = host_ip}}};
  }
  void begin(std::vector<PodHostPorts> pods) {
    planner.set_options(options());
    planner.set_host_ports(std::move(pods));
    planner.update();
    EXPECT_THAT(planner.plan().problems, testing::IsEmpty());
    resync(planner.plan());
  }
  /// As the agent does.
  void change(std::vector<PodHostPorts> pods) {
    static const ServicePlans kNothing;
    planner.set_host_ports(std::move(pods));
    const std::vector<ObjectName> names = planner.update();
    std::vector<ServiceChange> changes;
    for (const ObjectName& name : names) {
      const auto found = planner.plan().services.find(name);
      changes.push_back(
          {name, found == planner.plan().services.end() ? &kNothing : &found->second});
    }
    const auto report = datapath->apply(changes);
    EXPECT_TRUE(report) << report.error().doing;
  }
  [[nodiscard]] Answer from(const Namespace& client, const Ip& to, std::uint16_t port,
                            int milliseconds = 2000) const {
    return ask(client, {.protocol = GetParam().protocol,
                        .to = to,
                        .port = {port},
                        .from = std::nullopt,
                        .from_port = 0,
                        .patience = std::chrono::milliseconds(milliseconds)});
  }
  [[nodiscard]] static Answer seen(const std::string& server, const Ip& source) {
    return {Outcome::kAnswered, server, to_string(source)};
  }
  /// Flows are cleaned behind the change.
  [[nodiscard]] static bool comes_to(Connection& client, const std::string& server) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end)
      if (client.ask().server == server) return true;
    return false;
  }
  static constexpr int kShort = 300;  // where no answer is expected

  Planner planner{PlanOptions{}};
};

TEST_P(HostPorts, AreReachedFromOutsideWithTheClientsAddress) {
  begin({pod("web", at.pod1, 8081)});
  EXPECT_EQ(from(world->ext, at.node, 8081), seen("pod1", at.ext));
}

TEST_P(HostPorts, AreReachedFromAnotherPodWithItsAddressAtEachAddressOfTheNode) {
  begin({pod("web", at.pod1, 8081)});
  EXPECT_EQ(from(world->pod2, at.node, 8081), seen("pod1", at.pod2));
  EXPECT_EQ(from(world->pod2, at.gateway, 8081), seen("pod1", at.pod2));
}

TEST_P(HostPorts, AreReachedFromTheNode) {
  begin({pod("web", at.pod1, 8081)});
  EXPECT_EQ(from(world->node, at.node, 8081), seen("pod1", at.gateway));
  EXPECT_EQ(from(world->node, at.gateway, 8081), seen("pod1", at.gateway));
}

TEST_P(HostPorts, AreReachedFromThePodItself) {
  begin({pod("web", at.pod1, 8081)});
  EXPECT_EQ(from(world->pod1, at.node, 8081), seen("pod1", at.gateway));
}

TEST_P(HostPorts, AreReachedByLoopbackWhereSocketsAreTranslated) {
  begin({pod("web", at.pod1, 8081)});
  const Answer answer = from(world->node, loopback, 8081);
  if (is_ebpf())
    EXPECT_EQ(answer, seen("pod1", at.gateway));
  else
    EXPECT_EQ(answer.outcome, Outcome::kRefused);
}

TEST_P(HostPorts, LeaveAPodsOwnLoopbackAlone) {
  begin({pod("web", at.pod1, 8081)});
  EXPECT_EQ(from(world->pod2, loopback, 8081).outcome, Outcome::kRefused);
}

TEST_P(HostPorts, AreOpenAtTheHostIpAlone) {
  begin({pod("one", at.pod1, 8081, at.node), pod("two", at.pod2, 8081, at.gateway)});
  EXPECT_EQ(from(world->ext, at.node, 8081), seen("pod1", at.ext));
  EXPECT_EQ(from(world->pod1, at.gateway, 8081), seen("pod2", at.pod1));
  EXPECT_EQ(from(world->pod2, at.gateway, 8081), seen("pod2", at.gateway));
}

TEST_P(HostPorts, LeaveAnswersOfOtherPortsAndTransitAlone) {
  begin({pod("web", at.pod1, kPodPort.host)});
  EXPECT_EQ(from(world->pod2, at.far, kPodPort.host), seen("far", at.pod2));
  EXPECT_EQ(from(world->ext, at.node, 8082).outcome, Outcome::kRefused);
}

TEST_P(HostPorts, GoBehindServices) {
  Service web;
  web.name = {"default", "web"};
  web.cluster_ips = {at.service};
  web.ports = {{"", GetParam().protocol, {80}, Port{30081}}};
  EndpointSlice slice;
  slice.name = {"default", "web-1"};
  slice.service = "web";
  slice.family = family();
  slice.ports = {{"", GetParam().protocol, kPodPort}};
  slice.endpoints.resize(1);
  slice.endpoints[0].address = at.pod2;
  slice.endpoints[0].ready = slice.endpoints[0].serving = true;
  planner.set_service(web);
  planner.set_slice(slice);
  planner.set_options(options());
  planner.set_host_ports({pod("one", at.pod1, 30081), pod("two", at.pod1, 80)});
  planner.update();
  EXPECT_EQ(planner.plan().problems.size(), 1U);
  resync(planner.plan());
  EXPECT_EQ(from(world->ext, at.node, 30081).server, "pod2");
  EXPECT_EQ(from(world->pod1, at.service, 80).server, "pod2");
  EXPECT_EQ(from(world->ext, at.node, 80).server, "pod1");
  EXPECT_EQ(from(world->pod2, at.gateway, 30081).server, "pod1");
}

TEST_P(HostPorts, FollowThePodThatReplacesAnother) {
  begin({});
  EXPECT_NE(from(world->ext, at.node, 8081, kShort).outcome, Outcome::kAnswered);
  change({pod("one", at.pod1, 8081)});
  EXPECT_EQ(from(world->ext, at.node, 8081), seen("pod1", at.ext));
  change({pod("two", at.pod2, 8081)});
  EXPECT_EQ(from(world->ext, at.node, 8081), seen("pod2", at.ext));
  change({});
  EXPECT_NE(from(world->ext, at.node, 8081, kShort).outcome, Outcome::kAnswered);
}

class UdpHostPorts : public HostPorts {};

TEST_P(UdpHostPorts, TakeUdpFlowsOfAPodThatIsGoneToTheNext) {
  begin({pod("one", at.pod1, 8081)});
  Connection outside(world->ext, at.node, {8081}, Protocol::kUdp),
      inside(world->pod2, at.gateway, {8081}, Protocol::kUdp);
  EXPECT_EQ(outside.ask().server, "pod1");
  EXPECT_EQ(inside.ask().server, "pod1");
  change({});
  change({pod("next", at.pod2, 8081)});
  EXPECT_TRUE(comes_to(outside, "pod2"));
  EXPECT_TRUE(comes_to(inside, "pod2"));
}

TEST_P(UdpHostPorts, TakeUdpFlowsThatWereThereBeforeThePod) {
  begin({});
  Connection outside(world->ext, at.node, {8081}, Protocol::kUdp);
  outside.ask();
  change({pod("one", at.pod1, 8081)});
  EXPECT_TRUE(comes_to(outside, "pod1"));
}

std::vector<Case> cases(DatapathKind kind) {
  std::vector<Case> all;
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
      all.push_back({kind, family, protocol});
  return all;
}
std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.family == Family::kIpv4 ? "Ipv4" : "Ipv6") +
         std::string(to_string(info.param.protocol));
}

std::vector<Case> udp_cases(DatapathKind datapath) {
  std::vector<Case> udp = cases(datapath);
  std::erase_if(udp, [](const Case& one) { return one.protocol != Protocol::kUdp; });
  return udp;
}

INSTANTIATE_TEST_SUITE_P(Nftables, HostPorts, testing::ValuesIn(cases(DatapathKind::kNftables)),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Nftables, UdpHostPorts,
                         testing::ValuesIn(udp_cases(DatapathKind::kNftables)), name_of_case);
#ifdef FAIRLEAD_HAS_EBPF
INSTANTIATE_TEST_SUITE_P(Ebpf, UdpHostPorts, testing::ValuesIn(udp_cases(DatapathKind::kEbpf)),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Ebpf, HostPorts, testing::ValuesIn(cases(DatapathKind::kEbpf)),
                         name_of_case);
#endif

}  // namespace
}  // namespace fairlead::test
