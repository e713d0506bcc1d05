// RFC 7606's rules for the UPDATE as a whole, and those of single values that the matrix of damage
// does not reach.
#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

constexpr Negotiated kNegotiated{.four_octet_as = true, .families = {true, true}};

Decoded<Message> decoded_update(const Bytes& attributes, const Bytes& nlri = kNlri,
                                const Negotiated& negotiated = kNegotiated) {
  return decode(update({}, attributes, nlri), negotiated);
}

/// "announced", "withdrawn", "nothing", or the error.
std::string fate(const Decoded<Message>& decoded) {
  if (!decoded) return describe(decoded.error());
  const auto& update = std::get<Update>(*decoded);
  if (!update.announced.empty()) return "announced";
  return update.withdrawn == PerFamily<std::vector<Prefix>>{} ? "nothing" : "withdrawn";
}

Bytes with_path(std::string_view segments) {
  return joined({origin(), as_path(hex(segments)), next_hop()});
}

TEST(RevisedErrors, LengthsPastTheMessageLoseThePrefixes) {
  for (const char* body : {"0001 0000", "0005 00 0000", "ffff 0000", "0000 0001", "0000 ffff 00"})
    EXPECT_EQ(fate(decode(message(MessageType::kUpdate, hex(body)), kNegotiated)),
              "UPDATE Message Error / Malformed Attribute List")
        << body;
}

TEST(RevisedErrors, PrefixesThatCannotBeReadEndTheSession) {
  for (const char* nlri : {"21 0a000000 00", "ff", "08", "18 0a01", "10 0a01 20 0a0102"}) {
    EXPECT_EQ(fate(decoded_update(good_attributes(), hex(nlri))),
              "UPDATE Message Error / Invalid Network Field")
        << nlri;
    EXPECT_EQ(fate(decode(update(hex(nlri), {}, {}), kNegotiated)),
              "UPDATE Message Error / Invalid Network Field")
        << nlri << " withdrawn";
  }
  const Bytes reach = joined({hex("0002 01 10 20010db8000000000000000000000001 00"),
                              hex("81 20010db8000000000000000000000001 00")});
  EXPECT_EQ(fate(decoded_update(attribute(kOptional, 14, reach), {})),
            "UPDATE Message Error / Optional Attribute Error");
}

