// OPENs that are not as they should be: what is not known is skipped, what is known and broken is
// answered with the NOTIFICATION that its RFC names.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

Capabilities capabilities_of(const Bytes& capabilities) {
  const auto decoded = decode(open_with(capabilities), {});
  EXPECT_TRUE(decoded) << error_of(decoded);
  return decoded ? std::get<Open>(*decoded).capabilities : Capabilities{};
}

std::string error_for(const Bytes& message) { return error_of(decode(message, {})); }

TEST(Opens, UnknownCapabilitiesAreSkippedByTheirLength) {
  constexpr std::array<std::uint8_t, 7> kKnown{1, 2, 5, 9, 64, 65, 70};
  for (std::size_t code = 0; code < 256; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    if (std::ranges::find(kKnown, byte) != kKnown.end()) continue;
    for (const std::uint8_t length : Bytes{0, 1, 7}) {
      const auto found =
          capabilities_of(joined({{byte, length}, Bytes(length, 0xee), hex("02 00")}));
      EXPECT_EQ(found.unknown, std::vector<std::uint8_t>{byte});
      EXPECT_TRUE(found.route_refresh) << "what follows " << code << " is found";
    }
  }
}

TEST(Opens, FamiliesThatWeDoNotSpeakAreNoError) {
  const auto found = capabilities_of(hex("01 04 0001 00 80  01 04 0019 00 46  01 04 0002 00 01"));
  EXPECT_EQ(found.families, (FamilySet{.ipv4 = false, .ipv6 = true}));
  EXPECT_TRUE(found.unknown.empty());
}

TEST(Opens, OfSeveralGracefulRestartsTheLastCounts) {
  const auto found = capabilities_of(hex("40 06 8078 0001 01 80  40 06 005a 0002 01 00"));
  ASSERT_TRUE(found.graceful_restart);
  EXPECT_EQ(*found.graceful_restart,
            (GracefulRestart{.time = std::chrono::seconds(90), .families = {false, true}}));
}

TEST(Opens, CapabilitiesMayComeInOneParameterEach) {
  const auto decoded = decode(open(hex("02 06 01 04 0001 00 01  02 02 02 00  02 00")), {});
  ASSERT_TRUE(decoded) << error_of(decoded);
  EXPECT_TRUE(std::get<Open>(*decoded).capabilities.families.ipv4);
  EXPECT_TRUE(std::get<Open>(*decoded).capabilities.route_refresh);
}

/// RFC 9072 2.
TEST(Opens, ParametersMayBeOfTheExtendedForm) {
  const Bytes capability = joined({hex("49 ff"), Bytes(255, 'x')});  // an FQDN of full length
  const Bytes parameter = joined({{2}, u16(capability.size() * 2), capability, capability});
  const Bytes body = joined({hex("04 fde9 005a 0a000001 ff ff"), u16(parameter.size()), parameter});
  const auto decoded = decode(message(MessageType::kOpen, body), {});
  ASSERT_TRUE(decoded) << error_of(decoded);
  EXPECT_EQ(std::get<Open>(*decoded).capabilities.unknown, (std::vector<std::uint8_t>{73, 73}));
  Bytes cut = body;
  cut.pop_back();
  EXPECT_EQ(error_for(message(MessageType::kOpen, cut)), "OPEN Message Error");
}

/// RFC 4271 6.2: recognised but malformed is "unspecific".
TEST(Opens, AKnownCapabilityOfTheWrongFormIsMalformed) {
  for (const char* capability : {"01 00", "01 03 0001 00", "01 05 0001 00 01 00", "02 01 00",
                                 "05 05 0001 0001 00", "05 07 0001 0001 0002 00", "09 00",
                                 "09 02 03 03", "40 00", "40 01 00", "40 05 0078 0001 01", "41 00",
                                 "41 02 fde9", "41 03 00fde9", "41 05 0000fde9 00", "46 01 00"}) {
    const auto decoded = decode(open_with(hex(capability)), {});
    EXPECT_EQ(error_of(decoded), "OPEN Message Error") << capability;
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().data, hex(capability));
  }
}

TEST(Opens, ACapabilityPastItsParameterIsMalformed) {
  for (const char* parameters : {"02 01 02", "02 02 41 04", "02 05 41 04 0000fd", "02 03 49 ff 00",
                                 "02 06 01 04 0001 00", "02 ff 02 00", "02", "02 02 02 01 00"})
    EXPECT_EQ(error_for(open(hex(parameters))), "OPEN Message Error") << parameters;
}

TEST(Opens, ParametersEndWhereTheMessageEnds) {
  const Bytes fixed = hex("04 fde9 005a 0a000001");
  for (const char* rest : {"01", "04 02 00", "02 02 00 00", "00 02 00", "ff"})
    EXPECT_EQ(error_for(message(MessageType::kOpen, joined({fixed, hex(rest)}))),
              "OPEN Message Error")
        << rest;
}

TEST(Opens, FixedFieldsAreChecked) {
  const auto error = [](const char* fixed) {
    return error_for(message(MessageType::kOpen, joined({hex(fixed), {0}})));
  };
  EXPECT_EQ(error("04 fde9 005a 0a000001"), "none");
  EXPECT_EQ(error("04 fde9 0000 0a000001"), "none");
  EXPECT_EQ(error("04 fde9 0003 ffffffff"), "none");
  EXPECT_EQ(error("03 fde9 005a 0a000001"), "OPEN Message Error / Unsupported Version Number");
  EXPECT_EQ(error("05 fde9 005a 0a000001"), "OPEN Message Error / Unsupported Version Number");
  EXPECT_EQ(error("04 0000 005a 0a000001"), "OPEN Message Error / Bad Peer AS");
  EXPECT_EQ(error("04 fde9 005a 00000000"), "OPEN Message Error / Bad BGP Identifier");
  EXPECT_EQ(error("04 fde9 0001 0a000001"), "OPEN Message Error / Unacceptable Hold Time");
  EXPECT_EQ(error("04 fde9 0002 0a000001"), "OPEN Message Error / Unacceptable Hold Time");
}

TEST(Opens, TheVersionThatWeSpeakIsSaid) {
  const auto decoded = decode(message(MessageType::kOpen, hex("03 fde9 005a 0a000001 00")), {});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().data, hex("0004"));
}

TEST(Opens, AnAsOfZeroInFourOctetsIsRefused) {
  EXPECT_EQ(error_for(open_with(hex("41 04 00000000"))), "OPEN Message Error / Bad Peer AS");
}

TEST(Opens, OtherParametersAreRefused) {
  EXPECT_EQ(error_for(open(hex("01 02 00 00"))),
            "OPEN Message Error / Unsupported Optional Parameter");
}

/// RFC 9234 4.2.
TEST(Opens, TwoRolesMustBeTheSame) {
  EXPECT_EQ(capabilities_of(hex("09 01 03  09 01 03")).role, Role::kCustomer);
  EXPECT_EQ(error_for(open_with(hex("09 01 03  09 01 04"))), "OPEN Message Error / Role Mismatch");
  EXPECT_EQ(capabilities_of(hex("09 01 63")).role, static_cast<Role>(0x63));
}

}  // namespace
}  // namespace fairlead::bgp
