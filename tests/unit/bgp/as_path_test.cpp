// AS paths as values, and between speakers of two and of four octets (RFC 6793).
#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;
using Kind = AsSegment::Kind;

AsSegment segment(Kind kind, std::initializer_list<std::uint32_t> numbers) {
  AsSegment result{.kind = kind};
  for (const std::uint32_t number : numbers) result.numbers.push_back(AsNumber{number});
  return result;
}

/// From a peer of two octets.
PathAttributes received(std::string_view path, std::string_view as4_path,
                        std::string_view aggregator = "", std::string_view as4_aggregator = "") {
  Bytes attributes = joined({origin(), as_path(hex(path)), next_hop()});
  if (!aggregator.empty())
    attributes = joined({attributes, attribute(kOptionalTransitive, 7, hex(aggregator))});
  if (!as4_path.empty())
    attributes = joined({attributes, attribute(kOptionalTransitive, 17, hex(as4_path))});
  if (!as4_aggregator.empty())
    attributes = joined({attributes, attribute(kOptionalTransitive, 18, hex(as4_aggregator))});
  const auto decoded = decode(update({}, attributes, kNlri), {});
  EXPECT_TRUE(decoded) << error_of(decoded);
  return std::get<Update>(*decoded).announced.at(0).attributes;
}

TEST(AsPaths, AreCountedAsTheDecisionCountsThem) {
  const AsPath path{{segment(Kind::kSequence, {1, 2}), segment(Kind::kSet, {3, 4, 5})}};
  EXPECT_EQ(path.length(), 3U);
  EXPECT_EQ(path.first(), AsNumber{1});
  EXPECT_EQ(path.origin(), std::nullopt) << "nobody knows which of a set";
  EXPECT_TRUE(path.contains(AsNumber{4}));
  EXPECT_FALSE(path.contains(AsNumber{6}));
}

TEST(AsPaths, AnEmptyPathHasNoFirstAndNoLength) {
  const AsPath empty;
  EXPECT_EQ(empty.length(), 0U);
  EXPECT_EQ(empty.first(), std::nullopt);
  EXPECT_EQ(empty.origin(), std::nullopt);
}

TEST(AsPaths, WhatIsPrependedComesFirst) {
  AsPath path{{segment(Kind::kSet, {3})}};
  path.prepend(AsNumber{2});
  path.prepend(AsNumber{1}, 2);
  EXPECT_EQ(path, (AsPath{{segment(Kind::kSequence, {1, 1, 2}), segment(Kind::kSet, {3})}}));
  path.prepend(AsNumber{9}, 255);
  EXPECT_EQ(path.length(), 259U);
  for (const auto& part : path.segments) EXPECT_LE(part.numbers.size(), 255U);
}

TEST(AsPaths, TheTrueNumbersReplaceTheEndOfAPathOfTwoOctets) {
  EXPECT_EQ(received("02 03 fde9 5ba0 5ba0", "02 02 00011170 00011171").as_path,
            (AsPath{{segment(Kind::kSequence, {65001, 70000, 70001})}}));
  EXPECT_EQ(received("02 01 5ba0", "02 01 00011170").as_path,
            (AsPath{{segment(Kind::kSequence, {70000})}}));
  EXPECT_EQ(
      received("02 02 fde9 5ba0 01 02 5ba0 0001", "02 01 00011170 01 02 00011171 00000001").as_path,
      (AsPath{{segment(Kind::kSequence, {65001, 70000}), segment(Kind::kSet, {70001, 1})}}));
}

TEST(AsPaths, AnAs4PathLongerThanThePathIsIgnored) {
  EXPECT_EQ(received("02 01 fde9", "02 02 00011170 00011171").as_path,
            (AsPath{{segment(Kind::kSequence, {65001})}}));
}

/// RFC 6793 6.
TEST(AsPaths, SegmentsOfAConfederationInAnAs4PathAreLeftOut) {
  EXPECT_EQ(received("02 01 5ba0", "03 01 00011171 02 01 00011170").as_path,
            (AsPath{{segment(Kind::kSequence, {70000})}}));
}

/// RFC 6793 4.2.3.
TEST(AsPaths, AnAggregatorOfTwoOctetsMakesTheAs4AttributesStale) {
  const auto stale = received("02 01 5ba0", "02 01 00011170", "fde9 0a000001", "00011170 0a000002");
  EXPECT_EQ(stale.as_path, (AsPath{{segment(Kind::kSequence, {23456})}}));
  EXPECT_EQ(stale.aggregator, (Aggregator{AsNumber{65001}, RouterId{0x0a000001}}));
  const auto fresh = received("02 01 5ba0", "02 01 00011170", "5ba0 0a000001", "00011170 0a000002");
  EXPECT_EQ(fresh.as_path, (AsPath{{segment(Kind::kSequence, {70000})}}));
  EXPECT_EQ(fresh.aggregator, (Aggregator{AsNumber{70000}, RouterId{0x0a000002}}));
}

TEST(AsPaths, APeerOfTwoOctetsGetsTheTrueNumbersBesideThePath) {
  PathAttributes attributes;
  attributes.as_path = AsPath{{segment(Kind::kSequence, {65001, 70000})}};
  attributes.next_hop.address = *parse_ip("192.0.2.1");
  attributes.aggregator = Aggregator{AsNumber{70000}, RouterId{0x0a000001}};
  Bytes bytes;
  ASSERT_TRUE(
      encode_announcement(Family::kIpv4, attributes, {{*parse_cidr("10.1.0.0/16")}}, {}, bytes));
  const Bytes expected = joined({origin(), as_path(hex("02 02 fde9 5ba0")), next_hop(),
                                 attribute(kOptionalTransitive, 7, hex("5ba0 0a000001")),
                                 attribute(kOptionalTransitive, 17, hex("02 02 0000fde9 00011170")),
                                 attribute(kOptionalTransitive, 18, hex("00011170 0a000001"))});
  EXPECT_EQ(bytes, update({}, expected, hex("10 0a01")));
}

TEST(AsPaths, EqualAttributesHaveEqualHashesAndOthersDiffer) {
  const auto base = received("02 02 fde9 fdea", "");
  EXPECT_EQ(hash_of(base), hash_of(received("02 02 fde9 fdea", "")));
  std::vector<PathAttributes> others(8, base);
  others[0].med = 0;
  others[1].local_preference = 0;
  others[2].as_path.prepend(AsNumber{1});
  others[3].as_path.segments[0].kind = Kind::kSet;
  others[4].communities = {Community{0}};
  others[5].next_hop.link_local = *parse_ip("fe80::1");
  others[6].origin = Origin::kEgp;
  others[7].cluster_list = {RouterId{0}};
  for (const auto& other : others) {
    EXPECT_NE(other, base);
    EXPECT_NE(hash_of(other), hash_of(base));
  }
}

}  // namespace
}  // namespace fairlead::bgp
