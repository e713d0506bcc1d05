// Addresses as text and back, and what each range is.
#include "model/ip.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

Ip ip(std::string_view text) { return parse_ip(text).value(); }

TEST(Ip, TextRoundTrips) {
  for (const auto* text :
       {"10.96.0.1", "255.255.255.255", "::", "fd00::1", "2001:db8::ffff", "0.0.0.0"}) {
    EXPECT_EQ(to_string(ip(text)), text);
  }
}

TEST(Ip, RefusesWhatIsNotAnAddress) {
  for (const auto* text : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "::ffff:1.2.3.4",
                           "fe80::1%eth0", "10.0.0.1 ", "web"}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
  EXPECT_FALSE(parse_ip(std::string(10 << 20, '1')));
  EXPECT_LT(parse_ip(std::string(10 << 20, '1')).error().doing.size(), 200U);
}

TEST(Ip, KnowsItsRanges) {
  EXPECT_TRUE(ip("127.8.9.1").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("169.254.169.254").is_link_local());
  EXPECT_TRUE(ip("fe80::1").is_link_local());
  EXPECT_TRUE(ip("224.0.0.1").is_multicast());
  EXPECT_TRUE(ip("255.255.255.255").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
}

TEST(Cidr, ContainsItsOwnFamilyOnly) {
  const Cidr ten = parse_cidr(" 10.1.2.3/8 ").value();
  EXPECT_EQ(to_string(ten), "10.0.0.0/8");
  EXPECT_TRUE(ten.contains(ip("10.255.0.1")));
  EXPECT_FALSE(ten.contains(ip("11.0.0.1")));
  EXPECT_FALSE(ten.contains(ip("::")));
  const Cidr all_v6 = parse_cidr("::/0").value();
  EXPECT_TRUE(all_v6.contains(ip("fd00::1")));
  EXPECT_FALSE(all_v6.contains(ip("10.0.0.1")));
  EXPECT_TRUE(parse_cidr("fd00:244:1::/64").value().contains(ip("fd00:244:1::7")));
}

TEST(Cidr, RefusesWhatIsNotAPrefix) {
  for (const auto* text : {"", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "fd00::/129",
                           "/8", "10.0.0.0/-1"}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
}

TEST(Port, IsOneTo65535) {
  EXPECT_EQ(make_port(65535).value().host, 65535);
  for (const std::int64_t number : {0L, -1L, 65536L, 1L << 40}) EXPECT_FALSE(make_port(number));
}

}  // namespace
}  // namespace fairlead
