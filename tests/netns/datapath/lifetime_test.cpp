// What established connections live through, and what new ones follow at once: changes of
// endpoints, restarts of the agent, a switch to another datapath.
#include <gmock/gmock.h>

#include <array>
#include <map>

#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

struct Case {
  DatapathKind datapath;
  Family family;
};

class Lifetime : public ClusterTest, public testing::WithParamInterface<Case> {
 protected:
  Lifetime() : ClusterTest(GetParam().datapath) {}
  [[nodiscard]] static Family family() { return GetParam().family; }
  const Addresses at = addresses_of(family());

  [[nodiscard]] Backend pod(std::string_view name) const { return backend(name, family()); }
  [[nodiscard]] ServicePlan web(std::vector<Backend> backends,
                                Protocol protocol = Protocol::kTcp) const {
    return service("web", protocol, family(),
                   {cluster_ip(at.service, 80), node_port(family(), 30080)}, std::move(backends));
  }
  [[nodiscard]] Plan plan(std::vector<Backend> backends, Protocol protocol = Protocol::kTcp) const {
    return plan_of(settings(), {web(std::move(backends), protocol)});
  }

  /// From where: a pod, by packets; the node, by its sockets; the outside, by the NodePort.
  struct Client {
    const Namespace& where;
    Ip to;
    Port port;
  };
  [[nodiscard]] std::array<Client, 3> clients() const {
    return {Client{world->pod2, at.service, {80}}, Client{world->node, at.service, {80}},
            Client{world->ext, at.node, {30080}}};
  }
  [[nodiscard]] std::vector<Connection> connect_all(Protocol protocol = Protocol::kTcp) const {
    std::vector<Connection> connections;
    for (const Client& client : clients())
      connections.emplace_back(client.where, client.to, client.port, protocol);
    return connections;
  }
  static void expect_all_at(std::vector<Connection>& connections, const std::string& server) {
    for (std::size_t i = 0; i < connections.size(); ++i)
      EXPECT_EQ(connections[i].ask().server, server) << "client " << i;
  }
  void expect_new_ones_at(const std::string& server, Protocol protocol = Protocol::kTcp) const {
    for (const Client& client : clients()) {
      const Ask question{.protocol = protocol, .to = client.to, .port = client.port};
      EXPECT_EQ(ask(client.where, question).server, server) << client.where.name();
    }
  }
  [[nodiscard]] Answer datagram_from(std::uint16_t port) const {
    return ask(world->pod2, {.protocol = Protocol::kUdp,
                             .to = at.service,
                             .port = {80},
                             .from = std::nullopt,
                             .from_port = port});
  }
  void restart_agent() {
    datapath.reset();
    datapath = open_datapath();
  }
};

TEST_P(Lifetime, ConnectionsOutliveRestartsAndNewEndpoints) {
  resync(plan({pod("pod1")}));
  auto connections = connect_all();
  expect_all_at(connections, "pod1");
  for (int i = 0; i < 3; ++i) {
    restart_agent();
    resync(plan({pod("far")}));
    expect_all_at(connections, "pod1");
    expect_new_ones_at("far");
  }
}

TEST_P(Lifetime, TheSamePlanCostsNothingAfterARestart) {
  resync(plan({pod("pod1"), pod("far")}));
  restart_agent();
  const SyncReport report = resync(plan({pod("pod1"), pod("far")}));
  EXPECT_EQ(report.elements_added + report.elements_removed, 0U);
}

TEST_P(Lifetime, ARemovedServiceIsGoneAndItsNeighbourStays) {
  ServicePlan neighbour = web({pod("pod1")});
  neighbour.name.service.name = "neighbour";
  neighbour.frontends = {cluster_ip(at.service2, 80)};
  resync(plan_of(settings(), {web({pod("pod1")}), neighbour}));
  remove("web");
  for (const Namespace* where : {&world->pod2, &world->node}) {
    const std::chrono::milliseconds brief(300);
    EXPECT_NE(ask(*where, {.to = at.service, .port = {80}, .patience = brief}).outcome,
              Outcome::kAnswered);
    EXPECT_EQ(ask(*where, {.to = at.service2, .port = {80}}).server, "pod1");
  }
}

TEST_P(Lifetime, AHundredBackendsAreDrawnAboutEquallyOften) {
  std::vector<Backend> backends;
  for (std::uint16_t i = 0; i < 100; ++i) {
    const Port port{static_cast<std::uint16_t>(9000 + i)};
    world->servers.serve(world->pod1, std::to_string(i), at.pod1, port);
    backends.push_back({at.pod1, port, true, BackendState::kActive});
  }
  resync(plan(backends));
  std::map<std::string, int> drawn;
  constexpr int kConnections = 3000;
  for (int i = 0; i < kConnections; ++i)
    ++drawn[ask(world->pod2, {.to = at.service, .port = {80}}).server];
  EXPECT_EQ(drawn.size(), 100U);
  // 30 expected each, standard deviation 5.4: six of them.
  for (const auto& [server, count] : drawn) EXPECT_NEAR(count, 30, 33) << server;
}

