// Connected UDP sockets end with their backend; all others are spared.
#include <gmock/gmock.h>

#include <cerrno>
#include <deque>

#include "dataplane/ebpf/generation.hpp"
#include "dataplane/ebpf/sockets.hpp"
#include "tests/netns/ebpf/socket_fixture.hpp"

namespace fairlead::test {
namespace {

constexpr auto kUdp = Protocol::kUdp;

class DeadSockets : public SocketTestOf {
 protected:
  void SetUp() override {
    SocketTestOf::SetUp();
    if (!tables) return;
    to("pod1", 1);
    to("far", 2);
  }
  void to(std::string_view name, std::uint16_t port) {
    tables->publish(service("to-" + std::string(name), kUdp, family, {cluster_ip(at.service, port)},
                            {pod(name)}));
  }
  [[nodiscard]] Client client() const { return SocketTestOf::client(kUdp); }
  [[nodiscard]] Endpoint frontend(std::uint16_t port) const { return {at.service, port}; }
  [[nodiscard]] ebpf::SocketTables fds() const {
    return {.iterator = object->program_fd("fairlead_dead_sockets"),
            .dead_backends = object->map_fd("dead_backends"),
            .sockets = {object->map_fd("sockets")},
            .draining = {}};
  }
  [[nodiscard]] std::size_t end_sockets_of(std::string_view name) const {
    const ebpf::DeadBackend dead{pod(name).address, kPodPort};
    const auto ended = ebpf::end_sockets_of({&dead, 1}, fds());
    EXPECT_TRUE(ended) << ended.error().doing;
    return ended.value_or(0);
  }
};

TEST_P(DeadSockets, AConnectedSocketOfADeletedBackendGetsAnErrorAtOnceAndConnectsAnew) {
  const Client socket = client();
  ASSERT_EQ(socket.connect(frontend(1)), 0);
  ASSERT_EQ(socket.ask().server, "pod1");
  EXPECT_EQ(end_sockets_of("pod1"), 1U);
  EXPECT_EQ(socket.receive().error, ECONNABORTED);
  to("far", 1);
  ASSERT_EQ(socket.connect(frontend(1)), 0);
  EXPECT_EQ(socket.ask().server, "far");
  EXPECT_EQ(end_sockets_of("pod1"), 0U);
  EXPECT_EQ(socket.ask().server, "far");
}

TEST_P(DeadSockets, OthersAreSpared) {
  const Client unconnected = client(), living = client(), direct = client(), former = client();
  const Client tcp = SocketTestOf::client(Protocol::kTcp);
  tables->publish(
      service("tcp", Protocol::kTcp, family, {cluster_ip(at.service, 1)}, {pod("pod1")}));
  ASSERT_EQ(unconnected.ask(frontend(1)).server, "pod1");
  ASSERT_EQ(living.connect(frontend(2)), 0);
  ASSERT_EQ(direct.connect({at.pod1, kPodPort.host}), 0);
  ASSERT_EQ(former.connect(frontend(1)), 0);
  ASSERT_EQ(former.disconnect(), 0);
  ASSERT_EQ(tcp.connect(frontend(1)), 0);
  ASSERT_EQ(tcp.receive().server, "pod1");
  const std::uint16_t port = unconnected.name().port;
  EXPECT_EQ(end_sockets_of("pod1"), 0U);
  EXPECT_EQ(unconnected.ask(frontend(1)).server, "pod1");
  EXPECT_EQ(unconnected.name().port, port);
  EXPECT_EQ(living.ask().server, "far");
  EXPECT_EQ(direct.ask().server, "pod1");
  EXPECT_EQ(former.ask(frontend(1)).server, "pod1");
  EXPECT_EQ(tcp.ask().server, "pod1");
}

TEST_P(DeadSockets, AreEndedInEveryNamespaceAndNotTwice) {
  std::deque<Client> sockets;
  for (const Namespace* place : {&world->node, &world->pod1, &world->pod2})
    for (int i = 0; i < 200; ++i) {
      const Client& socket = sockets.emplace_back(*place, asker.socket, kUdp);
      ASSERT_EQ(socket.connect(frontend(i % 4 == 0 ? 2 : 1)), 0);
    }
  EXPECT_EQ(end_sockets_of("pod1"), 450U);
  EXPECT_EQ(end_sockets_of("pod1"), 0U);
  EXPECT_EQ(end_sockets_of("far"), 150U);
}

TEST_P(DeadSockets, WhileDrainingUnconnectedSocketsLeaveADeadBackendToo) {
  const Client socket = client(), other = client();
  ASSERT_EQ(socket.ask(frontend(1)).server, "pod1");
  ASSERT_EQ(other.ask(frontend(2)).server, "far");
  tables->set_draining(true);
  // As the generation does that came after.
  const auto next = ebpf::load_iterators();
  ASSERT_TRUE(next) << next.error().doing;
  const ebpf::SocketTables drained{.iterator = next->program_fd(ebpf::kDeadSocketIterator),
                                   .dead_backends = next->map_fd("dead_backends"),
                                   .sockets = {object->map_fd("sockets")},
                                   .draining = {object->map_fd("dead_backends")}};
  const ebpf::DeadBackend dead{pod("pod1").address, kPodPort}, elsewhere{at.ext, kPodPort};
  EXPECT_EQ(ebpf::end_sockets_of({&dead, 1}, drained), 0U);
  EXPECT_EQ(ebpf::end_sockets_of({&elsewhere, 1}, drained), 0U);
  ASSERT_EQ(socket.send_to(frontend(1)), 0) << "as it is, for whoever comes after us";
  EXPECT_EQ(other.ask(frontend(2)).server, "far");
  tables->set_draining(false);
  EXPECT_EQ(socket.ask(frontend(2)).server, "far") << "nobody answered what was left as it is";
}

INSTANTIATE_TEST_SUITE_P(, DeadSockets, testing::ValuesIn(kAskers),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace fairlead::test
