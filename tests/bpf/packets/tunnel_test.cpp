// Through the VXLAN tunnel without its device: which bytes go out of the underlay's link, what of
// those that come in is opened, and what is left to the device.
#include <arpa/inet.h>

#include <algorithm>
#include <functional>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kTos = 15, kIdentification = 18, kFragment = 20, kUdpSource = 34,
                      kUdpChecksum = 40, kVxlanFlags = 42, kVni = 46;
constexpr std::uint32_t kVniOfOurs = 201;

std::uint16_t number_at(const Frame& frame, std::size_t offset) {
  return static_cast<std::uint16_t>(frame.at(offset) << 8 | frame.at(offset + 1));
}
void put(Frame& frame, std::size_t offset, std::initializer_list<std::uint8_t> bytes) {
  std::ranges::copy(bytes, frame.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// IPv4's header checksum, written anew.
void fix_checksum(Frame& frame) {
  put(frame, 24, {0, 0});
  std::uint32_t sum = 0;
  for (std::size_t at = 14; at < 34; at += 2) sum += number_at(frame, at);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  put(frame, 24, {static_cast<std::uint8_t>(~sum >> 8), static_cast<std::uint8_t>(~sum)});
}

struct Outer {
  Packet packet;  // UDP; its payload is filled in
  std::uint32_t vni = kVniOfOurs;
};

/// `inner` as a VXLAN device of `outer.packet.from` sends it: without a UDP checksum.
Frame wrap(Outer outer, const Frame& inner) {
  const std::string header{8,
                           0,
                           0,
                           0,
                           static_cast<char>(outer.vni >> 16),
                           static_cast<char>(outer.vni >> 8),
                           static_cast<char>(outer.vni),
                           0};
  outer.packet.payload = header + std::string(inner.begin(), inner.end());
  Frame frame = bytes_of(outer.packet);
  put(frame, kUdpChecksum, {0, 0});
  return frame;
}

class TunnelTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    tables().add_pod_network(world.pods);
    tables().add_pod_network(world.tunnelled_pods);
    tables().add_pod_network({world.remote_pods[0], static_cast<std::uint8_t>(is_v6() ? 64 : 24)});
    tables().add_pod(world.local_pod, kPod0);
    fl_tunnel tunnel{.interface = kVx0,
                     .underlay = kEth0,
                     .local = htonl(0xc0a80101),
                     .vni = htonl(kVniOfOurs << 8),
                     .port = htons(4789),
                     .mac = {}};
    std::ranges::copy(kVx0Mac, tunnel.mac);
    tables().set_tunnel(tunnel);
    tables().add_tunnel_node(kOtherVx0Mac, "192.168.1.2"_ip);
  }

  [[nodiscard]] Packet to_tunnelled() const {
    return from_pod({world.tunnelled_pod, 8080}).with_flags(kAck);
  }
  /// As the other node's device puts it into the tunnel.
  [[nodiscard]] Packet from_tunnelled() const {
    return from_client(local())
        .with_flags(kAck)
        .with_from({world.tunnelled_pod, 45000})
        .with_macs(kOtherVx0Mac, kVx0Mac);
  }
  [[nodiscard]] static Outer from_other_node() {
    Outer outer;
    outer.packet.from_mac = kOtherMac;
    outer.packet.to_mac = kEth0Mac;
    outer.packet.from = {"192.168.1.2"_ip, 50000};
    outer.packet.to = {"192.168.1.1"_ip, 4789};
    outer.packet.protocol = Protocol::kUdp;
    outer.packet.dont_fragment = false;
    return outer;
  }
  [[nodiscard]] Frame arriving() const {
    return wrap(from_other_node(), bytes_of(from_tunnelled()));
  }
  [[nodiscard]] static std::uint64_t forwarded() {
    return tables().counter(FL_COUNT_PODS_FORWARDED);
  }
  void expect_left_to_device(const Frame& frame) {
    const auto before = forwarded();
    for (int i = 0; i < 2; ++i) {
      const Outcome outcome = node().arrive(frame, Ingress::kTc, kEth0);
      EXPECT_EQ(outcome.fate, Fate::kPassed) << to_string(outcome.fate);
      EXPECT_EQ(hex(outcome.frame), hex(frame));
    }
    EXPECT_EQ(forwarded(), before);
  }
  void expect_opened(const Frame& frame) {
    expect_redirected(node().arrive(frame, Ingress::kTc, kEth0),
                      from_tunnelled().with_hops(63).with_macs(kPod0Mac, kPodMac));
  }
  /// An arriving frame with something changed.
  [[nodiscard]] Frame arriving_but(const std::function<void(Frame&)>& change) const {
    Frame frame = arriving();
    change(frame);
    fix_checksum(frame);
    return frame;
  }
};
FAIRLEAD_ALL_PATHS(TunnelTest);

