// Routes that the kernel is not asked for again: for whom, how long, and when not at all.
//
//   a flow begins -> the route to its backend becomes another -> a flow begins: which way?
#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <functional>
#include <thread>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

std::uint32_t now_ticks() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const auto ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                  static_cast<std::uint64_t>(now.tv_nsec);
  return static_cast<std::uint32_t>(ns >> FL_TICK_SHIFT);
}

void ip(const std::string& arguments) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  ASSERT_EQ(std::system(("ip " + arguments).c_str()), 0) << arguments;
}

class KnownRoutesTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    publish_external();
    set_route(world.other_node);
  }
  void TearDown() override {
    if (!IsSkipped()) set_route(world.other_node);
  }

  /// To the remote backends.
  void set_route(const Ip& via) const {
    ip(fmt::format("route replace {} via {}", is_v6() ? "fd44:2::/64" : "10.244.2.0/24",
                   to_string(via)));
  }
  void set_route_by_router() const { set_route(is_v6() ? "fd01::fe"_ip : "192.168.1.254"_ip); }

  /// A new flow's first packet, and where it goes.
  Mac next_hop_of(const Packet& sent, std::uint32_t interface = kEth0) {
    const bool from_wire = interface == kEth0;
    const Outcome outcome =
        node().arrive(bytes_of(sent), from_wire ? GetParam().ingress : Ingress::kTc, interface);
    const Packet forwarded = packet_of(outcome);
    EXPECT_EQ(forwarded.to, remote());
    return forwarded.to_mac;
  }
  Mac next_hop_of_new_flow() { return next_hop_of(from_client(external(), port_++)); }

  /// A flow begins, the route changes, and then `second` is one within the same tick.
  Mac second_within_a_tick(const std::function<Mac()>& second) {
    while (true) {
      set_route(world.other_node);
      const std::uint32_t tick = now_ticks();
      EXPECT_EQ(next_hop_of_new_flow(), kOtherMac);
      set_route_by_router();
      const Mac found = second();
      if (now_ticks() == tick || HasFailure()) return found;
      wait_for_next_tick();
    }
  }
  static void wait_for_next_tick() {
    for (const std::uint32_t tick = now_ticks(); now_ticks() == tick;) std::this_thread::yield();
  }

  std::uint16_t port_ = 41000;
};
FAIRLEAD_ALL_PATHS(KnownRoutesTest);

TEST_P(KnownRoutesTest, NextFlowToADestinationGoesByTheRouteThatIsKnownForOneTick) {
  EXPECT_EQ(second_within_a_tick([&] { return next_hop_of_new_flow(); }), kOtherMac);
  set_route_by_router();
  wait_for_next_tick();
  EXPECT_EQ(next_hop_of_new_flow(), kRouterMac);
}

TEST_P(KnownRoutesTest, FlowsUnderWayAreNotAskedForEither) {
  const Packet first = from_client(external(), 40000);
  EXPECT_EQ(second_within_a_tick([&] {
              const Mac found = next_hop_of(first);
              EXPECT_EQ(next_hop_of(first.with_flags(kAck).with_payload("more")), found);
              return found;
            }),
            kOtherMac);
}

TEST_P(KnownRoutesTest, WithoutTheAgentsWordEachFlowIsAskedFor) {
  tables().config().plain_routes_until = 0;
  EXPECT_EQ(second_within_a_tick([&] { return next_hop_of_new_flow(); }), kRouterMac);
}

TEST_P(KnownRoutesTest, TheAgentsWordHoldsUntilItIsOver) {
  const auto next_hop_with = [&](std::uint32_t ticks_left) {
    return second_within_a_tick([&] {
      tables().config().plain_routes_until = now_ticks() + ticks_left;
      const Mac found = next_hop_of_new_flow();
      tables().config().plain_routes_until = ~0U;
      return found;
    });
  };
  EXPECT_EQ(next_hop_with(0), kRouterMac);
  EXPECT_EQ(next_hop_with(1), kOtherMac);
}

