// UPDATEs there and back.
#include <gtest/gtest.h>

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/encode.hpp"

namespace fairlead::bgp {
namespace {

TEST(Updates, AnAnnouncementComesBackAsItWas) {
  const Negotiated negotiated{.internal = true, .four_octet_as = true, .families = {true, true}};
  for (const char* text : {"10.1.0.0/16", "fd00:1::/64"}) {
    const Prefix prefix = *parse_cidr(text);
    PathAttributes attributes;
    attributes.as_path.prepend(AsNumber{4200000001}, 2);
    attributes.next_hop.address =
        *parse_ip(prefix.family() == Family::kIpv4 ? "192.0.2.1" : "fe80::1");
    attributes.local_preference = 100;
    attributes.communities = {kNoExport};
    Bytes bytes;
    ASSERT_TRUE(encode_announcement(prefix.family(), attributes, {{prefix}}, negotiated, bytes));
    const auto decoded = decode(bytes, negotiated);
    ASSERT_TRUE(decoded) << describe(decoded.error());
    const auto& update = std::get<Update>(*decoded);
    ASSERT_EQ(update.announced.size(), 1U);
    EXPECT_EQ(update.announced[0], (Announcement{prefix.family(), attributes, {prefix}}));
    EXPECT_TRUE(update.problems.empty());
  }
}

}  // namespace
}  // namespace fairlead::bgp
