// UDP sockets over time: connected, connected anew, disconnected, with many frontends, and while
// backends come and go.
#include <gmock/gmock.h>

#include <cerrno>
#include <vector>

#include "bpf/abi/counters.h"
#include "bpf/abi/sockets.h"
#include "tests/netns/ebpf/socket_fixture.hpp"

namespace fairlead::test {
namespace {

using testing::AnyOf;

constexpr auto kUdp = Protocol::kUdp;

class Datagrams : public SocketTestOf {
 protected:
  [[nodiscard]] Client client() const { return SocketTestOf::client(kUdp); }
  [[nodiscard]] ServicePlan at_port(std::uint16_t port, std::vector<Backend> backends) const {
    return service("port" + std::to_string(port), kUdp, family, {cluster_ip(at.service, port)},
                   std::move(backends));
  }
  [[nodiscard]] std::vector<Backend> all() const { return {pod("pod1"), pod("pod2"), pod("far")}; }
  [[nodiscard]] std::vector<Backend> without(const std::string& name) const {
    std::vector<Backend> rest = all();
    std::erase(rest, pod(name));
    return rest;
  }
  [[nodiscard]] Endpoint frontend(std::uint16_t port) const { return {at.service, port}; }
  [[nodiscard]] Endpoint direct(std::string_view name) const {
    return {pod(name).address, kPodPort.host};
  }
};

TEST_P(Datagrams, ASocketConnectsAnewToAnotherFrontendToABackendAndBack) {
  tables->publish(at_port(1, {pod("pod1")}));
  tables->publish(at_port(2, {pod("far")}));
  const Client socket = client();
  ASSERT_EQ(socket.connect(frontend(1)), 0);
  EXPECT_EQ(socket.ask().server, "pod1");
  ASSERT_EQ(socket.connect(frontend(2)), 0);
  EXPECT_EQ(socket.peer(), frontend(2));
  const Received other = socket.ask();
  EXPECT_EQ(other.server, "far");
  EXPECT_EQ(other.from, frontend(2));
  ASSERT_EQ(socket.connect(direct("far")), 0);
  EXPECT_EQ(socket.peer(), direct("far")) << "by its own name now";
  EXPECT_EQ(socket.ask().from, direct("far"));
  ASSERT_EQ(socket.connect(frontend(1)), 0);
  EXPECT_EQ(socket.ask().from, frontend(1));
}

TEST_P(Datagrams, ADisconnectedSocketForgetsOnlyWhatItIsToldTo) {
  tables->publish(at_port(1, {pod("pod1")}));
  tables->publish(at_port(2, {pod("pod1")}));
  const Client socket = client();
  ASSERT_EQ(socket.connect(frontend(1)), 0);
  EXPECT_EQ(socket.ask().from, frontend(1));
  ASSERT_EQ(socket.disconnect(), 0);
  EXPECT_EQ(socket.peer(), Endpoint{});
  EXPECT_EQ(socket.ask(frontend(2)).from, frontend(2));
  EXPECT_EQ(socket.ask(direct("pod1")).from, direct("pod1"));
  EXPECT_EQ(socket.ask(frontend(1)).from, frontend(1));
}

TEST_P(Datagrams, FrontendsWithOneBackendAreToldApartByTheLastRequest) {
  tables->publish(at_port(1, {pod("pod1")}));
  tables->publish(at_port(2, {pod("pod1")}));
  const Client socket = client();
  for (int i = 0; i < 3; ++i)
    for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}})
      EXPECT_EQ(socket.ask(frontend(port)).from, frontend(port));
  EXPECT_EQ(socket.ask(direct("pod1")).from, direct("pod1"));
}

TEST_P(Datagrams, AConnectedSocketMaySendToAnotherFrontend) {
  tables->publish(at_port(1, {pod("pod1")}));
  tables->publish(at_port(2, {pod("far")}));
  const Client socket = client();
  ASSERT_EQ(socket.connect(frontend(1)), 0);
  EXPECT_EQ(socket.send_to(frontend(2)), 0);  // its answer is not for a socket that is connected
  EXPECT_EQ(socket.ask().from, frontend(1));
  EXPECT_EQ(socket.ask(frontend(1)).from, frontend(1));
  EXPECT_EQ(socket.peer(), frontend(1));
}

