// Clients of a generation that drains leave a UDP backend that serves no more; those of TCP stay.
#include <gmock/gmock.h>

#include <cerrno>
#include <chrono>
#include <deque>

#include "tests/netns/ebpf/generation_fixture.hpp"

namespace fairlead::test {
namespace {

constexpr std::uint32_t kFlows = 1 << 10, kMoreFlows = 1 << 11;

class Draining : public GenerationTest {
 protected:
  void SetUp() override {
    GenerationTest::SetUp();
    if (testing::Test::IsSkipped() || testing::Test::HasFatalFailure()) return;
    start_agent(kFlows, plan_to("pod1"));
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
      outside.emplace_back(world->ext, at.node, Port{30080}, protocol);
    for (const Namespace* where : {&world->node, &world->pod2}) {
      const Client& tcp_socket = tcp.emplace_back(*where, family(), Protocol::kTcp);
      ASSERT_EQ(tcp_socket.connect(service_), 0);
      ASSERT_EQ(tcp_socket.receive().server, "pod1");
      ASSERT_EQ(connected.emplace_back(*where, family(), Protocol::kUdp).connect(service_), 0);
      unconnected.emplace_back(*where, family(), Protocol::kUdp);
    }
    expect_all_at_pod1();
  }
  void TearDown() override {
    if (nftables != nullptr) {
      EXPECT_TRUE(nftables->cleanup());
    }
    GenerationTest::TearDown();
  }

  void expect_tcp_at_pod1() {
    EXPECT_EQ(outside[0].ask().server, "pod1");
    for (const Client& socket : tcp) EXPECT_EQ(socket.ask().server, "pod1");
  }
  void expect_all_at_pod1() {
    expect_tcp_at_pod1();
    EXPECT_EQ(outside[1].ask().server, "pod1");
    for (const Client& socket : connected) EXPECT_EQ(socket.ask().server, "pod1");
    for (const Client& socket : unconnected) EXPECT_EQ(socket.ask(service_).server, "pod1");
  }
  /// A moment later: by then sockets have ended, and flows are closed.
  void expect_udp_leaves_pod1() {
    for (const Client& socket : connected) EXPECT_EQ(socket.receive().error, ECONNABORTED);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto reaches_far = [&](const auto& ask) {
      while (std::chrono::steady_clock::now() < deadline)
        if (ask() == "far") return true;
      return false;
    };
    for (const Client& socket : unconnected) {
      EXPECT_TRUE(reaches_far([&] { return socket.ask(service_).server; }));
      EXPECT_EQ(socket.ask(service_).server, "far");
    }
    EXPECT_TRUE(reaches_far([&] { return outside[1].ask().server; }));
    EXPECT_EQ(outside[1].ask().server, "far");
    for (const Client& socket : connected) {
      EXPECT_EQ(socket.connect(service_), 0);
      EXPECT_EQ(socket.ask().server, "far");
    }
  }

  const Endpoint service_{at.service, 80};
  std::vector<Connection> outside;
  std::deque<Client> tcp, connected, unconnected;
  std::unique_ptr<Datapath> nftables;
};

TEST_P(Draining, ABackendThatServesNoMoreIsLeftByUdpAndKeptByTcp) {
  start_agent(kMoreFlows, plan_to("far", {at.pod1}));
  ASSERT_EQ(generations().size(), 2U);
  expect_all_at_pod1();
  apply(plan_to("far").services.at({"default", "udp"}).front());
  expect_udp_leaves_pod1();
  expect_tcp_at_pod1();
  EXPECT_THAT(reported, testing::IsEmpty());
}

TEST_P(Draining, ADeletedServiceIsLeftByUdpAndKeptByTcp) {
  start_agent(kMoreFlows, plan_to("far", {at.pod1}));
  expect_all_at_pod1();
  remove("udp");
  for (const Client& socket : connected) EXPECT_EQ(socket.receive().error, ECONNABORTED);
  // Who says that it is gone is the generation that came after.
  for (const Client& socket : unconnected) EXPECT_EQ(socket.send_to(service_), ECONNREFUSED);
  expect_tcp_at_pod1();
}

TEST_P(Draining, WhatEndedWhileNoAgentRanIsFoundAtStart) {
  start_agent(kMoreFlows, plan_to("far"));
  ASSERT_EQ(generations().size(), 2U);
  expect_udp_leaves_pod1();
  expect_tcp_at_pod1();
  EXPECT_THAT(reported, testing::IsEmpty());
}

TEST_P(Draining, UnderNftablesABackendThatServesNoMoreIsLeftToo) {
  datapath.reset();
  nftables = open_datapath(DatapathKind::kNftables);
  ASSERT_TRUE(nftables->resync(plan_to("far", {at.pod1})));
  const auto former = open(kFlows);
  EXPECT_FALSE(former->drain(plan_to("far", {at.pod1})).value());
  expect_all_at_pod1();
  ASSERT_TRUE(nftables->resync(plan_to("far")));
  EXPECT_FALSE(former->drain(plan_to("far")).value());
  expect_udp_leaves_pod1();
  expect_tcp_at_pod1();
  EXPECT_THAT(reported, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(, Draining, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& param) {
                           return param.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

}  // namespace
}  // namespace fairlead::test
