// The one place where received bytes are reached.
#include "dataplane/bgp/reader.hpp"

#include <gtest/gtest.h>

namespace fairlead::bgp {
namespace {

TEST(Reader, ReadsNumbersInNetworkByteOrder) {
  const Bytes bytes{1, 2, 3, 4, 5, 6, 7};
  Reader reader(bytes);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_TRUE(reader.empty());
}

TEST(Reader, APartCannotSeeBeyondItself) {
  const Bytes bytes{1, 2, 3, 4};
  Reader reader(bytes);
  auto part = reader.part(2);
  ASSERT_TRUE(part);
  EXPECT_FALSE(part->u32());
  EXPECT_EQ(reader.u16(), 0x0304);
}

TEST(Reader, AfterAFailureEveryReadFails) {
  const Bytes bytes{1};
  Reader reader(bytes);
  EXPECT_FALSE(reader.u16());
  EXPECT_FALSE(reader.u8()) << "else a caller that looks at the last of three reads is misled";
  EXPECT_FALSE(reader.bytes(1));
  EXPECT_TRUE(reader.bytes(0));
}

TEST(Reader, ACountNearTheEndOfNumbersIsNoWayRound) {
  const Bytes bytes{1, 2, 3};
  Reader reader(bytes);
  EXPECT_FALSE(reader.bytes(SIZE_MAX));
}

}  // namespace
}  // namespace fairlead::bgp
