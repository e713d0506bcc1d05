// Frames byte by byte, and there and back.
#include "dataplane/layer2/frames.hpp"

#include <gmock/gmock.h>

namespace fairlead::layer2 {
namespace {

constexpr MacBytes kOwn{2, 0, 0, 0, 0, 1}, kOther{2, 0, 0, 0, 0, 2};

Ip ip(std::string_view text) { return parse_ip(text).value(); }

TEST(ArpFrame, AQuestionIsThatOfRfc826) {
  EXPECT_EQ(question(kOwn, ip("192.0.2.1"), ip("192.0.2.7"), std::nullopt),
            (Frame{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,   0, 0, 0, 0, 1, 8, 6,  // Ethernet
                   0,    1,    8,    0,    6,    4,    0,   1,                    // request
                   2,    0,    0,    0,    0,    1,    192, 0, 2, 1,              // sender
                   0,    0,    0,    0,    0,    0,    192, 0, 2, 7}));           // target
}

TEST(ArpFrame, AProbeNamesNoSender) {
  const Frame probe = question(kOwn, any_address(Family::kIpv4), ip("192.0.2.7"), std::nullopt);
  EXPECT_THAT(std::vector(probe.begin() + 28, probe.begin() + 32), testing::Each(0));
}

TEST(ArpFrame, AnAnnouncementIsARequestAndAReplyOfTheAddressForItself) {
  const auto frames = announcement(kOwn, ip("192.0.2.7"));
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0][21], 1);
  EXPECT_EQ(frames[1][21], 2);
  for (const Frame& frame : frames) EXPECT_EQ(decode(frame), (Heard{true, ip("192.0.2.7"), kOwn}));
}

TEST(ArpFrame, AReplyToUsIsAnAnswer) {
  Frame reply = question(kOther, ip("192.0.2.7"), ip("192.0.2.1"), kOwn);
  reply[21] = 2;
  EXPECT_EQ(decode(reply), (Heard{false, ip("192.0.2.7"), kOther}));
}

TEST(ArpFrame, AQuestionSaysNothing) {
  EXPECT_EQ(decode(question(kOther, ip("192.0.2.9"), ip("192.0.2.7"), std::nullopt)), std::nullopt);
}

TEST(NeighbourFrame, AQuestionToAllGoesToTheGroupOfTheAddress) {
  const Frame frame = question(kOwn, ip("fe80::1"), ip("2001:db8::12:3456"), std::nullopt);
  ASSERT_EQ(frame.size(), 14U + 40 + 24 + 8);
  EXPECT_EQ(MacBytes({frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]}),
            (MacBytes{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}));
  EXPECT_EQ(frame[21], 255);  // hop limit
  EXPECT_EQ(frame[54], 135);
  EXPECT_EQ(frame[78], 1);  // source link-layer address
  EXPECT_EQ(frame[85], 1);
}

TEST(NeighbourFrame, AProbeHasNeitherSourceNorOption) {
  const Frame frame = question(kOwn, any_address(Family::kIpv6), ip("2001:db8::1"), std::nullopt);
  ASSERT_EQ(frame.size(), 14U + 40 + 24);
  EXPECT_THAT(std::vector(frame.begin() + 22, frame.begin() + 38), testing::Each(0));
}

/// By RFC 1071 over the pseudo-header, worked out by hand.
TEST(NeighbourFrame, TheChecksumIsRight) {
  const Frame frame = announcement(kOwn, ip("2001:db8::1")).front();
  std::uint32_t sum = 32 + 58;
  for (std::size_t i = 22; i < frame.size(); i += 2) sum += frame[i] * 256U + frame[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
}

TEST(NeighbourFrame, AnAnnouncementOverrides) {
  const Frame frame = announcement(kOwn, ip("2001:db8::1")).front();
  EXPECT_EQ(frame[54], 136);
  EXPECT_EQ(frame[58], 0x20);
  EXPECT_EQ(decode(frame), (Heard{true, ip("2001:db8::1"), kOwn}));
}

TEST(NeighbourFrame, WhatIsDamagedIsNotHeard) {
  const Frame good = announcement(kOwn, ip("2001:db8::1")).front();
  for (std::size_t i = 18; i < good.size(); ++i) {
    Frame damaged = good;
    damaged[i] ^= 0x5a;
    EXPECT_NE(decode(damaged), decode(good)) << i;
  }
}

TEST(Frames, CutOffOnesAreNotHeard) {
  for (const Ip& address : {ip("192.0.2.7"), ip("2001:db8::1")}) {
    const Frame good = announcement(kOwn, address).front();
    for (std::size_t length = 0; length < good.size(); ++length)
      EXPECT_EQ(decode(std::span(good).first(length)), std::nullopt) << length;
  }
}

}  // namespace
}  // namespace fairlead::layer2
