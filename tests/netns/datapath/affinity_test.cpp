// ClientIP affinity: one client, one backend, until it times out or the backend goes.
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

struct Case {
  DatapathKind datapath;
  Family family;
};

class Affinity : public ClusterTest, public testing::WithParamInterface<Case> {
 protected:
  Affinity() : ClusterTest(GetParam().datapath) {}
  [[nodiscard]] static Family family() { return GetParam().family; }
  const Addresses at = addresses_of(family());

  [[nodiscard]] ServicePlan sticky(std::vector<Backend> backends, int seconds) const {
    ServicePlan plan =
        service("sticky", Protocol::kTcp, family(),
                {cluster_ip(at.service, 80), node_port(family(), 30080)}, std::move(backends));
    plan.affinity = std::chrono::seconds(seconds);
    return plan;
  }
  [[nodiscard]] Backend pod(std::string_view name) const { return backend(name, family()); }
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
  /// Until the kernel remembers no client: nftables' map says so; eBPF counts whole seconds, so
  /// that one is over after two at the latest.
  void wait_until_forgotten(std::chrono::steady_clock::time_point deadline) const {
    const auto over = std::chrono::steady_clock::now() + std::chrono::milliseconds(2100);
    const std::string map = family() == Family::kIpv4 ? "affinity4" : "affinity6";
    const auto remembers = [&] {
      if (GetParam().datapath == DatapathKind::kEbpf)
        return std::chrono::steady_clock::now() < over;
      return world->node.output_of("nft list map inet fairlead " + map).find("elements") !=
             std::string::npos;
    };
    while (remembers() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
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
  while (servers.size() < 2 && std::chrono::steady_clock::now() < deadline) {
    servers.insert(ask_at(at.service, 80));
    wait_until_forgotten(deadline);
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

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return info.param.family == Family::kIpv4 ? "Ipv4" : "Ipv6";
}

INSTANTIATE_TEST_SUITE_P(Nftables, Affinity,
                         testing::Values(Case{DatapathKind::kNftables, Family::kIpv4},
                                         Case{DatapathKind::kNftables, Family::kIpv6}),
                         name_of_case);
#ifdef FAIRLEAD_HAS_EBPF
INSTANTIATE_TEST_SUITE_P(Ebpf, Affinity,
                         testing::Values(Case{DatapathKind::kEbpf, Family::kIpv4},
                                         Case{DatapathKind::kEbpf, Family::kIpv6}),
                         name_of_case);
#endif

}  // namespace
}  // namespace fairlead::test
