// The histogram against the exact values: a sorted list of the same samples.
#include "bench/results/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <ratio>

namespace fairlead::bench {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

constexpr double kPrecision = 0.001;

/// Spread evenly over the orders of magnitude from 1 ns to an hour.
std::vector<std::int64_t> samples_of_all_sizes(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0, std::log(3.6e12));
  std::vector<std::int64_t> samples(count);
  std::generate(samples.begin(), samples.end(),
                [&] { return static_cast<std::int64_t>(std::exp(exponent(random))); });
  return samples;
}

Histogram histogram_of(const std::vector<std::int64_t>& samples) {
  Histogram histogram;
  for (const std::int64_t sample : samples) histogram.record(nanoseconds(sample));
  return histogram;
}

TEST(Histogram, QuantilesAreThoseOfTheSortedSamplesWithinThreeDigits) {
  for (const std::size_t count : {1U, 2U, 3U, 10U, 1000U, 99991U}) {
    std::vector<std::int64_t> samples = samples_of_all_sizes(count, static_cast<unsigned>(count));
    const Histogram histogram = histogram_of(samples);
    std::sort(samples.begin(), samples.end());
    for (const std::size_t thousandth :
         {1U, 10U, 100U, 250U, 500U, 750U, 900U, 990U, 999U, 1000U}) {
      const std::size_t rank = std::max<std::size_t>((thousandth * count + 999) / 1000, 1);
      const auto exact = static_cast<double>(samples[rank - 1]);
      const auto read =
          static_cast<double>(histogram.quantile(static_cast<double>(thousandth) / 1000).count());
      EXPECT_GE(read, exact) << "the highest value that is the same";
      EXPECT_LE(read, exact * (1 + kPrecision)) << thousandth << " of " << count;
    }
  }
}

TEST(Histogram, ValuesBelowTwoMicrosecondsAreExact) {
  for (std::int64_t value = 0; value < 2048; ++value) {
    Histogram histogram;
    histogram.record(nanoseconds(value));
    ASSERT_EQ(histogram.max(), nanoseconds(value));
  }
}

TEST(Histogram, EdgesOfPowersOfTwoStayInOrderAndPrecise) {
  for (int power = 0; power < 42; ++power) {
    for (const std::int64_t offset : {-1, 0, 1}) {
      const std::int64_t value =
          std::min((std::int64_t{1} << power) + offset, nanoseconds(1h).count());
      Histogram histogram;
      histogram.record(nanoseconds(value));
      EXPECT_GE(histogram.max().count(), value);
      EXPECT_LE(static_cast<double>(histogram.max().count()),
                static_cast<double>(value) * (1 + kPrecision));
    }
  }
}

TEST(Histogram, ExtremesAreNoughtAndAnHour) {
  Histogram histogram;
  histogram.record(-5ns);
  histogram.record(0ns);
  histogram.record(1h);
  histogram.record(nanoseconds::max());
  EXPECT_EQ(histogram.count(), 4U);
  EXPECT_EQ(histogram.quantile(0), 0ns);
  EXPECT_EQ(histogram.quantile(0.5), 0ns);
  EXPECT_EQ(histogram.quantile(0.51), 1h);
  EXPECT_EQ(histogram.max(), 1h);
  EXPECT_EQ(histogram.buckets(), (std::vector<Histogram::Bucket>{{0ns, 2}, {1h, 2}}));
}

TEST(Histogram, AnEmptyOneHasQuantilesOfZero) {
  EXPECT_EQ(Histogram().count(), 0U);
  EXPECT_EQ(Histogram().quantile(0.5), 0ns);
  EXPECT_EQ(Histogram().max(), 0ns);
  EXPECT_TRUE(Histogram().buckets().empty());
}

TEST(Histogram, PartsThatMakeNoSenseAreTheNearestThatDo) {
  const Histogram histogram = histogram_of({10, 20, 30});
  EXPECT_EQ(histogram.quantile(-1), 10ns);
  EXPECT_EQ(histogram.quantile(7), 30ns);
}

TEST(Histogram, ARankThatIsNotExactInBinaryIsNotRoundedUp) {
  Histogram histogram;
  for (int value = 1; value <= 100; ++value) histogram.record(nanoseconds(value));
  for (int percent = 1; percent <= 100; ++percent)
    EXPECT_EQ(histogram.quantile(percent / 100.0), nanoseconds(percent));
}

TEST(Histogram, AMergedOneIsThatOfAllSamples) {
  std::vector<std::int64_t> all = samples_of_all_sizes(5000, 1);
  const std::vector<std::int64_t> more = samples_of_all_sizes(7000, 2);
  Histogram merged = histogram_of(all);
  merged.add(histogram_of(more));
  merged.add(Histogram());
  all.insert(all.end(), more.begin(), more.end());
  EXPECT_EQ(merged.count(), 12000U);
  EXPECT_EQ(merged.buckets(), histogram_of(all).buckets());
}

TEST(Histogram, ItsBucketsRecordedAgainMakeTheSame) {
  const Histogram histogram = histogram_of(samples_of_all_sizes(20000, 3));
  Histogram again;
  for (const Histogram::Bucket& bucket : histogram.buckets())
    again.record(bucket.value, bucket.count);
  EXPECT_EQ(again.buckets(), histogram.buckets());
  EXPECT_EQ(again.count(), histogram.count());
  EXPECT_EQ(again.max(), histogram.max());
}

TEST(Histogram, OneOfManyTimesCountsAsManyTimes) {
  Histogram histogram;
  histogram.record(1us, 999);
  histogram.record(1ms);
  histogram.record(1s, 0);
  EXPECT_EQ(histogram.count(), 1000U);
  EXPECT_EQ(histogram.quantile(0.999), 1us);
  EXPECT_NEAR(static_cast<double>(histogram.max().count()), 1e6, 1e3);
}

}  // namespace
}  // namespace fairlead::bench
