// NOTIFICATIONs: their text for operators, their names, and what a hard reset wraps.
#include "dataplane/bgp/notification.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

TEST(Notifications, ComeBackAsTheyWere) {
  for (const auto& sent : {notification(ErrorCode::kHoldTimerExpired),
                           cease_notification(cease::kAdministrativeShutdown, "drained"),
                           notification(ErrorCode::kUpdate, 9, hex("80 0e 01 ee")),
                           Notification{77, 200, Bytes(4000, 1)}}) {
    Bytes bytes;
    encode(sent, bytes);
    EXPECT_EQ(std::get<Notification>(*decode(bytes, {})), sent);
  }
}

TEST(Notifications, AreCutToOneMessage) {
  Bytes bytes;
  encode(Notification{3, 9, Bytes(5000, 1)}, bytes);
  EXPECT_EQ(bytes.size(), kMaximumMessageSize);
  EXPECT_TRUE(decode(bytes, {}));
}

/// RFC 9003 2.
TEST(Notifications, AShutdownSaysWhyInUtf8) {
  const auto sent = cease_notification(cease::kAdministrativeShutdown, "Wartung um 3 Uhr, grüße");
  EXPECT_EQ(sent.data.front(), sent.data.size() - 1);
  EXPECT_EQ(shutdown_text(sent), "Wartung um 3 Uhr, grüße");
  EXPECT_EQ(shutdown_text(cease_notification(cease::kAdministrativeReset, "x")), "x");
}

TEST(Notifications, ALongTextIsCutBetweenCharacters) {
  const auto text = shutdown_text(
      cease_notification(cease::kAdministrativeShutdown, std::string(254, 'a') + "ü and more"));
  EXPECT_EQ(text, std::string(254, 'a'));
}

TEST(Notifications, OnlyShutdownsAndResetsCarryText) {
  EXPECT_TRUE(cease_notification(cease::kCollision, "x").data.empty());
  EXPECT_EQ(shutdown_text(Notification{6, cease::kCollision, hex("01 78")}), std::nullopt);
  EXPECT_EQ(shutdown_text(Notification{4, cease::kAdministrativeShutdown, hex("01 78")}),
            std::nullopt);
}

TEST(Notifications, ATextThatIsNotOneIsNoText) {
  for (const char* data :
       {"", "00", "05 78", "ff 78", "01 ff", "02 c0 80", "01 80", "02 c3 28", "03 e0 80 80",
        "03 ed a0 80", "04 f4 90 80 80", "04 f8 80 80 80", "01 c3", "02 e2 82"})
    EXPECT_EQ(shutdown_text(Notification{6, 2, hex(data)}), std::nullopt) << data;
  EXPECT_EQ(shutdown_text(Notification{6, 2, hex("01 78 ff")}), "x") << "what follows is not text";
}

/// RFC 8538 3.1.
TEST(Notifications, AHardResetWrapsItsReason) {
  const auto reason = cease_notification(cease::kAdministrativeShutdown, "gone");
  EXPECT_EQ(hard_reset(reason).data, hex("06 02 04 676f6e65"));
  EXPECT_EQ(hard_reset_reason(hard_reset(reason)), reason);
  EXPECT_EQ(hard_reset_reason(Notification{6, cease::kHardReset, hex("06")}), std::nullopt);
  EXPECT_EQ(hard_reset_reason(reason), std::nullopt);
}

TEST(Notifications, AreDescribedInIanasWordsOrByNumber) {
  EXPECT_EQ(describe(cease_notification(cease::kHardReset)), "Cease / Hard Reset");
  EXPECT_EQ(describe(notification(ErrorCode::kHoldTimerExpired)), "Hold Timer Expired");
  EXPECT_EQ(describe(Notification{6, 77, {}}), "Cease / 77");
  EXPECT_EQ(describe(Notification{99, 1, {}}), "error 99 / 1");
}

}  // namespace
}  // namespace fairlead::bgp