TEST_P(Datagrams, AnAnswerThatWaitedForConnectKeepsItsName) {
  tables->publish(at_port(1, {pod("pod1")}));
  tables->publish(at_port(2, {pod("far")}));
  const Client socket = client();
  ASSERT_EQ(socket.send_to(frontend(1)), 0);
  const Client witness = client();  // whose answer comes later than the first one's
  EXPECT_EQ(witness.ask(frontend(1)).server, "pod1");
  ASSERT_EQ(socket.connect(frontend(2)), 0);
  EXPECT_EQ(socket.receive().from, frontend(1));
  EXPECT_EQ(socket.ask().from, frontend(2));
}

TEST_P(Datagrams, OneSocketHasManyFrontendsAndEveryAnswerItsName) {
  for (std::uint16_t port = 1; port <= FL_TRANSLATIONS; ++port)
    tables->publish(at_port(port, {all()[port % 3U]}));
  const Client socket = client();
  for (int round = 0; round < 2; ++round)
    for (std::uint16_t port = 1; port <= FL_TRANSLATIONS; ++port) {
      const Received answer = socket.ask(frontend(port));
      EXPECT_EQ(answer.from, frontend(port)) << answer.error;
    }
}

TEST_P(Datagrams, OneFrontendMoreIsForThePacketPathInPodsAndReplacesTheOldestOnTheHost) {
  for (std::uint16_t port = 1; port <= FL_TRANSLATIONS + 1; ++port)
    tables->publish(at_port(port, all()));
  const Client socket = client();
  std::vector<std::string> servers(FL_TRANSLATIONS + 1);
  for (std::uint16_t port = 1; port <= FL_TRANSLATIONS; ++port)
    servers[port] = socket.ask(frontend(port)).server;
  EXPECT_EQ(counted(FL_COUNT_DATAGRAMS), std::uint64_t{FL_TRANSLATIONS});
  EXPECT_EQ(socket.send_to(frontend(FL_TRANSLATIONS + 1)), 0);
  EXPECT_EQ(counted(FL_COUNT_DATAGRAMS), FL_TRANSLATIONS + (asker.is_host ? 1U : 0U));
  if (asker.is_host) {
    EXPECT_EQ(socket.receive().from, frontend(FL_TRANSLATIONS + 1));
  }
  for (std::uint16_t port = 2; port <= FL_TRANSLATIONS; ++port)
    EXPECT_EQ(socket.ask(frontend(port)).server, servers[port]) << port;
}

