// From pod to pod: which packets go past the host's stack, as which bytes, and which are left to
// it. Those that arrive from the other node come by eth0.
#include <cstdlib>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class PodsTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    tables().add_pod_network(world.pods);
    tables().add_pod_network({world.remote_pods[0], static_cast<std::uint8_t>(is_v6() ? 64 : 24)});
    tables().add_pod(world.local_pod, kPod0);
    tables().add_pod(world.neighbour, kPod1);
  }

  [[nodiscard]] Packet to_neighbour() const {
    return from_pod({world.neighbour, 8080}).with_flags(kAck);
  }
  [[nodiscard]] Packet to_remote() const { return from_pod(remote()).with_flags(kAck); }
  /// As the other node hands it to this one.
  [[nodiscard]] Packet from_remote() const {
    return from_client(local()).with_flags(kAck).with_from(remote()).with_macs(kOtherMac, kEth0Mac);
  }
  /// The local pod's.
  [[nodiscard]] Packet answer_to_neighbour(std::uint8_t flags) const {
    return from_pod({world.neighbour, 45001}).with_flags(flags).with_from(local());
  }
  static void run(const std::string& command) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0) << command;
  }
  static void empty_conntrack() { run("conntrack -F"); }
  /// The neighbour asked for a port of the node, which conntrack translates to the local pod's.
  void give_to_conntrack(const Packet& answer) const {
    run("conntrack -I -p " + std::string(is_tcp() ? "tcp --state ESTABLISHED" : "udp") + " -s " +
        to_string(answer.to.ip) + " -d " + to_string(world.node) + " --sport " +
        std::to_string(answer.to.port) + " --dport " + std::to_string(answer.from.port) +
        " --dst-nat " + to_string(answer.from.ip) + " --timeout 100");
  }
  [[nodiscard]] static Packet at_neighbour(const Packet& sent) {
    return sent.with_hops(static_cast<std::uint8_t>(sent.hops - 1))
        .with_macs(kPod1Mac, kNeighbourMac);
  }
  [[nodiscard]] static Packet at_other_node(const Packet& sent) {
    return sent.with_hops(63).with_macs(kEth0Mac, kOtherMac);
  }
  [[nodiscard]] static std::uint64_t forwarded() {
    return tables().counter(FL_COUNT_PODS_FORWARDED);
  }
  /// Once judged, and once more as judged before.
  void expect_from_pod(const Packet& sent, const Packet& expected) {
    const auto before = forwarded();
    for (int i = 0; i < 2; ++i) expect_redirected(arrive_from_pod(sent), expected);
    EXPECT_EQ(forwarded(), before + 2);
  }
  void expect_left_to_stack(const Packet& sent, std::uint32_t interface = kPod0) {
    const auto before = forwarded();
    for (int i = 0; i < 2; ++i)
      expect_passed_untouched(node().arrive(bytes_of(sent), Ingress::kTc, interface), sent);
    EXPECT_EQ(forwarded(), before);
  }
};
FAIRLEAD_ALL_PATHS(PodsTest);

TEST_P(PodsTest, GoFromLinkToLinkOnOneNode) {
  expect_from_pod(to_neighbour(), at_neighbour(to_neighbour()));
  const Packet large = to_neighbour().with_payload(std::string(1000, 'x'));
  expect_from_pod(large, at_neighbour(large));
}

TEST_P(PodsTest, FirstPacketsOfConnectionsAreForwardedToo) {
  const Packet sent = to_neighbour().with_flags(kSyn);
  expect_from_pod(sent, at_neighbour(sent));
}

TEST_P(PodsTest, GoToTheNodeOfARemotePod) {
  expect_from_pod(to_remote(), at_other_node(to_remote()));
}

TEST_P(PodsTest, ArriveFromTheNodeOfARemotePod) {
  for (int i = 0; i < 2; ++i)
    expect_redirected(arrive(from_remote()),
                      from_remote().with_hops(63).with_macs(kPod0Mac, kPodMac));
  EXPECT_EQ(forwarded(), 2U);
}

TEST_P(PodsTest, ALastHopIsTheStacksWhichAnswers) {
  expect_left_to_stack(to_neighbour().with_hops(1));
  expect_left_to_stack(to_neighbour().with_hops(0));
  const Packet two = to_neighbour().with_hops(2);
  expect_from_pod(two, at_neighbour(two));
}

TEST_P(PodsTest, WhatIsTooLargeIsTheStacksAndWhatFitsAfterItIsNot) {
  const std::size_t header = (is_v6() ? 40U : 20U) + (is_tcp() ? 20U : 8U);
  const Packet most = to_neighbour().with_payload(std::string(1400 - header, 'x'));
  const Packet more = to_neighbour().with_payload(std::string(1401 - header, 'x'));
  expect_left_to_stack(more);
  expect_from_pod(most, at_neighbour(most));
  expect_left_to_stack(more);
}

TEST_P(PodsTest, AnotherSourceThanThePodsOwnIsTheStacks) {
  for (const Ip& source : {world.other_local_pod, world.neighbour, world.remote_pods[1]})
    expect_left_to_stack(to_neighbour().with_from({source, 40000}).with_to(remote()));
}

TEST_P(PodsTest, ALocalPodsAddressFromOutsideIsTheStacks) {
  expect_left_to_stack(from_remote().with_from({world.neighbour, 40000}), kEth0);
}

