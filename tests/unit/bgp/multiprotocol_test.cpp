// MP_REACH_NLRI and MP_UNREACH_NLRI: families that were not agreed on, and forms of next hops.
#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

constexpr std::string_view kGlobal = "20010db8000000000000000000000001";
constexpr std::string_view kLinkLocal = "fe800000000000000000000000000001";

Decoded<Message> reach(const Bytes& value, const Negotiated& negotiated) {
  return decode(update({}, joined({attribute(kOptional, 14, value), origin(), as_path({})}), {}),
                negotiated);
}

Negotiated negotiated(bool ipv4_over_ipv6 = false) {
  return {.four_octet_as = true, .ipv4_over_ipv6 = ipv4_over_ipv6, .families = {true, true}};
}

NextHop next_hop_of(std::string_view bytes, std::string_view prefix, bool ipv4_over_ipv6 = false) {
  const Bytes hop = hex(bytes);
  const bool ipv4 = prefix.starts_with("10");
  const auto decoded = reach(joined({hex(ipv4 ? "0001 01" : "0002 01"),
                                     {static_cast<std::uint8_t>(hop.size())},
                                     hop,
                                     {0},
                                     hex(prefix)}),
                             negotiated(ipv4_over_ipv6));
  EXPECT_TRUE(decoded) << error_of(decoded);
  if (!decoded) return {};
  const auto& update = std::get<Update>(*decoded);
  EXPECT_EQ(update.announced.size(), 1U);
  return update.announced.empty() ? NextHop{} : update.announced[0].attributes.next_hop;
}

TEST(Multiprotocol, NextHopsComeInAllTheirForms) {
  const auto global = *parse_ip("2001:db8::1");
  const auto link_local = *parse_ip("fe80::1");
  const std::string zero(32, '0');
  const auto both = [](std::string_view a, std::string_view b) {
    return std::string(a) + std::string(b);
  };
  EXPECT_EQ(next_hop_of(kGlobal, "30 20010db80001"), (NextHop{global, {}}));
  EXPECT_EQ(next_hop_of(kLinkLocal, "30 20010db80001"), (NextHop{link_local, {}}));
  EXPECT_EQ(next_hop_of(both(kGlobal, kLinkLocal), "30 20010db80001"),
            (NextHop{global, link_local}));
  EXPECT_EQ(next_hop_of(both(kGlobal, kGlobal), "30 20010db80001"), (NextHop{global, {}}));
  EXPECT_EQ(next_hop_of(both(zero, kLinkLocal), "30 20010db80001"), (NextHop{link_local, {}}));
  EXPECT_EQ(next_hop_of(both(kLinkLocal, kLinkLocal), "30 20010db80001"),
            (NextHop{link_local, {}}));
  EXPECT_EQ(next_hop_of("c0000201", "10 0a01"), (NextHop{*parse_ip("192.0.2.1"), {}}));
  EXPECT_EQ(next_hop_of(both(kGlobal, kLinkLocal), "10 0a01", true), (NextHop{global, link_local}));
}

/// RFC 7606 7.11.
TEST(Multiprotocol, ANextHopOfAnotherLengthEndsTheSession) {
  for (const std::size_t length : {0, 1, 4, 12, 15, 17, 24, 31, 33, 48}) {
    const auto decoded = reach(joined({hex("0002 01"),
                                       {static_cast<std::uint8_t>(length)},
                                       Bytes(length, 0x20),
                                       hex("00 30 20010db80001")}),
                               negotiated());
    EXPECT_EQ(error_of(decoded), "UPDATE Message Error / Optional Attribute Error") << length;
  }
}

/// RFC 8950 4: only who agreed may send it.
TEST(Multiprotocol, AnIpv6NextHopForIpv4NeedsAnAgreement) {
  const Bytes value = joined({hex("0001 01 10"), hex(kGlobal), hex("00 10 0a01")});
  EXPECT_TRUE(reach(value, negotiated(true)));
  EXPECT_EQ(error_of(reach(value, negotiated(false))),
            "UPDATE Message Error / Optional Attribute Error");
}

TEST(Multiprotocol, FamiliesThatWereNotAgreedOnAreLeftOut) {
  for (const char* family : {"0001 02", "0001 80", "0019 46", "0002 85", "0000 00"}) {
    const auto decoded = reach(joined({hex(family), hex("04 c0000201 00 ff ff ff")}), negotiated());
    ASSERT_TRUE(decoded) << family;
    const auto& update = std::get<Update>(*decoded);
    EXPECT_TRUE(update.announced.empty());
    ASSERT_EQ(update.problems.size(), 1U);
    EXPECT_EQ(update.problems[0].name, "MP_REACH_NLRI");
    EXPECT_EQ(update.problems[0].consequence, Consequence::kAttributeDiscard);
  }
  const Bytes unreach = attribute(kOptional, 15, hex("0019 46 ff ff"));
  const auto decoded = decode(update({}, unreach, {}), negotiated());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<Update>(*decoded).end_of_rib, std::nullopt);
  EXPECT_EQ(std::get<Update>(*decoded).problems.size(), 1U);
}

TEST(Multiprotocol, WhoSpeaksOneFamilyHearsNothingOfTheOther) {
  const Bytes both = update(
      kWithdrawn, joined({attribute(kOptional, 14, mp_reach_value()), good_attributes()}), kNlri);
  const auto only = [&](FamilySet families) {
    return std::get<Update>(*decode(both, {.four_octet_as = true, .families = families}));
  };
  const auto ipv4 = only({.ipv4 = true, .ipv6 = false});
  ASSERT_EQ(ipv4.announced.size(), 1U);
  EXPECT_EQ(ipv4.announced[0].family, Family::kIpv4);
  const auto ipv6 = only({.ipv4 = false, .ipv6 = true});
  ASSERT_EQ(ipv6.announced.size(), 1U);
  EXPECT_EQ(ipv6.announced[0].family, Family::kIpv6);
  EXPECT_TRUE(ipv6.withdrawn.ipv4.empty());
  EXPECT_EQ(ipv6.problems.at(0).name, "NLRI");
}

TEST(Multiprotocol, AnMpReachWithoutPrefixesAnnouncesNothing) {
  const auto decoded = reach(joined({hex("0002 01 10"), hex(kGlobal), {0}}), negotiated());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<Update>(*decoded), Update{});
}

}  // namespace
}  // namespace fairlead::bgp
