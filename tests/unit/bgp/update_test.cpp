// UPDATEs: there and back in every form of session, and known bytes.
#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

constexpr Negotiated kInternal{.internal = true,
                               .four_octet_as = true,
                               .ipv4_over_ipv6 = true,
                               .families = {.ipv4 = true, .ipv6 = true}};

Update update_of(const Bytes& bytes, const Negotiated& negotiated = kInternal) {
  const auto decoded = decode(bytes, negotiated);
  EXPECT_TRUE(decoded) << error_of(decoded);
  return decoded ? std::get<Update>(*decoded) : Update{};
}

/// Everything that an internal peer may say.
PathAttributes full_attributes() {
  PathAttributes attributes;
  attributes.origin = Origin::kEgp;
  attributes.as_path.segments = {
      {AsSegment::Kind::kSequence, {AsNumber{65001}, AsNumber{4200000001}}},
      {AsSegment::Kind::kSet, {AsNumber{65002}, AsNumber{70000}}}};
  attributes.next_hop.address = *parse_ip("192.0.2.1");
  attributes.med = 0;
  attributes.local_preference = 200;
  attributes.atomic_aggregate = true;
  attributes.aggregator = Aggregator{AsNumber{70000}, RouterId{0x0a000001}};
  attributes.communities = {kNoExport, Community{65001U << 16 | 7}};
  attributes.large_communities = {{70000, 1, 2}, {70000, 1, 2}};
  attributes.extended_communities = {{{0, 2, 0xfd, 0xe9, 0, 0, 0, 1}}};
  attributes.originator_id = RouterId{0x0a000002};
  attributes.cluster_list = {RouterId{1}, RouterId{2}};
  attributes.only_to_customer = AsNumber{70001};
  return attributes;
}

Announcement announcement(const char* prefix, const char* next_hop) {
  Announcement result{.attributes = full_attributes(), .prefixes = {*parse_cidr(prefix)}};
  result.family = result.prefixes[0].family();
  result.attributes.next_hop.address = *parse_ip(next_hop);
  return result;
}

Update there_and_back(const Announcement& sent, const Negotiated& negotiated) {
  Bytes bytes;
  const auto encoded =
      encode_announcement(sent.family, sent.attributes, sent.prefixes, negotiated, bytes);
  EXPECT_TRUE(encoded) << encoded.error().doing;
  return update_of(bytes, negotiated);
}

TEST(Updates, ComeBackAsTheyWereFromInternalPeers) {
  for (const bool four_octets : {true, false}) {
    Negotiated negotiated = kInternal;
    negotiated.four_octet_as = four_octets;
    for (const auto& sent :
         {announcement("10.1.0.0/16", "192.0.2.1"), announcement("10.1.0.0/16", "2001:db8::1"),
          announcement("10.1.0.0/16", "fe80::1"), announcement("2001:db8::/32", "2001:db8::1"),
          announcement("0.0.0.0/0", "192.0.2.1"), announcement("::/0", "fe80::1"),
          announcement("10.1.2.3/32", "192.0.2.1"), announcement("fd00::1/128", "fd00::2")})
      EXPECT_EQ(there_and_back(sent, negotiated), (Update{.announced = {sent}}));
  }
}

TEST(Updates, ALinkLocalNextHopTravelsBesideTheGlobalOne) {
  auto sent = announcement("2001:db8::/32", "2001:db8::1");
  sent.attributes.next_hop.link_local = *parse_ip("fe80::1");
  EXPECT_EQ(there_and_back(sent, kInternal), (Update{.announced = {sent}}));
}

TEST(Updates, ExternalPeersAreNotToldWhatIsInternal) {
  Negotiated negotiated = kInternal;
  negotiated.internal = false;
  auto sent = announcement("10.1.0.0/16", "192.0.2.1");
  const auto got = there_and_back(sent, negotiated);
  sent.attributes.local_preference.reset();
  sent.attributes.originator_id.reset();
  sent.attributes.cluster_list.clear();
  EXPECT_EQ(got, (Update{.announced = {sent}}));
}

