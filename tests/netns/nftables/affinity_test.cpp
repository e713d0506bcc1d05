// ClientIP affinity: one client, one backend, until it times out or the backend goes.
#include <gmock/gmock.h>

#include <set>

#include "tests/netns/nftables/cluster.hpp"

namespace fairlead::test {
namespace {

class Affinity : public ClusterTest, public testing::WithParamInterface<Family> {
 protected:
  const Addresses at = addresses_of(GetParam());

  [[nodiscard]] ServicePlan sticky(std::vector<Backend> backends, int seconds) const {
    ServicePlan plan =
        service("sticky", Protocol::kTcp, GetParam(),
                {cluster_ip(at.service, 80), node_port(GetParam(), 30080)}, std::move(backends));
    plan.affinity = std::chrono::seconds(seconds);
    return plan;
  }
  [[nodiscard]] Backend pod(std::string_view name) const { return backend(name, GetParam()); }
  [[nodiscard]] std::string ask_at(const Ip& ip, std::uint16_t port) const {
    Ask question;
    question.to = ip;
    question.port = {port};
    return ask(world->pod2, question).server;
  }
  [[nodiscard]] std::set<std::string> servers_of(int connections) const {
    std::set<std::string> servers;
    for (int i = 0; i < connections; ++i) servers.insert(ask_at(at.service, 80));
    return servers;
  }
};

TEST_P(Affinity, OneClientStaysWithOneBackendByEveryFrontend) {
  resync(plan_of(settings(), {sticky({pod("pod1"), pod("pod2"), pod("far")}, 3600)}));
  const std::string server = ask_at(at.service, 80);
  EXPECT_FALSE(server.empty());
  for (int i = 0; i < 15; ++i) {
    EXPECT_EQ(ask_at(at.service, 80), server);
    EXPECT_EQ(ask_at(at.node, 30080), server);
  }
}

TEST_P(Affinity, ARemovedBackendIsLeftAndTheNextOneIsKept) {
  const std::vector<std::string> names{"pod1", "pod2", "far"};
  resync(plan_of(settings(), {sticky({pod("pod1"), pod("pod2"), pod("far")}, 3600)}));
  const std::string first = ask_at(at.service, 80);
  std::vector<Backend> others;
  for (const std::string& name : names)
    if (name != first) others.push_back(pod(name));
  apply(sticky(others, 3600));
  const std::set<std::string> servers = servers_of(15);
  EXPECT_THAT(servers, testing::SizeIs(1));
  EXPECT_FALSE(servers.contains(first));
}

TEST_P(Affinity, ARestartedAgentForgetsNobody) {
  const Plan plan = plan_of(settings(), {sticky({pod("pod1"), pod("pod2"), pod("far")}, 3600)});
  resync(plan);
  const std::string server = ask_at(at.service, 80);
  datapath.reset();
  datapath = open_datapath();
  resync(plan);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask_at(at.service, 80), server);
}

TEST_P(Affinity, EndsAfterItsTimeout) {
  resync(plan_of(settings(), {sticky({pod("pod1"), pod("pod2"), pod("far")}, 1)}));
  std::set<std::string> servers;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(40);
  // Each attempt waits until the kernel has forgotten this client, by looking at its map.
  while (servers.size() < 2 && std::chrono::steady_clock::now() < deadline) {
    servers.insert(ask_at(at.service, 80));
    const std::string map = GetParam() == Family::kIpv4 ? "affinity4" : "affinity6";
    while (world->node.output_of("nft list map inet fairlead " + map).find("elements") !=
               std::string::npos &&
           std::chrono::steady_clock::now() < deadline) {
    }
  }
  EXPECT_GE(servers.size(), 2U);
}

TEST_P(Affinity, SwitchesOffAndOnWhileRunning) {
  const std::vector<Backend> backends{pod("pod1"), pod("pod2"), pod("far")};
  resync(plan_of(settings(), {sticky(backends, 0)}));
  EXPECT_GE(servers_of(30).size(), 2U);
  apply(sticky(backends, 3600));
  EXPECT_EQ(servers_of(15).size(), 1U);
  apply(sticky(backends, 0));
  EXPECT_GE(servers_of(30).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(, Affinity, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& param) {
                           return std::string(param.param == Family::kIpv4 ? "Ipv4" : "Ipv6");
                         });

}  // namespace
}  // namespace fairlead::test
