// bind() to a port that is a NodePort.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/netns/ebpf/socket_fixture.hpp"

namespace fairlead::test {
namespace {

class Bind : public SocketTestOf {
 protected:
  void SetUp() override {
    SocketTestOf::SetUp();
    if (!tables) return;
    tables->publish(web(Protocol::kTcp));
    tables->publish(service("dns", Protocol::kUdp, family, {node_port(family, 30053)}, {}));
  }
  [[nodiscard]] int bind(Protocol protocol, const Ip& ip, std::uint16_t port) const {
    return client(protocol).bind({ip, port});
  }
  const int taken = asker.is_host ? EADDRINUSE : 0;
  const Ip own = asker.is_host ? at.node : at.pod2;
};

TEST_P(Bind, ANodePortIsTakenOnTheHostOnly) {
  EXPECT_EQ(bind(Protocol::kTcp, any_address(asker.socket), 30080), taken);
  EXPECT_EQ(bind(Protocol::kUdp, any_address(asker.socket), 30053), taken);
  EXPECT_EQ(bind(Protocol::kTcp, own, 30080), taken);
  EXPECT_EQ(bind(Protocol::kUdp, own, 30053), taken);
}

TEST_P(Bind, OtherPortsProtocolsAndAddressesAreFree) {
  EXPECT_EQ(bind(Protocol::kTcp, any_address(asker.socket), 30081), 0);
  EXPECT_EQ(bind(Protocol::kUdp, any_address(asker.socket), 30080), 0);
  EXPECT_EQ(bind(Protocol::kTcp, any_address(asker.socket), 0), 0);
  const Ip loopback = parse_ip(family == Family::kIpv4 ? "127.0.0.1" : "::1").value();
  EXPECT_EQ(bind(Protocol::kTcp, loopback, 30080), 0);
}

TEST_P(Bind, APortOfTheKernelsChoiceIsNoNodePort) {
  if (!asker.is_host) GTEST_SKIP() << "the host's matter";
  const std::string range = "sysctl -qw net.ipv4.ip_local_port_range='32768 60999'";
  world->node.sh("sysctl -qw net.ipv4.ip_local_port_range='30080 30080'");
  EXPECT_EQ(bind(Protocol::kTcp, any_address(asker.socket), 0), EADDRINUSE);
  world->node.sh(range);
}

TEST_P(Bind, WhileDrainingEveryPortIsFree) {
  tables->set_draining(true);
  EXPECT_EQ(bind(Protocol::kTcp, any_address(asker.socket), 30080), 0);
}

TEST_P(Bind, APortIsTakenInTheFamilyThatHasIt) {
  if (!asker.is_host || asker.socket != asker.address) GTEST_SKIP() << "the host's matter";
  const Family other = family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4;
  const Client socket(world->node, other, Protocol::kTcp);
  if (other == Family::kIpv6) {
    ASSERT_EQ(socket.set_v6_only(), 0);
  }
  EXPECT_EQ(socket.bind({addresses_of(other).node, 30080}), 0);
}

INSTANTIATE_TEST_SUITE_P(, Bind, testing::ValuesIn(kAskers),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace fairlead::test
