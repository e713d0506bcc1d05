// OPEN, KEEPALIVE, ROUTE-REFRESH and the header: known bytes are what the RFCs draw, and what is
// encoded decodes to itself.
#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace std::chrono_literals;
using namespace wire;

Open full_open() {
  Open open{.as = AsNumber{4200000001}, .hold_time = 90s, .router_id = RouterId{0x0a000001}};
  open.capabilities = {.families = {.ipv4 = true, .ipv6 = true},
                       .route_refresh = true,
                       .enhanced_route_refresh = true,
                       .ipv4_over_ipv6 = true,
                       .four_octet_as = true,
                       .graceful_restart = GracefulRestart{.restarting = true,
                                                           .notification = true,
                                                           .time = 120s,
                                                           .families = {true, true},
                                                           .forwarding = {true, false}},
                       .role = Role::kCustomer};
  return open;
}

TEST(Messages, AnOpenWithEveryCapabilityComesBackAsItWas) {
  Bytes bytes;
  encode(full_open(), bytes);
  const auto decoded = decode(bytes, {});
  ASSERT_TRUE(decoded) << error_of(decoded);
  EXPECT_EQ(std::get<Open>(*decoded), full_open());
}

TEST(Messages, AnOpenWithEveryCapabilityIsWhatTheRfcsDraw) {
  Bytes bytes;
  encode(full_open(), bytes);
  EXPECT_EQ(bytes, joined({Bytes(16, 0xff), hex("004c 01"),
                           hex("04 5ba0 005a 0a000001"),  // RFC 6793 4.2.1: AS_TRANS
                           hex("2f 02 2d"),               // RFC 5492 4
                           hex("01 04 0001 00 01"),       // RFC 4760 8
                           hex("01 04 0002 00 01"),       // RFC 4760 8
                           hex("02 00"),                  // RFC 2918 2
                           hex("05 06 0001 0001 0002"),   // RFC 8950 4
                           hex("09 01 03"),               // RFC 9234 4.1
                           hex("40 0a c078 0001 01 80"),  // RFC 4724 3, RFC 8538 2
                           hex("0002 01 00"),             // its second family
                           hex("41 04 fa56ea01"),         // RFC 6793 3
                           hex("46 00")}));               // RFC 7313 3.1
}

TEST(Messages, AnOpenWithoutCapabilitiesHasNoParameters) {
  const Open plain{.as = AsNumber{65001}, .hold_time = 90s, .router_id = RouterId{0x0a000001}};
  Bytes bytes;
  encode(plain, bytes);
  EXPECT_EQ(bytes, open({}));
  EXPECT_EQ(std::get<Open>(*decode(bytes, {})), plain);
}

TEST(Messages, AKeepaliveIsItsHeader) {
  Bytes bytes;
  encode(Keepalive{}, bytes);
  EXPECT_EQ(bytes, joined({Bytes(16, 0xff), hex("0013 04")}));
  EXPECT_TRUE(std::holds_alternative<Keepalive>(*decode(bytes, {})));
}

TEST(Messages, ARouteRefreshComesBackAsItWas) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const auto kind :
         {RouteRefresh::Kind::kRequest, RouteRefresh::Kind::kBegin, RouteRefresh::Kind::kEnd}) {
      const RouteRefresh refresh{.family = family, .kind = kind};
      Bytes bytes;
      encode(refresh, bytes);
      EXPECT_EQ(bytes.size(), 23U);
      EXPECT_EQ(std::get<RouteRefresh>(*decode(bytes, {})), refresh);
    }
  }
}

TEST(Messages, ARouteRefreshOfAForeignFamilyIsNoError) {
  const auto decoded = decode(message(MessageType::kRouteRefresh, hex("0019 00 46")), {});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<RouteRefresh>(*decoded).family, std::nullopt);
  Bytes bytes;
  encode(std::get<RouteRefresh>(*decoded), bytes);
  EXPECT_TRUE(bytes.empty());
}

TEST(Messages, FiltersInARouteRefreshAreSkippedButNotInABeginOrEnd) {
  const auto request = decode(message(MessageType::kRouteRefresh, hex("0001 00 01 01 80 00")), {});
  EXPECT_TRUE(request) << "RFC 5291's entries, which nobody asked for";
  const Bytes begin = message(MessageType::kRouteRefresh, hex("0001 01 01 00"));
  const auto refused = decode(begin, {});
  EXPECT_EQ(error_of(refused), "ROUTE-REFRESH Message Error / Invalid Message Length");
  EXPECT_EQ(refused.error().data, begin) << "RFC 7313 5: the whole message";
}

/// RFC 4271 6.1.
TEST(Messages, AHeaderThatIsNoneIsAnsweredWithWhatIsWrong) {
  struct Case {
    Bytes bytes;
    std::string_view error;
    Bytes data;
  };
  const Bytes marker(16, 0xff);
  const std::vector<Case> cases{
      {joined({Bytes(15, 0xff), {0}, hex("0013 04")}), "Connection Not Synchronized", {}},
      {joined({marker, hex("0012 04")}), "Bad Message Length", hex("0012")},
      {joined({marker, hex("0000 04")}), "Bad Message Length", hex("0000")},
      {joined({marker, hex("1001 02")}), "Bad Message Length", hex("1001")},
      {joined({marker, hex("ffff 02")}), "Bad Message Length", hex("ffff")},
      {joined({marker, hex("0014 04 00")}), "Bad Message Length", hex("0014")},
      {joined({marker, hex("001c 01")}), "Bad Message Length", hex("001c")},
      {joined({marker, hex("0016 02")}), "Bad Message Length", hex("0016")},
      {joined({marker, hex("0014 03")}), "Bad Message Length", hex("0014")},
      {joined({marker, hex("0016 05")}), "Bad Message Length", hex("0016")},
      {joined({marker, hex("0013 00")}), "Bad Message Type", hex("00")},
      {joined({marker, hex("0013 06")}), "Bad Message Type", hex("06")},
      {joined({marker, hex("0017 02")}), "Bad Message Length", hex("0017")},  // and no body
  };
  for (const Case& wrong : cases) {
    const auto decoded = decode(wrong.bytes, {});
    EXPECT_EQ(error_of(decoded), "Message Header Error / " + std::string(wrong.error));
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().data, wrong.data);
  }
}

}  // namespace
}  // namespace fairlead::bgp
