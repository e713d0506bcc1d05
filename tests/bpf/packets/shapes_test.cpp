// Packets that are right, but not plain: options, extension headers, checksums left out, VLANs,
// fragments. What is translated keeps all of it.
#include <tins/tins.h>

#include <functional>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

constexpr std::size_t kEthernet = 14;

class ShapesTest : public PathTest {
 protected:
  using Shape = std::function<Frame(const Packet&)>;

  Outcome arrive_frame(const Frame& frame) const {
    return node().arrive(frame, GetParam().ingress);
  }
  /// A packet of this shape goes to the backend and its answer to the client, in the same shape.
  void expect_there_and_back(const Shape& shape) {
    publish_external();
    const Packet sent = from_client(external()).with_payload("some data");
    const Packet forwarded = expect_masqueraded(sent);  // a plain one tells the source port
    const Outcome outcome = arrive_frame(shape(sent));
    EXPECT_EQ(hex(outcome.frame), hex(shape(forwarded)));
    const Packet reply = answer_of(forwarded);
    const Outcome back = arrive_frame(shape(reply));
    EXPECT_EQ(hex(back.frame), hex(shape(to_client(reply, external(), sent.from))));
  }
  /// `frame` with `bytes` behind its IP header, whose fields follow.
  [[nodiscard]] static Frame with_inserted(Frame frame, std::size_t at, const Frame& bytes) {
    frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
    return frame;
  }
  [[nodiscard]] static Frame with_ipv4_checksum(Frame frame) {
    const std::size_t length = (frame[kEthernet] & 15U) * 4;
    frame[kEthernet + 10] = frame[kEthernet + 11] = 0;
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < length; i += 2)
      sum += static_cast<std::uint32_t>(frame[kEthernet + i] << 8 | frame[kEthernet + i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    frame[kEthernet + 10] = static_cast<std::uint8_t>(~sum >> 8);
    frame[kEthernet + 11] = static_cast<std::uint8_t>(~sum);
    return frame;
  }
};
FAIRLEAD_ALL_PATHS(ShapesTest);

TEST_P(ShapesTest, OptionsOfIpAreKept) {
  expect_there_and_back([this](const Packet& packet) {
    const Frame plain = bytes_of(packet);
    if (!is_v6()) {
      Frame frame = with_inserted(plain, kEthernet + 20, {0x94, 4, 0, 0, 1, 1, 1, 0});
      frame[kEthernet] = 0x47;
      frame[kEthernet + 3] = static_cast<std::uint8_t>(frame[kEthernet + 3] + 8);
      return with_ipv4_checksum(std::move(frame));
    }
    // Hop by hop, then destination options.
    Frame frame =
        with_inserted(plain, kEthernet + 40,
                      {60, 0, 1, 4, 0, 0, 0, 0, plain[kEthernet + 6], 0, 1, 4, 0, 0, 0, 0});
    frame[kEthernet + 6] = 0;
    frame[kEthernet + 5] = static_cast<std::uint8_t>(frame[kEthernet + 5] + 16);
    return frame;
  });
}

TEST_P(ShapesTest, PaddingIsKept) {
  expect_there_and_back([](const Packet& packet) {
    Frame frame = bytes_of(packet);
    frame.resize(frame.size() + 18, 0xa5);
    return frame;
  });
}

/// Only UDP over IPv4 may leave its checksum out.
class NoChecksumTest : public ShapesTest {};
INSTANTIATE_TEST_SUITE_P(
    , NoChecksumTest,
    ::testing::Values(PathParameter{Family::kIpv4, Protocol::kUdp, Ingress::kXdp},
                      PathParameter{Family::kIpv4, Protocol::kUdp, Ingress::kTc}),
    [](const auto& i) { return to_string(i.param); });

TEST_P(NoChecksumTest, WhatWasLeftOutIsStillLeftOut) {
  expect_there_and_back([](const Packet& packet) {
    Frame frame = bytes_of(packet);
    frame[kEthernet + 26] = frame[kEthernet + 27] = 0;
    return frame;
  });
}

TEST_P(ShapesTest, TaggedFramesAreLeftAlone) {
  publish_external();
  Packet sent = from_client(external());
  sent.vlan = 5;
  expect_passed_untouched(arrive(sent), sent);
}

TEST_P(ShapesTest, EveryPayloadKeepsARightChecksum) {
  publish_external();
  Packet sent = from_client(external());
  sent.tcp_flags = kAck;
  std::string data;
  for (int i = 0; i < 300; ++i) {
    data += static_cast<char>(i * 37);
    std::string why;
    const Outcome outcome = arrive(sent.with_payload(data));
    ASSERT_TRUE(is_well_formed(outcome.frame, &why)) << why;
  }
}

class FragmentsTest : public ShapesTest {
 protected:
  static constexpr std::size_t kPiece = 64;