TEST(Updates, AnAnnouncementIsWhatRfc4271Draws) {
  PathAttributes attributes;
  attributes.as_path.prepend(AsNumber{65001});
  attributes.next_hop.address = *parse_ip("192.0.2.1");
  attributes.med = 7;
  Bytes bytes;
  const std::vector<Prefix> prefixes{*parse_cidr("10.1.0.0/16"), *parse_cidr("10.2.3.128/25"),
                                     *parse_cidr("0.0.0.0/0")};
  ASSERT_TRUE(encode_announcement(Family::kIpv4, attributes, prefixes, {}, bytes));
  EXPECT_EQ(bytes, joined({Bytes(16, 0xff), hex("0039 02 0000"),
                           hex("0019 40 01 01 00 40 02 04 02 01 fde9 40 03 04 c0000201"),
                           hex("80 04 04 00000007"), hex("10 0a01 19 0a020380 00")}));
}

/// RFC 7606 5.1: the prefixes first, so that damage to what follows does not hide them.
TEST(Updates, MpReachIsTheFirstAttribute) {
  PathAttributes attributes;
  attributes.next_hop.address = *parse_ip("2001:db8::1");
  Bytes bytes;
  ASSERT_TRUE(encode_announcement(Family::kIpv6, attributes, {{*parse_cidr("2001:db8:1::/48")}},
                                  {.families = {true, true}}, bytes));
  EXPECT_EQ(bytes, joined({Bytes(16, 0xff), hex("003e 02 0000 0027"),
                           hex("90 0e 001c 0002 01 10 20010db8000000000000000000000001 00"),
                           hex("30 20010db80001"), hex("40 01 01 00 40 02 00")}));
}

TEST(Updates, WithdrawalsComeBackAsTheyWere) {
  for (const char* text : {"10.1.0.0/16", "2001:db8:1::/48"}) {
    const Prefix prefix = *parse_cidr(text);
    Bytes bytes;
    encode_withdrawal(prefix.family(), {{prefix}}, bytes);
    Update expected;
    expected.withdrawn[prefix.family()] = {prefix};
    EXPECT_EQ(update_of(bytes), expected);
  }
}

/// RFC 4724 2.
TEST(Updates, TheEndOfWhatWasThereIsSaidForEachFamily) {
  Bytes ipv4;
  encode_end_of_rib(Family::kIpv4, ipv4);
  EXPECT_EQ(ipv4, joined({Bytes(16, 0xff), hex("0017 02 0000 0000")}));
  EXPECT_EQ(update_of(ipv4), (Update{.end_of_rib = Family::kIpv4}));
  Bytes ipv6;
  encode_end_of_rib(Family::kIpv6, ipv6);
  EXPECT_EQ(ipv6, joined({Bytes(16, 0xff), hex("001d 02 0000 0006 80 0f 03 0002 01")}));
  EXPECT_EQ(update_of(ipv6), (Update{.end_of_rib = Family::kIpv6}));
  EXPECT_EQ(update_of(update({}, attribute(kOptional, 15, hex("0001 01")), {})).end_of_rib,
            Family::kIpv4);
  EXPECT_FALSE(update_of(ipv6, {}).end_of_rib) << "a family that was not agreed on";
  EXPECT_FALSE(
      update_of(update({}, joined({attribute(kOptional, 15, hex("0002 01")), origin()}), {}))
          .end_of_rib)
      << "beside another attribute it is none";
}

TEST(Updates, AMessageMayHaveAllAtOnce) {
  auto ipv4 = announcement("10.1.0.0/16", "192.0.2.1");
  auto ipv6 = announcement("2001:db8::/32", "2001:db8::1");
  Update sent{.announced = {ipv6, ipv4}, .end_of_rib = Family::kIpv6};
  sent.withdrawn.ipv4 = {*parse_cidr("10.9.0.0/16")};
  Bytes bytes;
  ASSERT_TRUE(encode(sent, kInternal, bytes));
  const auto both = update_of(update(
      kWithdrawn, joined({attribute(kOptional, 14, mp_reach_value()), good_attributes()}), kNlri));
  ASSERT_EQ(both.announced.size(), 2U) << "one for each next hop";
  EXPECT_EQ(to_string(both.announced[0].attributes.next_hop.address), "2001:db8::1");
  EXPECT_EQ(to_string(both.announced[1].attributes.next_hop.address), "192.0.2.1");
  EXPECT_EQ(both.announced[0].attributes.as_path, both.announced[1].attributes.as_path);
  EXPECT_EQ(both.withdrawn.ipv4.size(), 1U);
}

}  // namespace
}  // namespace fairlead::bgp
