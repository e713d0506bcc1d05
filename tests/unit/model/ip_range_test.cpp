// Ranges of addresses: counting, and the ends of the address space.
#include "model/ip_range.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fairlead {
namespace {

IpRange range(std::string_view text) { return parse_ip_range(text).value(); }

TEST(IpRange, CountsItsAddresses) {
  EXPECT_EQ(range("10.0.0.0/24").size(), 256U);
  EXPECT_EQ(range("10.0.0.5-10.0.0.5").size(), 1U);
  EXPECT_EQ(range("0.0.0.0/0").size(), 1ULL << 32U);
  EXPECT_EQ(range("fd00::/65").size(), 1ULL << 63U);
  EXPECT_EQ(range("fd00::ffff:ffff:ffff:ffff-fd00:0:0:1::1").size(), 3U);
  EXPECT_EQ(range("fd00::/64").size(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(range("::/0").size(), std::numeric_limits<std::uint64_t>::max());
}

TEST(IpRange, KeepsFamiliesApart) {
  EXPECT_FALSE(range("::/0").contains(*parse_ip("10.0.0.1")));
  EXPECT_FALSE(range("::/0").overlaps(range("10.0.0.0/8")));
  EXPECT_TRUE(range("10.0.0.0/8").overlaps(range("10.255.255.255-11.0.0.1")));
  EXPECT_FALSE(range("10.0.0.0/8").overlaps(range("11.0.0.0/8")));
}

TEST(IpRange, IsWrittenAsItIsRead) {
  EXPECT_EQ(to_string(range("10.0.0.8/30")), "10.0.0.8-10.0.0.11");
  EXPECT_EQ(range(" 10.0.0.1 - 10.0.0.2 "), range("10.0.0.1-10.0.0.2"));
  for (const char* bad : {"", "-", "10.0.0.1-", "10.0.0.2-10.0.0.1", "10.0.0.1", "10.0.0.1-::1"}) {
    EXPECT_FALSE(parse_ip_range(bad)) << bad;
  }
}

TEST(IpRange, EndsWithTheLastAddress) {
  EXPECT_EQ(next_address(*parse_ip("10.0.255.255")), *parse_ip("10.1.0.0"));
  EXPECT_EQ(next_address(*parse_ip("fd00::ffff")), *parse_ip("fd00::1:0"));
  EXPECT_EQ(next_address(*parse_ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), std::nullopt);
}

}  // namespace
}  // namespace fairlead