TEST_P(KnownRoutesTest, AnotherIngressInterfaceIsAskedForByItself) {
  EXPECT_EQ(second_within_a_tick([&] { return next_hop_of(from_pod(external(), port_++), kPod0); }),
            kRouterMac);
}

TEST_P(KnownRoutesTest, ForwardingThatIsOffByTheIngressInterfaceIsNotPassedBy) {
  const std::string setting =
      fmt::format("sysctl -qw net.{}.conf.pod0.forwarding=", is_v6() ? "ipv6" : "ipv4");
  // NOLINTBEGIN(concurrency-mt-unsafe)
  ASSERT_EQ(std::system((setting + "0").c_str()), 0);
  EXPECT_EQ(next_hop_of_new_flow(), kOtherMac);
  const Outcome outcome = arrive_from_pod(from_pod(external()));
  ASSERT_EQ(std::system((setting + "1").c_str()), 0);
  // NOLINTEND(concurrency-mt-unsafe)
  EXPECT_EQ(outcome.fate, Fate::kPassed) << "the stack knows what to do with it";
}

TEST_P(KnownRoutesTest, PacketThatDoesNotFitThroughAKnownRouteIsAnswered) {
  EXPECT_EQ(next_hop_of_new_flow(), kOtherMac);
  EXPECT_EQ(next_hop_of_new_flow(), kOtherMac);
  const Packet large = from_client(external(), 40000).with_payload(std::string(1550, 'x'));
  const Outcome outcome = arrive(large);
  EXPECT_NE(outcome.fate, Fate::kPassed);
  EXPECT_EQ(tables().drops(FL_DROP_TOO_BIG), 1U);
  EXPECT_EQ(next_hop_of_new_flow(), kOtherMac);
}

TEST_P(KnownRoutesTest, WhatIsKnownOfALocalPodIsThatItsLinkLeadsIntoIt) {
  tables().publish(external(), protocol(), tables().add(service_with({}, {local()})),
                   all_scopes(FL_ACTION_FORWARD));
  for (int i = 1; i <= 4; ++i) {
    const Packet sent = from_client(external(), port_++);
    expect_at_local_pod(sent, local());
    EXPECT_EQ(tables().counter(FL_COUNT_TO_PEER), static_cast<std::uint64_t>(i));
  }
}

TEST_P(KnownRoutesTest, ExplainAsksTheKernelAndKeepsNothing) {
  const std::string before = tables().snapshot();
  EXPECT_EQ(node().explain(bytes_of(from_client(external())), kEth0).interface, kEth0);
  EXPECT_EQ(tables().snapshot(), before);
}

class KnownIpv6RoutesTest : public KnownRoutesTest {};
INSTANTIATE_TEST_SUITE_P(
    , KnownIpv6RoutesTest,
    ::testing::Values(PathParameter{Family::kIpv6, Protocol::kTcp, Ingress::kXdp},
                      PathParameter{Family::kIpv6, Protocol::kUdp, Ingress::kTc}),
    [](const auto& i) { return to_string(i.param); });

TEST_P(KnownIpv6RoutesTest, AddressThatReadsAsIpv4DoesNotGoByItsRoute) {
  const World v4(Family::kIpv4);
  const auto block = tables().add(service_with({{v4.remote_pods[0], 8080}}));
  tables().publish(external(), protocol(), block, {});
  tables().publish({v4.external_ip, 80}, protocol(), block, {});
  Packet known = from_client({v4.external_ip, 80});
  known.from.ip = v4.client;
  EXPECT_EQ(packet_of(arrive(known)).to_mac, kOtherMac);
  EXPECT_EQ(packet_of(arrive(from_client(external()))).to_mac, kRouterMac)
      << "IPv6's default route";
}

}  // namespace
}  // namespace fairlead::test
