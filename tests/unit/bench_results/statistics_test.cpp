#include "bench/results/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace fairlead::bench {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(Statistics, QuartilesAreThoseOfType7) {
  // numpy.quantile([...], [.25, .5, .75]) of the same.
  EXPECT_EQ(quartiles({1, 2, 3, 4}), (Quartiles{1.75, 2.5, 3.25}));
  EXPECT_EQ(quartiles({40, 10, 20, 30, 50}), (Quartiles{20, 30, 40}));
  EXPECT_EQ(quartiles({7}), (Quartiles{7, 7, 7}));
  EXPECT_DOUBLE_EQ(quantile(std::vector<double>{0, 10}, 0.95), 9.5);
  EXPECT_DOUBLE_EQ(quantile(std::vector<double>{3, 4, 9}, 1), 9);
}

TEST(Statistics, RatiosAreOfTheSameRound) {
  EXPECT_THAT(ratios(std::vector<double>{2, 9, 8}, std::vector<double>{1, 3, 2}),
              ElementsAre(2, 3, 4));
  // A round that one of them lacks is left out; it does not shift the others.
  EXPECT_THAT(ratios(std::vector<double>{2, kNone, 8}, std::vector<double>{1, 3, 2}),
              ElementsAre(2, 4));
  EXPECT_THAT(ratios(std::vector<double>{2, 9, 8}, std::vector<double>{1, kNone}), ElementsAre(2));
  EXPECT_THAT(ratios(std::vector<double>{2, 9}, std::vector<double>{1, 0}), IsEmpty());
}

TEST(Statistics, ABootstrapIsTheSameEachTime) {
  const std::vector<double> samples{5, 1, 4, 2, 3, 9, 7};
  EXPECT_EQ(median_interval(samples), median_interval(samples));
  EXPECT_EQ(resampled_medians(samples, {.seed = 7}), resampled_medians(samples, {.seed = 7}));
  EXPECT_NE(resampled_medians(samples, {.seed = 7}), resampled_medians(samples, {.seed = 8}));
  EXPECT_EQ(resampled_medians(samples, {}).size(), 2000U);
  EXPECT_EQ(median_interval({3}), (Interval{3, 3}));
}

TEST(Statistics, MediansOfThreeSamplesAreDrawnAsOftenAsCounted) {
  // Of 27 draws from three, 7 have the least as their median, 13 the middle one, 7 the largest.
  const auto medians = resampled_medians({1, 2, 3}, {.resamples = 100000});
  const auto part = [&](double value) {
    return static_cast<double>(std::ranges::count(medians, value)) / 100000;
  };
  EXPECT_THAT(part(1), DoubleNear(7.0 / 27, 0.01));
  EXPECT_THAT(part(2), DoubleNear(13.0 / 27, 0.01));
  EXPECT_THAT(part(3), DoubleNear(7.0 / 27, 0.01));
}

/// How many of 1,000 intervals hold the truth.
template <class Trial>
double coverage(Trial trial) {
  int covered = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    std::mt19937_64 random(seed);
    covered += trial(random) ? 1 : 0;
  }
  return covered / 1000.0;
}

std::vector<double> noise(std::mt19937_64& random, std::size_t size, double middle) {
  std::lognormal_distribution<double> distribution(std::log(middle), 0.1);
  std::vector<double> samples;
  while (samples.size() < size) samples.push_back(distribution(random));
  return samples;
}

TEST(Statistics, AnIntervalOf95PercentHoldsTheMedianAboutThatOften) {
  for (const std::size_t size : {6, 7, 9, 10, 15, 30}) {
    const double part = coverage([&](std::mt19937_64& random) {
      const Interval interval = median_interval(noise(random, size, 40000), {.resamples = 500});
      return interval.low <= 40000 && 40000 <= interval.high;
    });
    EXPECT_GE(part, 0.90) << size << " samples";
    EXPECT_LE(part, 0.99) << size << " samples";
  }
}

TEST(Statistics, AnIntervalOfARatioOfSamplesOfOneRoundHoldsTheTruth) {
  const double part = coverage([&](std::mt19937_64& random) {
    // Rounds differ by far more than ways: the ratio does not feel it.
    auto direct = noise(random, 15, 40000), other = noise(random, 15, 30000);
    for (std::size_t i = 0; i < 15; ++i) {
      const double round = noise(random, 1, 1)[0] * (i < 7 ? 1 : 3);
      direct[i] *= round;
      other[i] *= round;
    }
    const Interval interval = median_interval(ratios(other, direct), {.resamples = 500});
    return interval.low <= 0.75 && 0.75 <= interval.high && interval.high - interval.low < 0.4;
  });
  EXPECT_GE(part, 0.90);
  EXPECT_LE(part, 0.99);
}

TEST(Statistics, AnIntervalOfTheRatioOfTwoRunsHoldsTheTruth) {
  const double part = coverage([&](std::mt19937_64& random) {
    const auto change =
        median_ratio(noise(random, 15, 1), noise(random, 15, 1.1), {.resamples = 500});
    return change.interval.low <= 1.1 && 1.1 <= change.interval.high;
  });
  EXPECT_GE(part, 0.90);
  EXPECT_LE(part, 0.99);
  EXPECT_DOUBLE_EQ(median_ratio({1, 2, 3}, {3, 4, 5}).ratio, 2);
}

TEST(Statistics, MannWhitneyCountsOrders) {
  // 3 below 3: two of the 20 orders are as far apart. 4 below 4: two of 70.
  EXPECT_DOUBLE_EQ(mann_whitney({1, 2, 3}, {4, 5, 6}), 0.1);
  EXPECT_DOUBLE_EQ(mann_whitney({4, 5, 6}, {1, 2, 3}), 0.1);
  EXPECT_DOUBLE_EQ(mann_whitney({1, 2, 3, 4}, {5, 6, 7, 8}), 2.0 / 70);
  EXPECT_DOUBLE_EQ(mann_whitney({1, 2}, {3, 4, 5}), 0.2);
  // One pair the other way: U is 0 or 1 in 1 + 1 of 20 orders on each side.
  EXPECT_DOUBLE_EQ(mann_whitney({1, 2, 4}, {3, 5, 6}), 0.2);
  EXPECT_DOUBLE_EQ(mann_whitney({1, 4, 5}, {2, 3, 6}), 1);
  EXPECT_DOUBLE_EQ(least_mann_whitney(3, 3), 0.1);
  EXPECT_DOUBLE_EQ(least_mann_whitney(15, 15), 2 / 155117520.0);
  // R: wilcox.test(c(1,1,2,3,3), c(3,4,4,5,6), exact = FALSE)$p.value
  EXPECT_THAT(mann_whitney({1, 1, 2, 3, 3}, {3, 4, 4, 5, 6}), DoubleNear(0.0190, 0.003));
  EXPECT_DOUBLE_EQ(mann_whitney({5, 5, 5}, {5, 5, 5}), 1);
}

TEST(Statistics, BenjaminiAndHochbergKeepWhatTheirPaperKeeps) {
  // Section 3.2 of the paper: 15 p-values, of which 4 hold at 0.05.
  const std::vector<double> p{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                              0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
  const auto holds = benjamini_hochberg(p, 0.05);
  EXPECT_EQ(std::ranges::count(holds, true), 4);
  EXPECT_TRUE(holds[3]);
  EXPECT_FALSE(holds[4]);
  EXPECT_THAT(benjamini_hochberg({}, 0.05), IsEmpty());
}

}  // namespace
}  // namespace fairlead::bench
