// Bytes of RFC 5880 4.1, and each of 6.8.6's reasons to drop a packet.
#include "dataplane/bfd/packet.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/bfd/demultiplexer.hpp"

namespace fairlead::bfd {
namespace {

/// Up, Poll, multiplier 3, 300 ms both ways; written by hand.
constexpr Datagram kKnown{0x23, 0xe0, 0x03, 24,   0x01, 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x0c, 0x0d,
                          0x00, 0x04, 0x93, 0xe0, 0x00, 0x0f, 0x42, 0x40, 0x00, 0x00, 0x00, 0x32};

ControlPacket known_packet() {
  return {.diagnostic = Diagnostic::kNeighborSignaledDown,
          .state = State::kUp,
          .poll = true,
          .multiplier = 3,
          .mine = {0x01020304},
          .yours = {0x0a0b0c0d},
          .desired_min_tx = microseconds(300'000),
          .required_min_rx = microseconds(1'000'000),
          .required_min_echo_rx = microseconds(50)};
}

std::vector<std::uint8_t> with(std::size_t at, std::uint8_t value) {
  std::vector<std::uint8_t> bytes(kKnown.begin(), kKnown.end());
  bytes.at(at) = value;
  return bytes;
}

TEST(Packet, KnownBytesAreReadAndWritten) {
  ASSERT_TRUE(decode(kKnown));
  EXPECT_EQ(*decode(kKnown), known_packet());
  EXPECT_EQ(encode(known_packet()), kKnown);
}

TEST(Packet, EachFlagHasItsPlace) {
  ControlPacket packet{.state = State::kInit, .multiplier = 1, .mine = {1}, .yours = {2}};
  for (bool ControlPacket::*flag :
       {&ControlPacket::poll, &ControlPacket::final, &ControlPacket::control_plane_independent,
        &ControlPacket::demand}) {
    packet.*flag = true;
    EXPECT_EQ(decode(encode(packet)), packet);
    packet.*flag = false;
  }
  EXPECT_EQ(encode(packet)[1], 0x80);
}

TEST(Packet, AnIntervalThatIsTooLongIsSaidAsTheLongest) {
  ControlPacket packet = known_packet();
  packet.desired_min_tx = std::chrono::hours(2);
  EXPECT_EQ(decode(encode(packet))->desired_min_tx, microseconds(0xffffffff));
}

TEST(Packet, EachDamageHasItsReason) {
  struct Case {
    std::vector<std::uint8_t> bytes;
    Refusal refusal;
  };
  auto of_no_session = with(1, 0x80);
  std::fill_n(of_no_session.begin() + 8, 4, 0);
  auto without_sender = with(1, 0xc0);
  std::fill_n(without_sender.begin() + 4, 4, 0);
  auto authenticated = with(1, 0xc4);
  authenticated[3] = 28;
  authenticated.resize(28, 1);
  const std::vector<Case> cases{
      {{}, Refusal::kTooShort},
      {std::vector<std::uint8_t>(kKnown.begin(), kKnown.end() - 1), Refusal::kTooShort},
      {with(0, 0x03), Refusal::kVersion},
      {with(0, 0x43), Refusal::kVersion},
      {with(3, 23), Refusal::kLength},
      {with(3, 25), Refusal::kLength},
      {with(3, 255), Refusal::kLength},
      {with(1, 0xc4), Refusal::kLength},
      {authenticated, Refusal::kAuthentication},
      {with(2, 0), Refusal::kMultiplier},
      {with(1, 0xc1), Refusal::kMultipoint},
      {without_sender, Refusal::kNoDiscriminator},
      {of_no_session, Refusal::kNoSession},
  };
  for (const Case& one : cases) {
    const auto packet = decode(one.bytes);
    ASSERT_FALSE(packet) << to_string(one.refusal);
    EXPECT_EQ(packet.error(), one.refusal) << to_string(packet.error());
  }
}

TEST(Packet, WithoutASessionItMayBeDownOrAdminDown) {
  for (const std::uint8_t state : std::initializer_list<std::uint8_t>{0x00, 0x40}) {
    auto bytes = with(1, state);
    std::fill_n(bytes.begin() + 8, 4, 0);
    EXPECT_TRUE(decode(bytes));
  }
}

TEST(Packet, WhatFollowsItsLengthIsIgnored) {
  std::vector<std::uint8_t> bytes(kKnown.begin(), kKnown.end());
  bytes.resize(1400, 0xff);
  EXPECT_EQ(decode(bytes), known_packet());
}

const Neighbor kNeighbor{.address = ip_from_v4({10, 0, 0, 1})};

TEST(Demultiplexer, ADiscriminatorIsFollowedWhereverThePacketComesFrom) {
  Demultiplexer sessions(1);
  const auto first = sessions.add(kNeighbor);
  const auto second = sessions.add({.address = ip_from_v4({10, 0, 0, 2})});
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  ControlPacket packet = known_packet();
  packet.yours = *second;
  EXPECT_EQ(sessions.find(encode(packet), kNeighbor), *second);
}

TEST(Demultiplexer, AFirstPacketIsKnownByItsSourceAndItsLink) {
  Demultiplexer sessions(1);
  const Neighbor here{.address = *parse_ip("fe80::1"), .interface = "eth0"};
  const auto session = sessions.add(here);
  ControlPacket packet = known_packet();
  packet.state = State::kDown;
  packet.yours = {};
  EXPECT_EQ(sessions.find(encode(packet), here), *session);
  for (const Neighbor& stranger :
       {kNeighbor, Neighbor{.address = here.address, .interface = "eth1"}})
    EXPECT_EQ(sessions.find(encode(packet), stranger), tl::unexpected(Refusal::kUnknownSession));
}

TEST(Demultiplexer, WhatNamesAnUnknownSessionIsForNobody) {
  Demultiplexer sessions(1);
  const auto session = sessions.add(kNeighbor);
  EXPECT_EQ(sessions.add(kNeighbor), std::nullopt) << "one session a neighbor";
  EXPECT_EQ(sessions.find(encode(known_packet()), kNeighbor),
            tl::unexpected(Refusal::kUnknownSession));
  EXPECT_EQ(sessions.find({}, kNeighbor), tl::unexpected(Refusal::kTooShort));
  sessions.remove(*session);
  EXPECT_TRUE(sessions.add(kNeighbor));
}

TEST(Demultiplexer, NoDiscriminatorIsGivenTwice) {
  Demultiplexer sessions(1);
  std::map<Discriminator, int> given;
  for (std::uint8_t third = 0; third < 40; ++third)
    for (std::uint8_t last = 0; last < 250; ++last)
      ++given[*sessions.add({.address = ip_from_v4({10, 0, third, last})})];
  EXPECT_EQ(given.size(), 10'000U);
  EXPECT_FALSE(given.contains(Discriminator{}));
}

}  // namespace
}  // namespace fairlead::bfd