TEST(RevisedErrors, BitsPastAPrefixesLengthAreMasked) {
  const auto decoded = decoded_update(good_attributes(), hex("0c 0aff 19 0a0203ff 00 01 ff"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<Update>(*decoded).announced.at(0).prefixes,
            (std::vector<Prefix>{*parse_cidr("10.240.0.0/12"), *parse_cidr("10.2.3.128/25"),
                                 *parse_cidr("0.0.0.0/0"), *parse_cidr("128.0.0.0/1")}));
}

TEST(RevisedErrors, MappedPrefixesAreLeftOutAndTheRestStays) {
  const Bytes hop = hex("0002 01 10 20010db8000000000000000000000001 00");
  const Bytes mapped = hex("68 00000000000000000000ffff0a  60 00000000000000000000ffff");
  const Bytes reach = joined({hop, mapped, hex("30 20010db80001")});
  const auto decoded =
      decoded_update(joined({attribute(kOptional, 14, reach), origin(), as_path({})}), {});
  ASSERT_TRUE(decoded);
  const auto& update = std::get<Update>(*decoded);
  EXPECT_EQ(update.announced.at(0).prefixes, (std::vector<Prefix>{*parse_cidr("2001:db8:1::/48")}));
  EXPECT_EQ(update.problems.at(0).what, "2 IPv4-mapped prefixes left out");
}

TEST(RevisedErrors, MandatoryAttributesThatAreMissingCostThePrefixes) {
  const Bytes path = as_path(hex("02 01 0000fde9"));
  for (const auto& [attributes, missing] : {std::pair{joined({path, next_hop()}), "ORIGIN"},
                                            std::pair{joined({origin(), next_hop()}), "AS_PATH"},
                                            std::pair{joined({origin(), path}), "NEXT_HOP"}}) {
    const auto decoded = decoded_update(attributes);
    EXPECT_EQ(fate(decoded), "withdrawn");
    EXPECT_EQ(std::get<Update>(*decoded).problems.at(0).name, missing);
    EXPECT_EQ(std::get<Update>(*decoded).problems.at(0).what, "missing");
  }
  EXPECT_EQ(fate(decoded_update({})), "withdrawn") << "prefixes without any attribute";
  EXPECT_EQ(
      fate(decoded_update(joined({attribute(kOptional, 14, mp_reach_value()), origin()}), {})),
      "withdrawn");
}

/// 5.2: what is damaged may have held the prefixes.
TEST(RevisedErrors, DamageWithoutPrefixesEndsTheSession) {
  const Bytes damaged = attribute(kWellKnown, 1, {9});
  EXPECT_EQ(fate(decoded_update(damaged, {})), "UPDATE Message Error / Malformed Attribute List");
  EXPECT_EQ(fate(decoded_update(
                joined({attribute(kOptional, 15, hex("0002 01 30 20010db80009")), damaged}), {})),
            "UPDATE Message Error / Malformed Attribute List");
  EXPECT_EQ(fate(decoded_update(attribute(kWellKnown, 6, {9}), {})), "nothing")
      << "an attribute that is discarded costs no session";
  EXPECT_EQ(fate(decoded_update(good_attributes(), {})), "nothing");
}

TEST(RevisedErrors, TheStrongestOfSeveralConsequencesCounts) {
  const Bytes discarded = attribute(kWellKnown, 6, {9});
  const Bytes withdrawn = attribute(kOptional, 4, {9});
  const auto decoded = decoded_update(joined({good_attributes(), discarded, withdrawn}));
  EXPECT_EQ(fate(decoded), "withdrawn");
  EXPECT_EQ(std::get<Update>(*decoded).problems.size(), 2U);
  const Bytes reset = attribute(kOptional, 15, {});
  EXPECT_EQ(fate(decoded_update(joined({good_attributes(), withdrawn, reset}))),
            "UPDATE Message Error / Optional Attribute Error");
}

TEST(RevisedErrors, BothFamiliesOfOneUpdateAreWithdrawnTogether) {
  const auto decoded = decoded_update(joined({attribute(kOptional, 14, mp_reach_value()),
                                              good_attributes(), attribute(kOptional, 4, {9})}));
  ASSERT_TRUE(decoded);
  const auto& update = std::get<Update>(*decoded);
  EXPECT_EQ(update.withdrawn.ipv4.size(), 2U);
  EXPECT_EQ(update.withdrawn.ipv6.size(), 2U);
  EXPECT_TRUE(update.announced.empty());
}

TEST(RevisedErrors, APathOfTheWrongFormCostsThePrefixes) {
  for (const char* segments :
       {"00 01 0000fde9", "05 01 0000fde9", "02 00", "02", "02 02 0000fde9", "02 01 0000fd",
        "02 01 00000000", "02 01 0000fde9 02", "02 01 0000fde9 01 00", "03 01 0000fde9",
        "04 01 0000fde9", "02 ff 0000fde9"})
    EXPECT_EQ(fate(decoded_update(with_path(segments))), "withdrawn") << segments;
  EXPECT_EQ(fate(decoded_update(with_path(""))), "announced") << "an empty path is one";
}

TEST(RevisedErrors, ANextHopThatIsNoHostCostsThePrefixes) {
  for (const char* address :
       {"00000000", "7f000001", "e0000001", "ffffffff", "f0000001", "00000001"}) {
    const Bytes hop = attribute(kWellKnown, 3, hex(address));
    EXPECT_EQ(fate(decoded_update(joined({origin(), as_path({}), hop}))), "withdrawn") << address;
  }
  for (const char* address :
       {"00000000000000000000000000000000", "00000000000000000000000000000001",
        "ff020000000000000000000000000001", "00000000000000000000ffff0a000001"}) {
    const Bytes reach = joined({hex("0002 01 10"), hex(address), hex("00 30 20010db80001")});
    EXPECT_EQ(
        fate(decoded_update(joined({attribute(kOptional, 14, reach), origin(), as_path({})}), {})),
        "withdrawn")
        << address;
  }
}

}  // namespace
}  // namespace fairlead::bgp
