// Many prefixes in few messages.
#include <gtest/gtest.h>

#include "dataplane/bgp/framer.hpp"
#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

constexpr Negotiated kNegotiated{.four_octet_as = true, .families = {true, true}};

/// Prefixes of every length that `family` has, one after another.
std::vector<Prefix> many_prefixes(Family family, std::size_t count) {
  std::vector<Prefix> prefixes;
  const std::size_t lengths = family == Family::kIpv4 ? 33 : 129;
  for (std::size_t i = 0; i < count; ++i) {
    Ip ip = family == Family::kIpv4 ? ip_from_v4({10, 0, 0, 0}) : *parse_ip("2001:db8::");
    ip.bytes[14] = static_cast<std::uint8_t>(i >> 8);
    ip.bytes[15] = static_cast<std::uint8_t>(i);
    prefixes.push_back(*parse_cidr(to_string(ip) + "/" + std::to_string(i % lengths)));
  }
  return prefixes;
}

PathAttributes attributes_for(Family family) {
  PathAttributes attributes;
  attributes.as_path.prepend(AsNumber{65001}, 3);
  attributes.next_hop.address = *parse_ip(family == Family::kIpv4 ? "192.0.2.1" : "2001:db8::1");
  return attributes;
}

std::vector<Bytes> messages_of(const Bytes& stream) {
  Framer framer;
  framer.feed(stream);
  std::vector<Bytes> messages;
  for (auto next = framer.next(); next && *next; next = framer.next())
    messages.emplace_back((*next)->begin(), (*next)->end());
  EXPECT_EQ(framer.pending(), 0U);
  return messages;
}

TEST(Packing, ManyPrefixesComeBackInOrderFromFullMessages) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto prefixes = many_prefixes(family, 10000);
    const auto attributes = attributes_for(family);
    Bytes stream;
    ASSERT_TRUE(encode_announcement(family, attributes, prefixes, kNegotiated, stream));
    std::vector<Prefix> received;
    const auto messages = messages_of(stream);
    for (const Bytes& message : messages) {
      const bool is_last = &message == &messages.back();
      EXPECT_TRUE(is_last || message.size() > kMaximumMessageSize - 17) << "room for one more";
      const auto update = std::get<Update>(*decode(message, kNegotiated));
      ASSERT_EQ(update.announced.size(), 1U);
      EXPECT_EQ(update.announced[0].attributes, attributes);
      const auto& part = update.announced[0].prefixes;
      received.insert(received.end(), part.begin(), part.end());
    }
    EXPECT_EQ(received, prefixes);
  }
}

TEST(Packing, ManyWithdrawalsComeBackInOrder) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto prefixes = many_prefixes(family, 5000);
    Bytes stream;
    encode_withdrawal(family, prefixes, stream);
    std::vector<Prefix> received;
    for (const Bytes& message : messages_of(stream)) {
      const auto update = std::get<Update>(*decode(message, kNegotiated));
      const auto& part = update.withdrawn[family];
      received.insert(received.end(), part.begin(), part.end());
      EXPECT_FALSE(update.end_of_rib);
    }
    EXPECT_EQ(received, prefixes);
  }
}

TEST(Packing, NothingToSayIsNoMessage) {
  Bytes stream;
  EXPECT_TRUE(
      encode_announcement(Family::kIpv4, attributes_for(Family::kIpv4), {}, kNegotiated, stream));
  encode_withdrawal(Family::kIpv6, {}, stream);
  EXPECT_TRUE(stream.empty());
}

TEST(Packing, AttributesThatLeaveNoRoomAreRefusedAndNothingIsWritten) {
  auto attributes = attributes_for(Family::kIpv4);
  attributes.communities.resize(1100);
  Bytes stream;
  const auto refused = encode_announcement(Family::kIpv4, attributes,
                                           many_prefixes(Family::kIpv4, 1), kNegotiated, stream);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().doing.find("leave no room"), std::string::npos);
  EXPECT_TRUE(stream.empty());
}

TEST(Packing, ANextHopThatThePeerCannotTakeIsRefused) {
  const auto refused = [](Family family, const char* next_hop) {
    PathAttributes attributes;
    attributes.next_hop.address = *parse_ip(next_hop);
    Bytes stream;
    return !encode_announcement(family, attributes, many_prefixes(family, 1), kNegotiated, stream);
  };
  EXPECT_TRUE(refused(Family::kIpv4, "2001:db8::1")) << "RFC 8950 was not agreed on";
  EXPECT_TRUE(refused(Family::kIpv6, "192.0.2.1"));
  EXPECT_TRUE(refused(Family::kIpv4, "0.0.0.0"));
  EXPECT_TRUE(refused(Family::kIpv6, "::"));
  EXPECT_FALSE(refused(Family::kIpv6, "2001:db8::1"));
}

TEST(Packing, APathOfMoreThan255IsSplitIntoSegments) {
  auto attributes = attributes_for(Family::kIpv4);
  attributes.as_path = {};
  attributes.as_path.segments.emplace_back().numbers.assign(300, AsNumber{65001});
  Bytes stream;
  ASSERT_TRUE(encode_announcement(Family::kIpv4, attributes, many_prefixes(Family::kIpv4, 1),
                                  kNegotiated, stream));
  const auto update = std::get<Update>(*decode(stream, kNegotiated));
  const auto& path = update.announced.at(0).attributes.as_path;
  EXPECT_EQ(path.segments.size(), 2U);
  EXPECT_EQ(path.length(), 300U);
}

}  // namespace
}  // namespace fairlead::bgp
