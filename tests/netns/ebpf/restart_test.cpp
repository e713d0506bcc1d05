// UDP clients of a backend that terminates go on with it over restarts of the agent, and are freed
// when it is deleted, also while no agent ran.
#include <gmock/gmock.h>

#include <cerrno>
#include <chrono>

#include "tests/netns/ebpf/generation_fixture.hpp"

namespace fairlead::test {
namespace {

using testing::IsEmpty;

constexpr std::uint32_t kFlows = 1 << 10;

class Restart : public GenerationTest {
 protected:
  struct Pair {
    Connection outside;  // translated packet by packet
    Client socket;       // connected, translated once
    void expect_both_at(const std::string& server) {
      EXPECT_EQ(outside.ask().server, server);
      EXPECT_EQ(socket.ask().server, server);
    }
  };
  [[nodiscard]] Pair connect() const {
    Pair pair{Connection(world->ext, at.node, {30080}, Protocol::kUdp),
              Client(world->node, family(), Protocol::kUdp)};
    EXPECT_EQ(pair.socket.connect({at.service, 80}), 0);
    return pair;
  }
  [[nodiscard]] static Plan draining() {
    const Ip pod1 = addresses_of(family()).pod1;
    return plan_to("far", {pod1});
  }
  /// What is stale is found beside the agent's work.
  static void expect_both_freed_for(Pair& pair, const std::string& server) {
    EXPECT_EQ(pair.socket.receive().error, ECONNABORTED);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::string answered;
    while (answered != server && std::chrono::steady_clock::now() < deadline)
      answered = pair.outside.ask().server;
    EXPECT_EQ(answered, server);
  }
  void restart_agent(const Plan& plan) { start_agent(kFlows, plan); }
};

TEST_P(Restart, ABackendThatTerminatedBeforeItAndIsGoneAfterItHasNoClientsLeft) {
  restart_agent(plan_to("pod1"));
  Pair pair = connect();
  pair.expect_both_at("pod1");
  resync(draining());
  pair.expect_both_at("pod1");
  restart_agent(draining());
  for (int i = 0; i < 20; ++i) pair.expect_both_at("pod1");
  restart_agent(plan_to("far"));
  expect_both_freed_for(pair, "far");
  EXPECT_THAT(reported, IsEmpty());
}

TEST_P(Restart, ABackendThatTerminatesMeanwhileKeepsItsClientsUntilItIsDeleted) {
  restart_agent(plan_to("pod1"));
  Pair pair = connect();
  pair.expect_both_at("pod1");
  restart_agent(draining());
  for (int i = 0; i < 20; ++i) pair.expect_both_at("pod1");
  resync(plan_to("far"));
  expect_both_freed_for(pair, "far");
}

TEST_P(Restart, AServiceThatIsGoneAfterItHasNoClientsLeft) {
  restart_agent(plan_to("pod1"));
  Pair pair = connect();
  pair.expect_both_at("pod1");
  restart_agent(plan_of(settings(), {}));
  EXPECT_EQ(pair.socket.receive().error, ECONNABORTED);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (pair.outside.ask().outcome == Outcome::kAnswered &&
         std::chrono::steady_clock::now() < deadline)
    continue;
  EXPECT_NE(pair.outside.ask().outcome, Outcome::kAnswered);
}

INSTANTIATE_TEST_SUITE_P(, Restart, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& param) {
                           return param.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

}  // namespace
}  // namespace fairlead::test
