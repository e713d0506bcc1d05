// What the options and the node's memory make of the tables' sizes.
#include "dataplane/ebpf/load.hpp"

#include <gtest/gtest.h>

namespace fairlead::ebpf {
namespace {

constexpr std::uint64_t kGi = std::uint64_t{1} << 30;

TEST(Sizes, FollowFromTheMemoryWhereTheOptionsAreOpen) {
  const Sizes large = sizes_of({}, 64 * kGi);
  EXPECT_EQ(large.flow4_buckets, 512U * 1024);
  EXPECT_EQ(large.flow6_buckets, 128U * 1024);
  EXPECT_EQ(large.records, 1024U * 1024);
  EXPECT_EQ(large.frontends, 256U * 1024);
  EXPECT_EQ(large.affinities, 64U * 1024);
  const Sizes small = sizes_of({}, 2 * kGi);
  EXPECT_EQ(small.flow4_buckets, 128U * 1024);
  EXPECT_EQ(small.records, 256U * 1024);
  EXPECT_EQ(sizes_of({}, 1).flow4_buckets, 32U * 1024) << "a sixteenth at least";
}

TEST(Sizes, AreWhatTheOptionsSayRoundedWhereTheyMustBePowersOfTwo) {
  Options options;
  options.flows_v4 = 5000;
  options.records = 70001;
  const Sizes sizes = sizes_of(options, 64 * kGi);
  EXPECT_EQ(sizes.flow4_buckets, 8192U);
  EXPECT_EQ(sizes.records, 70001U);
}

TEST(Sizes, ThatDifferAreAnotherGeneration) {
  Options options;
  const std::string name = generation_name(sizes_of(options, 64 * kGi));
  EXPECT_EQ(name, generation_name(sizes_of(options, 128 * kGi)));
  options.records = 4096;
  EXPECT_NE(name, generation_name(sizes_of(options, 64 * kGi)));
}

}  // namespace
}  // namespace fairlead::ebpf
