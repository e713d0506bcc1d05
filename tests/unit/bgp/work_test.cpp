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

TEST(Work, APrefixCostsTheSameHoweverManyStandBeforeIt) {
  const Negotiated negotiated{.four_octet_as = true};
  std::vector<Bytes> messages;
  for (const std::size_t prefixes : {20, 60, 100})
    messages.push_back(update({}, good_attributes(), nlri_of(prefixes)));
  const auto steps = test::steps_of([&](const test::CountSteps& count) {
    for (const Bytes& message : messages) count([&] { ASSERT_TRUE(decode(message, negotiated)); });
  });
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_LT(steps[2] - steps[1], 2 * (steps[1] - steps[0]))
      << steps[0] << " for 20, " << steps[1] << " for 60, " << steps[2] << " for 100";
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
