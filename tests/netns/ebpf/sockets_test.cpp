// Services at the system call: who is reached, and which name the application sees.
#include <gmock/gmock.h>

#include <cerrno>
#include <map>
#include <set>

#include "bpf/abi/counters.h"
#include "bpf/abi/sockets.h"
#include "tests/netns/ebpf/socket_fixture.hpp"

namespace fairlead::test {
namespace {

using testing::AnyOf;
using testing::SizeIs;

constexpr auto kTcp = Protocol::kTcp;
constexpr auto kUdp = Protocol::kUdp;

class Sockets : public SocketTestOf {
 protected:
  /// Every frontend of web().
  [[nodiscard]] std::vector<Endpoint> frontends() const {
    return {{at.service, 80}, {at.balancer, 80}, {at.node, 30080}};
  }
  /// Who answers a new TCP connection; empty: nobody.
  [[nodiscard]] std::string ask_tcp(const Endpoint& to) const {
    const Client socket = client(kTcp);
    return socket.connect(to) == 0 ? socket.receive().server : "";
  }
  [[nodiscard]] int connect(Protocol protocol, const Endpoint& to) const {
    return client(protocol).connect(to);
  }
  [[nodiscard]] int send(const Endpoint& to) const { return client(kUdp).send_to(to); }
  [[nodiscard]] std::map<std::string, int> ask_often(const Endpoint& to, int times) const {
    std::map<std::string, int> answers;
    for (int i = 0; i < times; ++i) ++answers[ask_tcp(to)];
    return answers;
  }
};

TEST_P(Sockets, TcpReachesABackendByEveryFrontendAndItsPeerIsTheFrontend) {
  tables->publish(web(kTcp));
  for (const Endpoint& frontend : frontends()) {
    const Client socket = client(kTcp);
    ASSERT_EQ(socket.connect(frontend), 0) << frontend;
    EXPECT_THAT(socket.receive().server, AnyOf("pod1", "pod2", "far")) << frontend;
    EXPECT_EQ(socket.peer(), frontend);
  }
  EXPECT_EQ(counted(FL_COUNT_SOCKETS_CONNECTED), 3U);
}

TEST_P(Sockets, MptcpReachesABackendAndItsPeerIsTheBackend) {
  tables->publish(web(kTcp));
  const Namespace& where = asker.is_host ? world->node : world->pod1;
  for (const Endpoint& frontend : frontends()) {
    const auto socket = Client::mptcp(where, asker.socket);
    if (!socket) GTEST_SKIP() << "the kernel has no MPTCP";
    ASSERT_EQ(socket->connect(frontend), 0) << frontend;
    const std::string server = socket->receive().server;
    ASSERT_THAT(server, AnyOf("pod1", "pod2", "far")) << frontend;
    // Its subflow is what was translated, and that is a socket of the kernel's.
    EXPECT_EQ(socket->peer(), (Endpoint{pod(server).address, kPodPort.host})) << frontend;
  }
}

TEST_P(Sockets, ConnectedUdpReachesABackendAndSeesOnlyTheFrontend) {
  tables->publish(web(kUdp));
  for (const Endpoint& frontend : frontends()) {
    const Client socket = client(kUdp);
    ASSERT_EQ(socket.connect(frontend), 0) << frontend;
    EXPECT_EQ(socket.peer(), frontend);
    const Received first = socket.ask();
    EXPECT_THAT(first.server, AnyOf("pod1", "pod2", "far"));
    EXPECT_EQ(first.from, frontend);
    const Received by_name = socket.ask(frontend);
    EXPECT_EQ(by_name.server, first.server) << "sendto() on a connected socket";
    EXPECT_EQ(by_name.from, frontend);
  }
}

TEST_P(Sockets, UnconnectedUdpReachesABackendStaysWithItAndSeesOnlyTheFrontend) {
  tables->publish(web(kUdp));
  for (const Endpoint& frontend : frontends()) {
    const Client socket = client(kUdp);
    const Received first = socket.ask(frontend);
    EXPECT_THAT(first.server, AnyOf("pod1", "pod2", "far")) << frontend << ' ' << first.error;
    for (int i = 0; i < 10; ++i) {
      const Received again = socket.ask(frontend);
      EXPECT_EQ(again.server, first.server);
      EXPECT_EQ(again.from, frontend);
    }
  }
  EXPECT_EQ(counted(FL_COUNT_DATAGRAMS), 33U);
}

TEST_P(Sockets, AnUnknownPortOfAClusterIpIsRefused) {
  tables->publish(web(kTcp));
  EXPECT_EQ(connect(kTcp, {at.service, 81}), ECONNREFUSED);
  EXPECT_EQ(connect(kUdp, {at.service, 80}), ECONNREFUSED);
  EXPECT_EQ(send({at.service, 80}), ECONNREFUSED);
}

TEST_P(Sockets, AServiceWithoutBackendsIsRefused) {
  for (const Protocol protocol : {kTcp, kUdp}) {
    tables->publish(service(
        "rejects", protocol, family,
        {frontend(FrontendKind::kClusterIp, at.service, 80, kRefuse, kRefuse, kRefuse)}, {}));
    tables->publish(service("empty", protocol, family, {cluster_ip(at.service2, 80)}, {}));
  }
  for (const Ip& ip : {at.service, at.service2}) {
    EXPECT_EQ(connect(kTcp, {ip, 80}), ECONNREFUSED);
    EXPECT_EQ(connect(kUdp, {ip, 80}), ECONNREFUSED);
    EXPECT_EQ(send({ip, 80}), ECONNREFUSED);
  }
}

TEST_P(Sockets, WhatIsDroppedFailsOnTheHostAndIsLeftToThePacketPathInPods) {
  tables->publish(
      service("drops", kUdp, family,
              {frontend(FrontendKind::kClusterIp, at.service, 80, kDiscard, kDiscard, kDiscard)},
              {pod("pod1")}));
  for (const Endpoint& to : {Endpoint{at.service, 80}, Endpoint{at.unallocated, 80}}) {
    EXPECT_EQ(connect(kUdp, to), asker.is_host ? EHOSTUNREACH : 0) << to;
    EXPECT_EQ(send(to), asker.is_host ? EHOSTUNREACH : 0) << to;
  }
  const Client socket = client(kUdp);
  if (asker.is_host) return;
  ASSERT_EQ(socket.connect({at.service, 80}), 0);
  EXPECT_EQ(socket.peer(), (Endpoint{at.service, 80}));
}

TEST_P(Sockets, PolicyLocalIsForTheScopeThatHasIt) {
  const Verdict local = forward(BackendGroup::kLocal, false),
                cluster = forward(BackendGroup::kCluster, false);
  tables->publish(
      service("local", kTcp, family,
              {frontend(FrontendKind::kClusterIp, at.service, 80, cluster, local, kDiscard)},
              {pod("far")}, {pod("pod1")}));
  EXPECT_EQ(ask_tcp({at.service, 80}), asker.is_host ? "pod1" : "far");
}

TEST_P(Sockets, AffinityHoldsAcrossFrontendsOfBothKinds) {
  ServicePlan sticky = web(kTcp);
  sticky.affinity = std::chrono::hours(1);
  tables->publish(sticky);
  const std::string server = ask_tcp({at.service, 80});
  for (int i = 0; i < 10; ++i)
    for (const Endpoint& frontend : frontends()) EXPECT_EQ(ask_tcp(frontend), server);
  ServicePlan without = sticky;
  std::erase_if(without.cluster_backends,
                [&](const Backend& backend) { return backend == pod(server); });
  tables->withdraw(sticky);
  tables->publish(without);
}

TEST_P(Sockets, RoundRobinTakesTurns) {
  ServicePlan plan = web(kTcp);
  plan.algorithm = Algorithm::kRoundRobin;
  tables->publish(plan);
  const auto answers = ask_often({at.service, 80}, 9);
  EXPECT_THAT(answers, SizeIs(3));
  for (const auto& [server, times] : answers) EXPECT_EQ(times, 3) << server;
}

TEST_P(Sockets, WeightsAreShares) {
  ServicePlan plan = web(kTcp);
  plan.cluster_backends[0].weight = 200;
  tables->publish(plan);
  auto answers = ask_often({at.service, 80}, 60);
  // 3 of 4 random choices at the least in all but one of 10^12 runs: the share is 249 of 251.
  EXPECT_GE(answers[plan.cluster_backends[0].address == at.pod1 ? "pod1" : "far"], 45);
}

TEST_P(Sockets, NothingHappensToOtherTraffic) {
  tables->publish(web(kTcp));
  tables->publish(web(kUdp));
  const Endpoint direct{at.pod1, kPodPort.host};
  const Client tcp = client(kTcp), udp = client(kUdp), unconnected = client(kUdp);
  ASSERT_EQ(tcp.connect(direct), 0);
  EXPECT_EQ(tcp.peer(), direct);
  EXPECT_EQ(tcp.receive().server, "pod1");
  ASSERT_EQ(udp.connect(direct), 0);
  EXPECT_EQ(udp.peer(), direct);
  EXPECT_EQ(udp.ask().from, direct);
  EXPECT_EQ(unconnected.ask(direct).from, direct);
  EXPECT_EQ(connect(kTcp, {at.node, 80}), ECONNREFUSED) << "the node's own port, closed";
  EXPECT_EQ(counted(FL_COUNT_SOCKETS_CONNECTED) + counted(FL_COUNT_DATAGRAMS), 0U);
  EXPECT_EQ(counted(FL_COUNT_REJECTED), 0U);
}

TEST_P(Sockets, ANodePortIsNotOpenOnLoopback) {
  tables->publish(web(kTcp));
  const Ip loopback = parse_ip(family == Family::kIpv4 ? "127.0.0.1" : "::1").value();
  EXPECT_EQ(connect(kTcp, {loopback, 30080}), ECONNREFUSED);
  EXPECT_EQ(counted(FL_COUNT_REJECTED), 0U) << "by the kernel, not by us";
}

TEST_P(Sockets, SourceRangesLetTheHostInByItsAddressAndLeavePodsToThePacketPath) {
  tables->set_node_addresses(addresses_of(Family::kIpv4).node, addresses_of(Family::kIpv6).node);
  ServicePlan plan = web(kUdp);
  Frontend& ranged = plan.frontends[1];
  ASSERT_EQ(ranged.kind, FrontendKind::kLoadBalancer);
  ranged.source_ranges = {{at.node, static_cast<std::uint8_t>(at.node.is_v4() ? 32 : 128)}};
  tables->publish(plan);
  const Client socket = client(kUdp);
  EXPECT_EQ(socket.connect({at.balancer, 80}), 0);
  EXPECT_EQ(counted(FL_COUNT_SOCKETS_CONNECTED), asker.is_host ? 1U : 0U);

  ServicePlan other = plan;
  other.name.service.name = "elsewhere";
  other.frontends[1].source_ranges = {
      {at.ext, static_cast<std::uint8_t>(at.ext.is_v4() ? 32 : 128)}};
  tables->publish(other);
  EXPECT_EQ(connect(kUdp, {at.balancer, 80}), asker.is_host ? EHOSTUNREACH : 0);
}

TEST_P(Sockets, ATcpConnectionToARemovedBackendGoesOn) {
  ServicePlan plan = web(kTcp);
  tables->publish(plan);
  const Client socket = client(kTcp);
  ASSERT_EQ(socket.connect({at.service, 80}), 0);
  const std::string server = socket.receive().server;
  tables->withdraw(plan);
  EXPECT_EQ(socket.ask().server, server);
  EXPECT_EQ(socket.peer(), (Endpoint{at.service, 80}));
}

TEST_P(Sockets, AClosedTcpSocketGivesItsPlaceBack) {
  tables->publish(web(kTcp));
  {
    const Client socket = client(kTcp);
    ASSERT_EQ(socket.connect({at.service, 80}), 0);
    EXPECT_EQ(tables->taken_streams(), 1U);
  }
  EXPECT_EQ(tables->taken_streams(), 0U);
}

TEST_P(Sockets, WithoutAPlaceOfItsOwnATcpSocketHasItsNameAllTheSame) {
  tables->publish(web(kTcp));
  tables->take_all_streams();
  const Client socket = client(kTcp);
  ASSERT_EQ(socket.connect({at.service, 80}), 0);
  EXPECT_THAT(socket.receive().server, AnyOf("pod1", "pod2", "far"));
  EXPECT_EQ(socket.peer(), (Endpoint{at.service, 80}));
  EXPECT_EQ(tables->taken_streams(), std::size_t{FL_STREAMS});
}

TEST_P(Sockets, ATcpSocketThatWasRefusedConnectsAnew) {
  tables->publish(web(kTcp));
  Backend closed = pod("pod1");
  closed.port = {9};
  tables->publish(service("closed", kTcp, family, {cluster_ip(at.service2, 80)}, {closed}));
  const Client by_name = client(kTcp), direct = client(kTcp);
  ASSERT_EQ(by_name.connect({at.service2, 80}), ECONNREFUSED);
  ASSERT_EQ(by_name.connect({at.service, 80}), 0);
  EXPECT_EQ(by_name.peer(), (Endpoint{at.service, 80}));
  ASSERT_EQ(direct.connect({at.service2, 80}), ECONNREFUSED);
  ASSERT_EQ(direct.connect({at.pod1, kPodPort.host}), 0);
  EXPECT_EQ(direct.peer(), (Endpoint{at.pod1, kPodPort.host}));
}

INSTANTIATE_TEST_SUITE_P(, Sockets, testing::ValuesIn(kAskers),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace fairlead::test