TEST_P(Datagrams, AnUnconnectedSocketMovesWhenItsBackendGoesAndOnlyThen) {
  tables->publish(at_port(1, all()));
  const Client socket = client();
  const std::string first = socket.ask(frontend(1)).server;
  ASSERT_FALSE(first.empty());
  for (const char* other : {"pod1", "pod2", "far"}) {
    if (other == first) continue;
    tables->publish(at_port(1, without(other)));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(socket.ask(frontend(1)).server, first);
  }
  tables->publish(at_port(1, without(first)));
  const Received moved = socket.ask(frontend(1));
  EXPECT_THAT(moved.server, AnyOf("pod1", "pod2", "far"));
  EXPECT_NE(moved.server, first);
  EXPECT_EQ(moved.from, frontend(1));
  tables->publish(at_port(1, all()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(socket.ask(frontend(1)).server, moved.server);
}

TEST_P(Datagrams, ABackendIsFoundAmongManyAfterOthersCameAndWent) {
  std::vector<Backend> many;
  for (std::uint16_t port = 1; port <= 200; ++port)
    many.push_back({at.far, {port}, false, BackendState::kActive});
  many.push_back(pod("far"));
  ServicePlan plan = at_port(1, {pod("far")});
  tables->publish(plan);
  const Client socket = client();
  EXPECT_EQ(socket.ask(frontend(1)).server, "far");
  plan.cluster_backends = {many.end() - 10, many.end()};
  tables->publish(plan);
  EXPECT_EQ(socket.ask(frontend(1)).server, "far") << "9 places further";
  plan.cluster_backends = {many.end() - 20, many.end()};
  tables->publish(plan);
  EXPECT_EQ(socket.ask(frontend(1)).server, "far") << "10 places more";
}

TEST_P(Datagrams, AStoredTranslationDoesNotOutliveItsVerdict) {
  ServicePlan plan =
      service("web", kUdp, family, {cluster_ip(at.service, 1)}, {pod("far")}, {pod("pod1")});
  tables->publish(plan);
  const Client socket = client();
  EXPECT_EQ(socket.ask(frontend(1)).server, "far");
  const Verdict local = forward(BackendGroup::kLocal, false);
  plan.frontends[0].verdicts = {local, local, local};
  tables->publish(plan);
  EXPECT_EQ(socket.ask(frontend(1)).server, "pod1");
  plan.frontends[0].verdicts = {kRefuse, kRefuse, kRefuse};
  tables->publish(plan);
  EXPECT_EQ(socket.send_to(frontend(1)), ECONNREFUSED);
  tables->withdraw(plan);
  EXPECT_EQ(socket.send_to(frontend(1)), ECONNREFUSED) << "a ClusterIP without this port";
}

TEST_P(Datagrams, AnUnconnectedSocketKeepsItsBackendOfAServiceWithAffinity) {
  ServicePlan plan = at_port(1, all());
  plan.affinity = std::chrono::hours(1);
  tables->publish(plan);
  const Client socket = client();
  const std::string server = socket.ask(frontend(1)).server;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(socket.ask(frontend(1)).server, server);
    EXPECT_EQ(client().ask(frontend(1)).server, server);
  }
}

TEST_P(Datagrams, AFlowOfConntrackIsLeftToIt) {
  tables->publish(at_port(1, all()));
  tables->add_foreign_flow(at.service, {1}, 40123);
  const Client foreign = client(), other = client();
  ASSERT_EQ(foreign.bind({any_address(asker.socket), 40123}), 0);
  EXPECT_EQ(foreign.send_to(frontend(1)), 0);
  EXPECT_EQ(counted(FL_COUNT_DATAGRAMS), 0U);
  ASSERT_EQ(other.bind({any_address(asker.socket), 40124}), 0);
  EXPECT_EQ(other.ask(frontend(1)).from, frontend(1));
}

TEST_P(Datagrams, WhileDrainingSocketsGoOnAndNewOnesAreLeftAlone) {
  tables->publish(at_port(1, all()));
  const Client unconnected = client(), connected = client(), later = client();
  const std::string server = unconnected.ask(frontend(1)).server;
  ASSERT_EQ(connected.connect(frontend(1)), 0);
  tables->set_draining(true);
  tables->withdraw(at_port(1, {}));
  for (int i = 0; i < 5; ++i) {
    const Received answer = unconnected.ask(frontend(1));
    EXPECT_EQ(answer.server, server);
    EXPECT_EQ(answer.from, frontend(1));
  }
  EXPECT_EQ(connected.ask().from, frontend(1));
  EXPECT_EQ(connected.peer(), frontend(1));
  const std::uint64_t before = counted(FL_COUNT_DATAGRAMS);
  EXPECT_EQ(later.send_to(frontend(1)), 0);
  EXPECT_EQ(later.connect(frontend(1)), 0);
  EXPECT_EQ(counted(FL_COUNT_DATAGRAMS), before);
  ASSERT_EQ(connected.connect(frontend(1)), 0);
  EXPECT_EQ(connected.peer(), frontend(1)) << "by nobody's translation now";
  EXPECT_EQ(counted(FL_COUNT_SOCKETS_CONNECTED), 1U);
}

INSTANTIATE_TEST_SUITE_P(, Datagrams, testing::ValuesIn(kAskers),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace fairlead::test