TEST_P(TunnelTest, APodsPacketLeavesAsVxlan) {
  for (std::uint16_t round = 1; round <= 2; ++round) {
    const Outcome outcome = arrive_from_pod(to_tunnelled());
    ASSERT_EQ(outcome.fate, Fate::kRedirected) << to_string(outcome.fate);
    Outer outer = from_other_node();
    outer.packet.from_mac = kEth0Mac;
    outer.packet.to_mac = kOtherMac;
    // The flow's own; what follows says that it stays.
    outer.packet.from = {"192.168.1.1"_ip, number_at(outcome.frame, kUdpSource)};
    outer.packet.to = {"192.168.1.2"_ip, 4789};
    outer.packet.id = number_at(outcome.frame, kIdentification);
    EXPECT_GE(outer.packet.from.port, 0xc000);
    const Packet inner = to_tunnelled().with_hops(63).with_macs(kVx0Mac, kOtherVx0Mac);
    EXPECT_EQ(hex(outcome.frame), hex(wrap(outer, bytes_of(inner))));
  }
  EXPECT_EQ(forwarded(), 2U);
}

TEST_P(TunnelTest, EachPacketOfAFlowHasTheSamePortAndAnotherIdentification) {
  const Frame first = arrive_from_pod(to_tunnelled()).frame;
  const Frame second = arrive_from_pod(to_tunnelled()).frame;
  const Frame other =
      arrive_from_pod(from_pod({world.tunnelled_pod, 8080}, 40001).with_flags(kAck)).frame;
  EXPECT_EQ(number_at(first, kUdpSource), number_at(second, kUdpSource));
  EXPECT_NE(number_at(first, kUdpSource), number_at(other, kUdpSource));
  EXPECT_NE(number_at(first, kIdentification), number_at(second, kIdentification));
}

TEST_P(TunnelTest, CongestionInsideIsNotToldAsMetOnTheWay) {
  const auto outer_tos = [&](std::uint8_t ecn) {
    Frame frame = bytes_of(to_tunnelled());
    if (is_v6())
      put(frame, kTos, {static_cast<std::uint8_t>(ecn << 4)});
    else {
      put(frame, kTos, {ecn});
      fix_checksum(frame);
    }
    return node().arrive(frame, Ingress::kTc, kPod0).frame.at(kTos);
  };
  EXPECT_EQ(outer_tos(0), 0);
  EXPECT_EQ(outer_tos(1), 1);
  EXPECT_EQ(outer_tos(2), 2);
  EXPECT_EQ(outer_tos(3), 2);
}

TEST_P(TunnelTest, WhatDoesNotFitIsTheStacks) {
  const std::size_t header = (is_v6() ? 40U : 20U) + (is_tcp() ? 20U : 8U);
  const auto sent = [&](std::size_t bytes) {
    return node().arrive(bytes_of(to_tunnelled().with_payload(std::string(bytes - header, 'x'))),
                         Ingress::kTc, kPod0);
  };
  EXPECT_EQ(sent(1450).fate, Fate::kRedirected);
  EXPECT_EQ(sent(1451).fate, Fate::kPassed);
}

TEST_P(TunnelTest, WithoutTheOtherNodesDeviceOursDoesItsWork) {
  tables().add_tunnel_node(kOtherVx0Mac, "0.0.0.0"_ip);
  const Outcome outcome = arrive_from_pod(to_tunnelled());
  expect_redirected(outcome, to_tunnelled().with_hops(63).with_macs(kVx0Mac, kOtherVx0Mac));
}

