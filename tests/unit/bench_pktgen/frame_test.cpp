// Frames against libtins, which makes headers and checksums of its own.
#include "bench/pktgen/frame.hpp"

#include <gtest/gtest.h>
#include <tins/tins.h>

#include <map>
#include <set>

namespace fairlead::bench::pktgen {
namespace {

using Frame = std::vector<std::uint8_t>;

Flows flows(Shape shape, bool v6 = false) {
  Flows flows;
  flows.shape = shape;
  flows.source_mac = *parse_mac("02:00:00:00:00:01");
  flows.destination_mac = *parse_mac("02:00:00:00:00:02");
  flows.source = *parse_ip(v6 ? "2001:db8::1" : "198.18.0.250");
  flows.destination = *parse_ip(v6 ? "2001:db8:1::2" : "198.18.0.1");
  flows.first_port = {40000};
  flows.ports = 1000;
  flows.destination_port = {30080};
  flows.count = 2500;
  return flows;
}

Frame frame(const Flows& of, std::size_t bytes, std::uint32_t flow, std::uint32_t sequence,
            std::uint16_t run = 7) {
  const FrameWriter writer(of, run, bytes);
  Frame made(writer.size());
  writer.write(flow, sequence, 0x123456789abc, made.data());
  return made;
}

/// As libtins writes what it has read: with lengths and checksums of its own.
Frame again(const Frame& frame) {
  Tins::EthernetII read(frame.data(), static_cast<std::uint32_t>(frame.size()));
  return read.serialize();
}

struct Kind {
  Shape shape;
  bool v6;
};
class EachKind : public testing::TestWithParam<Kind> {};

TEST_P(EachKind, HasTheBytesThatLibtinsWouldWrite) {
  const Flows of = flows(GetParam().shape, GetParam().v6);
  const std::size_t smallest = smallest_frame(of.shape, of.source.family());
  for (const std::size_t bytes : {smallest, smallest + 1, std::size_t{594}, std::size_t{1518}})
    for (const std::uint32_t flow : {0U, 999U, 1000U, 2499U})
      for (std::uint32_t sequence = 0; sequence < 300; ++sequence) {
        const Frame made = frame(of, bytes, flow, sequence);
        ASSERT_EQ(made.size(), bytes - kFcsBytes);
        ASSERT_EQ(made, again(made)) << bytes << " bytes, flow " << flow << ", " << sequence;
      }
}

TEST_P(EachKind, IsReadAsItWasWritten) {
  const Flows of = flows(GetParam().shape, GetParam().v6);
  const Frame made = frame(of, 200, 1500, 42);
  const auto packet = parse_packet(made);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->ip_checksum_is_right);
  EXPECT_TRUE(packet->transport_checksum_is_right);
  EXPECT_EQ(read(packet->payload), (Stamp{7, 1500, 42, 0x123456789abc}));
  EXPECT_TRUE(is_filled(7, packet->payload));
  EXPECT_FALSE(is_filled(8, packet->payload));
}

TEST_P(EachKind, ChangedInOneBitIsNeverRight) {
  const Flows of = flows(GetParam().shape, GetParam().v6);
  const Frame made = frame(of, 120, 3, 4);
  // Of the IP header and all behind it. The IPv6 header has no checksum over traffic class, flow
  // label and hop limit; and TCP's ports and flags are within its own.
  for (std::size_t i = kEthernetBytes; i < made.size(); ++i) {
    if (GetParam().v6 && (i < kEthernetBytes + 4 || i == kEthernetBytes + 7)) continue;
    for (int bit = 0; bit < 8; ++bit) {
      Frame broken = made;
      broken[i] = static_cast<std::uint8_t>(broken[i] ^ 1 << bit);
      const auto packet = parse_packet(broken);
      EXPECT_FALSE(packet && packet->ip_checksum_is_right && packet->transport_checksum_is_right)
          << "byte " << i << ", bit " << bit;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Frame, EachKind,
                         testing::Values(Kind{Shape::kUdp, false}, Kind{Shape::kUdp, true},
                                         Kind{Shape::kTcpSyn, false}, Kind{Shape::kTcpSyn, true},
                                         Kind{Shape::kTcpData, false},
                                         Kind{Shape::kTcpData, true}));

TEST(Frame, SmallestOfUdpOverIpv4IsTheSmallestOfEthernet) {
  EXPECT_EQ(smallest_frame(Shape::kUdp, Family::kIpv4), 64);
  EXPECT_EQ(smallest_frame(Shape::kTcpSyn, Family::kIpv4), 76);
  EXPECT_EQ(smallest_frame(Shape::kUdp, Family::kIpv6), 84);
  EXPECT_EQ(smallest_frame(Shape::kTcpData, Family::kIpv6), 96);
}

TEST(Frame, NeverSaysThatUdpHasNoChecksum) {
  std::set<std::uint16_t> seen;
  const Flows of = flows(Shape::kUdp);
  for (std::uint32_t sequence = 0; sequence < 70000; ++sequence)
    seen.insert(get16(frame(of, 64, 0, sequence).data() + 40));
  EXPECT_FALSE(seen.contains(0));
  EXPECT_TRUE(seen.contains(0xffff)) << "the case has not come up";
}

TEST(Frame, FlowsCountUpThePortAndThenTheAddress) {
  std::set<std::pair<std::string, int>> seen;
  const Flows of = flows(Shape::kUdp);
  for (std::uint32_t flow = 0; flow < of.count; ++flow) {
    const Frame made = frame(of, 64, flow, 0);
    const Tins::EthernetII read(made.data(), static_cast<std::uint32_t>(made.size()));
    seen.emplace(read.rfind_pdu<Tins::IP>().src_addr().to_string(),
                 read.rfind_pdu<Tins::UDP>().sport());
  }
  EXPECT_EQ(seen.size(), 2500);
  EXPECT_EQ(*seen.begin(), (std::pair<std::string, int>("198.18.0.250", 40000)));
  EXPECT_EQ(*seen.rbegin(), (std::pair<std::string, int>("198.18.0.252", 40499)));
}

TEST(Frame, ShapesOfTcpHaveTheFlagsOfTheirPlace) {
  const auto flags = [](Shape shape) {
    const Frame made = frame(flows(shape), 128, 0, 0);
    return Tins::EthernetII(made.data(), static_cast<std::uint32_t>(made.size()))
        .rfind_pdu<Tins::TCP>()
        .flags();
  };
  EXPECT_EQ(flags(Shape::kTcpSyn), Tins::TCP::SYN);
  EXPECT_EQ(flags(Shape::kTcpData), Tins::TCP::ACK | Tins::TCP::PSH);
}

TEST(Frame, BadFlowsAreRefusedByName) {
  const auto said = [](auto change) {
    Flows bad = flows(Shape::kUdp);
    change(bad);
    const auto result = check(bad);
    return result ? std::string("nothing") : result.error().doing;
  };
  EXPECT_EQ(said([](Flows&) {}), "nothing");
  EXPECT_EQ(said([](Flows& bad) { bad.destination = *parse_ip("::1"); }),
            "source 198.18.0.250 and destination ::1 are of different families");
  EXPECT_EQ(said([](Flows& bad) { bad.ports = 25537; }), "source ports: not within 1 to 65535");
  EXPECT_EQ(said([](Flows& bad) { bad.count = 0; }), "flows: at least 1");
  EXPECT_EQ(said([](Flows& bad) {
              bad.source = *parse_ip("255.255.255.254");
              bad.count = 2001;
            }),
            "flows: more than there are addresses behind the source");
}

TEST(Frame, MacAddressesAreParsedWhole) {
  EXPECT_EQ(to_string(*parse_mac("0A:1b:2c:3d:4e:ff")), "0a:1b:2c:3d:4e:ff");
  for (const char* bad :
       {"", "0a:1b:2c:3d:4e", "0a:1b:2c:3d:4e:ff:00", "0a:1b:2c:3d:4e:fg", "a:1b:2c:3d:4e:ff"})
    EXPECT_FALSE(parse_mac(bad)) << bad;
}

TEST(Frame, WhatIsShorterThanItSaysIsNoPacket) {
  const Frame made = frame(flows(Shape::kUdp), 100, 0, 0);
  for (std::size_t bytes = 0; bytes < made.size(); ++bytes)
    EXPECT_FALSE(parse_packet(Bytes(made).first(bytes))) << bytes;
}

}  // namespace
}  // namespace fairlead::bench::pktgen
