// What a message costs, counted: memory is asked for by the message and not by the prefix, and a
// prefix takes the same few instructions wherever it stands.
#include <gtest/gtest.h>

#include "dataplane/bgp/prefixes.hpp"
#include "tests/steps/steps.hpp"
#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

/// `count` prefixes of /24.
Bytes nlri_of(std::size_t count) {
  Bytes nlri;
  for (std::size_t i = 0; i < count; ++i)
    nlri =
        joined({nlri, {24, 10, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}});
  return nlri;
}

/// The place for them is made before: what the allocator does depends on what was done earlier.
TEST(Work, APrefixCostsTheSameHoweverManyStandBeforeIt) {
  const std::vector<Bytes> fields{nlri_of(1), nlri_of(20), nlri_of(60), nlri_of(100)};
  std::vector<Prefix> prefixes;
  prefixes.reserve(100);
  const auto steps = test::steps_of([&](const test::CountSteps& count) {
    for (const Bytes& nlri : fields) {
      prefixes.clear();
      count([&] { read_prefixes(Reader(nlri), Family::kIpv4, prefixes); });
      EXPECT_EQ(prefixes.size(), nlri.size() / 4);
    }
  });
  ASSERT_EQ(steps.size(), 4U);  // the first one's resolve symbols, and are not looked at
  EXPECT_LT(steps[3] - steps[2], 2 * (steps[2] - steps[1]))
      << steps[1] << " for 20, " << steps[2] << " for 60, " << steps[3] << " for 100";
}

TEST(Work, PlaceForPrefixesIsMadeOnce) {
  const Bytes nlri = nlri_of(1000);
  std::vector<Prefix> prefixes;
  const auto read = read_prefixes(Reader(nlri), Family::kIpv4, prefixes);
  EXPECT_FALSE(read.malformed);
  EXPECT_EQ(prefixes.size(), 1000U);
  EXPECT_EQ(prefixes.capacity(), 1000U) << "reserved at once for prefixes of three bytes";
}

}  // namespace
}  // namespace fairlead::bgp