TEST_P(TunnelTest, WhatArrivesIsOpenedForThePod) {
  if (is_v6()) {
    expect_left_to_device(arriving());  // it would stay an IPv4 packet for the kernel
    return;
  }
  for (int i = 0; i < 2; ++i) expect_opened(arriving());
  EXPECT_EQ(forwarded(), 2U);
}

TEST_P(TunnelTest, OnlyTheNodeOfTheSendingPodIsBelieved) {
  Outer stranger = from_other_node();
  stranger.packet.from.ip = "192.168.1.3"_ip;
  expect_left_to_device(wrap(stranger, bytes_of(from_tunnelled())));
  for (const Ip& source : {world.remote_pods[0], world.local_pod, world.client})
    expect_left_to_device(
        wrap(from_other_node(), bytes_of(from_tunnelled().with_from({source, 45000}))));
}

TEST_P(TunnelTest, OnlyPodsOfThisNodeGetWhatArrives) {
  for (const Ip& destination : {world.remote_pods[0], world.node, world.cluster_ip})
    expect_left_to_device(
        wrap(from_other_node(), bytes_of(from_tunnelled().with_to({destination, 80}))));
}

TEST_P(TunnelTest, WhatIsNotOfOurTunnelIsLeftToItsOwner) {
  Outer other = from_other_node();
  other.vni = kVniOfOurs + 1;
  expect_left_to_device(wrap(other, bytes_of(from_tunnelled())));
  other = from_other_node();
  other.packet.to.port = 8472;
  expect_left_to_device(wrap(other, bytes_of(from_tunnelled())));
  other = from_other_node();
  other.packet.to.ip = "192.168.1.9"_ip;
  expect_left_to_device(wrap(other, bytes_of(from_tunnelled())));
  expect_left_to_device(
      wrap(from_other_node(), bytes_of(from_tunnelled().with_macs(kOtherVx0Mac, kOtherMac))));
}

TEST_P(TunnelTest, WhatTheDeviceHasToSeeToIsLeftToIt) {
  expect_left_to_device(arriving_but([](Frame& f) { put(f, kUdpChecksum, {0x12, 0x34}); }));
  expect_left_to_device(arriving_but([](Frame& f) { put(f, kTos, {3}); }));
  expect_left_to_device(arriving_but([](Frame& f) { put(f, kFragment, {0x20, 0}); }));
  expect_left_to_device(arriving_but([](Frame& f) { put(f, kVxlanFlags, {0}); }));
  expect_left_to_device(arriving_but([](Frame& f) { put(f, kVni + 3, {1}); }));
}

TEST_P(TunnelTest, LengthsThatDoNotAgreeAreLeftToTheDevice) {
  // The outer header says less, or the frame ends before what it says.
  expect_left_to_device(
      arriving_but([](Frame& f) { put(f, 17, {static_cast<std::uint8_t>(f[17] - 1)}); }));
  Frame cut = arriving();
  cut.pop_back();
  expect_left_to_device(cut);
  for (std::size_t bytes = kEthernetBytes + 20; bytes < arriving().size(); ++bytes) {
    Frame shorter = arriving();
    shorter.resize(bytes);
    expect_left_to_device(shorter);
  }
}

TEST_P(TunnelTest, ALastHopIsTheStacks) {
  expect_left_to_device(wrap(from_other_node(), bytes_of(from_tunnelled().with_hops(1))));
  const Outcome outcome = arrive_from_pod(to_tunnelled().with_hops(1));
  EXPECT_EQ(outcome.fate, Fate::kPassed);
}

TEST_P(TunnelTest, WhatComesByAnotherLinkIsNotLookedInto) {
  const Outcome outcome = node().arrive(arriving(), Ingress::kTc, kPod1);
  EXPECT_EQ(outcome.fate, Fate::kPassed);
  EXPECT_EQ(hex(outcome.frame), hex(arriving()));
}

TEST_P(TunnelTest, ATunnelThatIsGoneIsNotUsed) {
  if (!is_v6()) expect_opened(arriving());
  ASSERT_EQ(arrive_from_pod(to_tunnelled()).fate, Fate::kRedirected);
  tables().set_tunnel({});
  expect_left_to_device(arriving());
  expect_redirected(arrive_from_pod(to_tunnelled()),
                    to_tunnelled().with_hops(63).with_macs(kVx0Mac, kOtherVx0Mac));
}

}  // namespace
}  // namespace fairlead::test