  /// The packet's IP payload in pieces of 64 bytes.
  [[nodiscard]] std::vector<Frame> fragments_of(const Packet& packet, std::uint32_t id = 77) const {
    const Frame whole = bytes_of(packet);
    const std::size_t header = kEthernet + (is_v6() ? 40 : 20);
    const Frame body(whole.begin() + static_cast<std::ptrdiff_t>(header), whole.end());
    std::vector<Frame> fragments;
    for (std::size_t at = 0; at < body.size(); at += kPiece) {
      const std::size_t length = std::min(kPiece, body.size() - at);
      const bool more = at + length < body.size();
      Frame frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(header));
      if (is_v6()) {
        const auto offset = static_cast<std::uint16_t>(at | more);
        const Frame extension{whole[kEthernet + 6],
                              0,
                              static_cast<std::uint8_t>(offset >> 8),
                              static_cast<std::uint8_t>(offset),
                              0,
                              0,
                              static_cast<std::uint8_t>(id >> 8),
                              static_cast<std::uint8_t>(id)};
        frame.insert(frame.end(), extension.begin(), extension.end());
        frame[kEthernet + 6] = 44;
        frame[kEthernet + 4] = 0;
        frame[kEthernet + 5] = static_cast<std::uint8_t>(length + 8);
      } else {
        const auto offset = static_cast<std::uint16_t>(at / 8 | (more ? 0x2000U : 0U));
        frame[kEthernet + 2] = 0;
        frame[kEthernet + 3] = static_cast<std::uint8_t>(length + 20);
        frame[kEthernet + 4] = static_cast<std::uint8_t>(id >> 8);
        frame[kEthernet + 5] = static_cast<std::uint8_t>(id);
        frame[kEthernet + 6] = static_cast<std::uint8_t>(offset >> 8);
        frame[kEthernet + 7] = static_cast<std::uint8_t>(offset);
        frame = with_ipv4_checksum(std::move(frame));
      }
      frame.insert(frame.end(), body.begin() + static_cast<std::ptrdiff_t>(at),
                   body.begin() + static_cast<std::ptrdiff_t>(at + length));
      fragments.push_back(std::move(frame));
    }
    return fragments;
  }
  [[nodiscard]] Packet long_packet(const Endpoint& to) const {
    Packet sent = from_client(to).with_flags(kAck | kPsh).with_payload(std::string(200, 'f'));
    sent.dont_fragment = false;
    return sent;
  }
  void publish_cluster_ip() {
    tables().publish({world.cluster_ip, 80}, protocol(), tables().add(service_with({remote()})),
                     {});
    tables().mark(world.cluster_ip, FL_ADDRESS_CLUSTER_IP);
  }
};
FAIRLEAD_ALL_PATHS(FragmentsTest);

TEST_P(FragmentsTest, AllFragmentsGoWhereTheFirstWentAndBack) {
  publish_external(4);
  Packet sent = long_packet(external());
  const Packet forwarded = expect_masqueraded(sent);
  const auto expect_all = [this](const Packet& before, const Packet& after) {
    const auto in = fragments_of(before);
    const auto out = fragments_of(after);
    ASSERT_GE(in.size(), 4U);
    for (std::size_t i = 0; i < in.size(); ++i)
      EXPECT_EQ(hex(arrive_frame(in[i]).frame), hex(out[i])) << "fragment " << i;
  };
  expect_all(sent, forwarded);
  Packet reply = forwarded.answered(std::string(300, 'r'));
  expect_all(reply, to_client(reply, external(), sent.from));
}

TEST_P(FragmentsTest, DatagramsOfTheSameHostsAreToldApartByTheirId) {
  publish_external();
  const Packet one = long_packet(external());
  const Packet two = long_packet(external()).with_from({world.client, 50000});
  const Packet one_out = expect_masqueraded(one);
  const Packet two_out = expect_masqueraded(two);
  arrive_frame(fragments_of(one, 1)[0]);
  arrive_frame(fragments_of(two, 2)[0]);
  EXPECT_EQ(hex(arrive_frame(fragments_of(two, 2)[1]).frame), hex(fragments_of(two_out, 2)[1]));
  EXPECT_EQ(hex(arrive_frame(fragments_of(one, 1)[1]).frame), hex(fragments_of(one_out, 1)[1]));
}

TEST_P(FragmentsTest, LaterFragmentThatComesFirstIsDroppedAtAClusterIp) {
  publish_cluster_ip();
  EXPECT_EQ(arrive_frame(fragments_of(long_packet({world.cluster_ip, 80}))[1]).fate,
            Fate::kDropped);
  EXPECT_EQ(tables().drops(FL_DROP_FRAGMENT_ORDER), 1U);
}

TEST_P(FragmentsTest, LaterFragmentForTheNodeOrForOthersIsLeftAlone) {
  publish_cluster_ip();
  for (const Ip& to : {world.node, world.remote_pods[0]}) {
    const Frame frame = fragments_of(long_packet({to, 80}))[1];
    const Outcome outcome = arrive_frame(frame);
    EXPECT_EQ(outcome.fate, Fate::kPassed);
    EXPECT_EQ(hex(outcome.frame), hex(frame));
  }
}

}  // namespace
}  // namespace fairlead::test
