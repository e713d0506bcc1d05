// What operators read.
#include "dataplane/bgp/text.hpp"

#include <gtest/gtest.h>

namespace fairlead::bgp {
namespace {

TEST(Text, IsWhatOperatorsWrite) {
  EXPECT_EQ(to_string(AsNumber{4200000001}), "4200000001");
  EXPECT_EQ(to_string(RouterId{0x0a000102}), "10.0.1.2");
  EXPECT_EQ(to_string(Community{65001U << 16 | 7}), "65001:7");
  EXPECT_EQ(to_string(kNoExport), "no-export");
  EXPECT_EQ(to_string(LargeCommunity{70000, 1, 2}), "70000:1:2");
  EXPECT_EQ(to_string(ExtendedCommunity{{0, 2, 0xfd, 0xe9, 0, 0, 0, 1}}), "0002fde900000001");
  EXPECT_EQ(to_string(Origin::kIncomplete), "incomplete");
}

TEST(Text, APathReadsFromTheNearestOn) {
  AsPath path{{{AsSegment::Kind::kSet, {AsNumber{3}, AsNumber{4}}}}};
  path.prepend(AsNumber{2});
  path.prepend(AsNumber{1});
  EXPECT_EQ(to_string(path), "1 2 {3,4}");
  EXPECT_EQ(to_string(AsPath{}), "");
}

}  // namespace
}  // namespace fairlead::bgp