TEST_P(PodsTest, WhatIsNotBetweenPodsIsTheStacks) {
  expect_left_to_stack(from_pod({world.client, 80}).with_flags(kAck));
  expect_left_to_stack(from_pod({world.other_node, 80}).with_flags(kAck));
  expect_left_to_stack(from_client(local()).with_flags(kAck), kEth0);
}

TEST_P(PodsTest, FramesForOthersOnTheLinkAreLeftToThem) {
  expect_left_to_stack(to_neighbour().with_macs(kPodMac, kOtherMac));
}

TEST_P(PodsTest, WhatAShapedPodSendsIsCountedByTheStack) {
  tables().add_pod(world.local_pod, kPod0, FL_POD_SHAPED);
  expect_left_to_stack(to_neighbour());
}

TEST_P(PodsTest, AShapedPodGetsItsPacketsByItsLink) {
  tables().add_pod(world.neighbour, kPod1, FL_POD_SHAPED);
  expect_from_pod(to_neighbour(), at_neighbour(to_neighbour()));
}

TEST_P(PodsTest, WithoutPodsOrByWishTheStackHasAll) {
  tables().config().forward_by_stack = 1;
  expect_left_to_stack(to_neighbour());
  tables().config().forward_by_stack = 0;
  expect_from_pod(to_neighbour(), at_neighbour(to_neighbour()));
  tables().config().mode = FL_MODE_DRAINING;
  expect_left_to_stack(to_neighbour());
  tables().config().mode = FL_MODE_ACTIVE;
  tables().config().pods_epoch = 0;
  expect_left_to_stack(to_neighbour());
}

TEST_P(PodsTest, AnotherLinkOfAPodHoldsAtOnce) {
  expect_from_pod(to_neighbour(), at_neighbour(to_neighbour()));
  tables().add_pod(world.neighbour, kPod0);  // the route says otherwise
  expect_left_to_stack(to_neighbour());
  tables().add_pod(world.neighbour, kPod1);
  expect_from_pod(to_neighbour(), at_neighbour(to_neighbour()));
}

TEST_P(PodsTest, ServicesComeFirst) {
  publish_external();
  const Packet sent = from_pod(external());
  const Packet forwarded = packet_of(arrive_from_pod(sent));
  EXPECT_EQ(to_string(forwarded.to), to_string(remote()));
  const Packet answer = answer_of(forwarded);
  EXPECT_EQ(to_string(packet_of(arrive(answer)).from), to_string(external()));
}

TEST_P(PodsTest, WhatConntrackTranslatesIsTheStacks) {
  const Packet answer = answer_to_neighbour(kAck);
  empty_conntrack();
  expect_from_pod(answer, at_neighbour(answer));
  give_to_conntrack(answer);
  tables().add_pod(world.local_pod, kPod0);  // as after a tick
  expect_left_to_stack(answer);
  const Packet other = answer.with_from({world.local_pod, 8081});
  expect_from_pod(other, at_neighbour(other));
}

class PodConnectionsTest : public PodsTest {};
FAIRLEAD_PATHS_OF(PodConnectionsTest, Protocol::kTcp);

TEST_P(PodConnectionsTest, ConntrackIsAskedForEachBeginningOfAConnection) {
  const Packet answer = answer_to_neighbour(kSyn | kAck);
  empty_conntrack();
  expect_from_pod(answer, at_neighbour(answer));
  give_to_conntrack(answer);
  expect_left_to_stack(answer);
}

TEST_P(PodConnectionsTest, WhatConntrackWouldTranslateTheAnswersOfIsTheStacks) {
  const Packet opens = to_neighbour().with_flags(kSyn);
  empty_conntrack();
  expect_from_pod(opens, at_neighbour(opens));
  give_to_conntrack(answer_of(opens));
  expect_left_to_stack(opens);
}

TEST_P(PodsTest, ErrorsOfIcmpAndFragmentsAreTheStacks) {
  const IcmpError error{.from_mac = kPodMac,
                        .to_mac = kPod0Mac,
                        .from = world.local_pod,
                        .to = world.neighbour,
                        .type = static_cast<std::uint8_t>(is_v6() ? 1 : 3),
                        .code = static_cast<std::uint8_t>(is_v6() ? 4 : 3),
                        .quote = quote_of(bytes_of(to_neighbour()))};
  EXPECT_EQ(node().arrive(bytes_of(error), Ingress::kTc, kPod0).fate, Fate::kPassed);
  if (is_v6()) return;
  Frame fragment = bytes_of(to_neighbour());
  fragment[14 + 6] = 0x20;  // more fragments
  EXPECT_EQ(node().arrive(fragment, Ingress::kTc, kPod0).fate, Fate::kPassed);
  EXPECT_EQ(forwarded(), 0U);
}

TEST_P(PodsTest, EchoesAreForwarded) {
  IcmpError echo{.from_mac = kPodMac,
                 .to_mac = kPod0Mac,
                 .from = world.local_pod,
                 .to = world.neighbour,
                 .type = static_cast<std::uint8_t>(is_v6() ? 128 : 8),
                 .quote = Frame(56, 7)};
  const Outcome outcome = node().arrive(bytes_of(echo), Ingress::kTc, kPod0);
  echo.from_mac = kPod1Mac;
  echo.to_mac = kNeighbourMac;
  echo.hops = 63;
  EXPECT_EQ(outcome.fate, Fate::kRedirected);
  EXPECT_EQ(hex(outcome.frame), hex(bytes_of(echo)));
  EXPECT_EQ(forwarded(), 1U);
}

}  // namespace
}  // namespace fairlead::test