TEST_P(Lifetime, ADatagramFromTheSamePortReachesTheNewEndpoint) {
  resync(plan({pod("pod1")}, Protocol::kUdp));
  EXPECT_EQ(datagram_from(4000).server, "pod1");
  apply(web({pod("far")}, Protocol::kUdp));
  // nftables' stale flow goes a moment later.
  Answer answer;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (answer.server != "far" && std::chrono::steady_clock::now() < deadline)
    answer = datagram_from(4000);
  EXPECT_EQ(answer.server, "far");
}

TEST_P(Lifetime, ADatagramFlowToAServingEndpointIsKept) {
  resync(plan({pod("pod1")}, Protocol::kUdp));
  EXPECT_EQ(datagram_from(4001).server, "pod1");
  ServicePlan draining = web({pod("far")}, Protocol::kUdp);
  draining.serving = {at.far, at.pod1};
  std::ranges::sort(draining.serving);
  apply(draining);
  // Whatever looks for stale flows has looked when these are through.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(datagram_from(4001).server, "pod1");
  EXPECT_EQ(datagram_from(4002).server, "far");
}

TEST_P(Lifetime, ADrainedDatapathKeepsConnectionsAndTakesNoNewOnes) {
  resync(plan({pod("pod1")}));
  auto connections = connect_all();
  expect_all_at(connections, "pod1");
  for (int i = 0; i < 2; ++i) {
    const auto gone = open_datapath()->drain(plan({pod("pod1")}));
    ASSERT_TRUE(gone) << gone.error().doing;
    EXPECT_FALSE(*gone) << "connections are left";
    expect_all_at(connections, "pod1");
    EXPECT_EQ(ask(world->ext, {.to = at.node, .port = {30080}}).outcome, Outcome::kRefused);
  }
  datapath = open_datapath();
  resync(plan({pod("far")}));
  expect_all_at(connections, "pod1");
  expect_new_ones_at("far");
}

#ifdef FAIRLEAD_HAS_EBPF
TEST_P(Lifetime, ASwitchAndTheWayBackLoseNoConnection) {
  const DatapathKind other =
      GetParam().datapath == DatapathKind::kEbpf ? DatapathKind::kNftables : DatapathKind::kEbpf;
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
    SCOPED_TRACE(to_string(protocol));
    resync(plan({pod("pod1")}, protocol));
    auto first = connect_all(protocol);
    expect_all_at(first, "pod1");

    // As the agent does: first the new one serves, then the old one lets go. Their datagrams go on,
    // too: pod1 still serves.
    Plan changed = plan({pod("far")}, protocol);
    for (auto& [name, services] : changed.services) {
      services[0].serving = {at.far, at.pod1};
      std::ranges::sort(services[0].serving);
    }
    const auto second_datapath = open_datapath(other);
    const auto resynced = second_datapath->resync(changed);
    ASSERT_TRUE(resynced) << resynced.error().doing;
    expect_all_at(first, "pod1");
    EXPECT_TRUE(datapath->drain(changed));
    expect_all_at(first, "pod1");
    expect_new_ones_at("far", protocol);

    auto second = connect_all(protocol);
    expect_all_at(second, "far");  // a UDP flow begins with its first datagram
    restart_agent();
    changed.services.begin()->second[0].cluster_backends = {pod("pod1")};
    resync(changed);
    expect_all_at(first, "pod1");
    expect_all_at(second, "far");
    EXPECT_TRUE(open_datapath(other)->drain(changed));
    expect_all_at(first, "pod1");
    expect_all_at(second, "far");
    expect_new_ones_at("pod1", protocol);
    EXPECT_TRUE(open_datapath(other)->cleanup());
    EXPECT_TRUE(datapath->cleanup());
  }
}
#endif

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return info.param.family == Family::kIpv4 ? "Ipv4" : "Ipv6";
}

INSTANTIATE_TEST_SUITE_P(Nftables, Lifetime,
                         testing::Values(Case{DatapathKind::kNftables, Family::kIpv4},
                                         Case{DatapathKind::kNftables, Family::kIpv6}),
                         name_of_case);
#ifdef FAIRLEAD_HAS_EBPF
INSTANTIATE_TEST_SUITE_P(Ebpf, Lifetime,
                         testing::Values(Case{DatapathKind::kEbpf, Family::kIpv4},
                                         Case{DatapathKind::kEbpf, Family::kIpv6}),
                         name_of_case);
#endif

}  // namespace
}  // namespace fairlead::test
