// Good messages, cut anywhere and changed anywhere: some answer, and never a read past the end
// (which the sanitizers' builds of this test would see). tests/fuzz goes much further.
#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

Bytes rich_update() {
  const Bytes more = joined(
      {attribute(kOptional, 4, hex("00000007")), attribute(kWellKnown, 5, hex("00000064")),
       attribute(kWellKnown, 6, {}), attribute(kOptionalTransitive, 7, hex("0000fde9 0a000001")),
       attribute(kOptionalTransitive, 8, hex("ffffff01 fde90007")),
       attribute(kOptional, 9, hex("0a000001")), attribute(kOptional, 10, hex("0a000001 0a000002")),
       attribute(kOptional, 15, hex("0002 01 30 20010db80009")),
       attribute(kOptionalTransitive, 16, Bytes(16, 1)),
       attribute(kOptionalTransitive, 32, Bytes(300, 1)),
       attribute(kOptionalTransitive, 35, hex("0000fde9")),
       attribute(kOptionalTransitive, 77, Bytes(9, 1))});
  const Bytes reach = attribute(kOptional, 14, mp_reach_value());
  return update(kWithdrawn, joined({reach, good_attributes(), more}), kNlri);
}

std::vector<Bytes> good_messages() {
  return {open_with(hex("01 04 0001 00 01  01 04 0002 00 01  02 00  05 06 0001 0001 0002  09 01 03"
                        "40 0a c078 0001 01 80 0002 01 00  41 04 0000fde9  46 00  49 02 0178")),
          rich_update(), message(MessageType::kNotification, hex("06 02 04 676f6e65")),
          message(MessageType::kKeepalive, {}),
          message(MessageType::kRouteRefresh, hex("0001 00 01"))};
}

const Negotiated kNegotiated{.internal = true,
                             .four_octet_as = true,
                             .ipv4_over_ipv6 = true,
                             .families = {.ipv4 = true, .ipv6 = true}};

void set_length(Bytes& message) {
  message[16] = static_cast<std::uint8_t>(message.size() >> 8);
  message[17] = static_cast<std::uint8_t>(message.size() & 0xff);
}

TEST(Mutations, TheMessagesThemselvesAreGood) {
  for (const Bytes& good : good_messages()) {
    const auto decoded = decode(good, kNegotiated);
    ASSERT_TRUE(decoded) << error_of(decoded);
    const auto* update = std::get_if<Update>(&*decoded);
    EXPECT_TRUE(update == nullptr || update->problems.empty());
  }
}

TEST(Mutations, AMessageCutAnywhereIsAnErrorOfItsLength) {
  for (const Bytes& good : good_messages())
    for (std::size_t size = 0; size < good.size(); ++size)
      EXPECT_EQ(error_of(decode(ByteView(good).first(size), kNegotiated)),
                "Message Header Error / Bad Message Length");
}

/// The errors that may come are those of the message's own type.
TEST(Mutations, AMessageThatEndsEarlyIsAnsweredInItsOwnTerms) {
  for (const Bytes& good : good_messages()) {
    for (std::size_t size = kHeaderSize; size < good.size(); ++size) {
      Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      set_length(cut);
      const auto decoded = decode(cut, kNegotiated);
      if (decoded) continue;
      const auto type = good[18];
      const bool of_header = decoded.error().code == 1 && decoded.error().subcode == 2;
      EXPECT_TRUE(of_header || decoded.error().code == type + 1) << error_of(decoded);
      EXPECT_TRUE(of_header || type != 3) << "a NOTIFICATION is not answered for what it says";
    }
  }
}

TEST(Mutations, AnyByteMayHaveAnyValue) {
  std::size_t answers = 0;
  for (const Bytes& good : good_messages()) {
    for (std::size_t at = kHeaderSize; at < good.size(); ++at) {
      for (std::size_t value = 0; value < 256; ++value) {
        Bytes changed = good;
        changed[at] = static_cast<std::uint8_t>(value);
        const auto decoded = decode(changed, kNegotiated);
        EXPECT_TRUE(decoded || decoded.error().code != 0);
        ++answers;
      }
    }
  }
  EXPECT_GT(answers, 100000U);
}

/// What has crashed others: a capability past its parameter, an empty path, no prefixes at all, a
/// shutdown text that is shorter than it says.
TEST(Mutations, ShapesThatCrashedOthersAreAnswered) {
  EXPECT_FALSE(decode(open(hex("02 02 41 ff")), {}));
  EXPECT_FALSE(decode(open(hex("02 04 45 03 00 01")), {}));
  EXPECT_TRUE(decode(open_with(hex("49 00")), {}));
  for (const bool internal : {false, true})
    EXPECT_TRUE(decode(update({}, joined({origin(), as_path({}), next_hop()}), kNlri),
                       {.internal = internal}));
  EXPECT_TRUE(decode(update({}, good_attributes(), {}), kNegotiated));
  EXPECT_TRUE(decode(update({}, good_attributes(), {0}), kNegotiated));
  EXPECT_TRUE(decode(update({0}, {}, {}), kNegotiated));
  EXPECT_FALSE(decode(update({}, attribute(kOptional, 14, hex("0002 01 00 00")), {}), kNegotiated));
  EXPECT_TRUE(decode(update({}, attribute(kOptional, 15, hex("0002 01 00")), {}), kNegotiated));
  const auto text = decode(message(MessageType::kNotification, hex("06 02 80 41")), {});
  ASSERT_TRUE(text);
  EXPECT_EQ(shutdown_text(std::get<Notification>(*text)), std::nullopt);
}

TEST(Mutations, AThousandRepetitionsAreOneProblem) {
  Bytes repeated;
  for (int i = 0; i < 900; ++i) repeated = joined({repeated, attribute(kOptional, 77, {1})});
  const auto decoded =
      decode(update({}, joined({good_attributes(), repeated}), kNlri), kNegotiated);
  ASSERT_TRUE(decoded) << error_of(decoded);
  EXPECT_EQ(std::get<Update>(*decoded).problems.size(), 1U);
}

}  // namespace
}  // namespace fairlead::bgp
