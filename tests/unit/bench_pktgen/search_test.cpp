// The search against devices of which the answer is known.
#include "bench/pktgen/search.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace fairlead::bench::pktgen {
namespace {

using LossAt = std::function<double(double rate)>;

struct Outcome {
  Throughput found;
  std::vector<std::pair<Trial, Verdict>> trials;
};

/// Runs a search; `generator` is the rate above which no generator gets.
Outcome search(const SearchOptions& options, const LossAt& loss, double generator = 1e12) {
  EXPECT_TRUE(check(options));
  Search search(options);
  Outcome outcome;
  while (const auto rate = search.next()) {
    const double sent_rate = std::min(*rate, generator);
    Trial trial{*rate, static_cast<std::uint64_t>(std::llround(sent_rate * 10)), 0, 10};
    trial.received = trial.sent - static_cast<std::uint64_t>(std::ceil(
                                      static_cast<double>(trial.sent) * loss(trial.sent_rate())));
    const Verdict verdict = search.add(trial);
    outcome.trials.emplace_back(trial, verdict);
    if (outcome.trials.size() > 200) {
      ADD_FAILURE() << "does not end";
      break;
    }
  }
  outcome.found = search.result();
  return outcome;
}

LossAt capacity(double packets) {
  return [packets](double rate) { return rate <= packets ? 0 : 1 - packets / rate; };
}

constexpr SearchOptions kOptions{
    .highest = 14'880'952, .resolution = 1000, .sending_tolerance = 0.001};

TEST(Search, FindsTheCapacityOfADevice) {
  for (const double packets : {1500.0, 100'000.0, 777'777.0, 7'440'476.0, 14'879'000.0}) {
    const auto [found, trials] = search(kOptions, capacity(packets));
    EXPECT_LE(found.passed, packets);
    EXPECT_GT(found.passed, packets - 1001);
    ASSERT_TRUE(found.failed);
    EXPECT_GT(*found.failed, packets);
    EXPECT_LE(*found.failed - found.passed, 1000.2);
    EXPECT_EQ(found.limit, Throughput::Limit::kDevice);
    EXPECT_LE(trials.size(), 16) << "log2(14880952 / 1000) and the first";
  }
}

TEST(Search, EndsAtOnceWhereTheHighestRatePasses) {
  const auto [found, trials] = search(kOptions, capacity(1e9));
  EXPECT_NEAR(found.passed, 14'880'952, 0.2);
  EXPECT_FALSE(found.failed);
  EXPECT_EQ(found.limit, Throughput::Limit::kHighest);
  EXPECT_EQ(trials.size(), 1);
}

TEST(Search, EndsWithNothingWhereEverythingIsLost) {
  const auto [found, trials] = search(kOptions, [](double) { return 1.0; });
  EXPECT_EQ(found.passed, 0);
  EXPECT_LE(*found.failed, 1000);
  EXPECT_LE(trials.size(), 16);
}

TEST(Search, DoesNotGoBelowTheLowest) {
  SearchOptions options = kOptions;
  options.lowest = 1'000'000;
  const auto [found, trials] = search(options, [](double) { return 1.0; });
  EXPECT_EQ(found.passed, 0);
  for (const auto& [trial, verdict] : trials) EXPECT_GE(trial.rate, 1'000'000);
}

TEST(Search, TakesAToleratedLossForNone) {
  SearchOptions options = kOptions;
  options.loss_tolerance = 0.01;
  const auto [found, trials] = search(options, capacity(100'000));
  EXPECT_NEAR(found.passed, 100'000 / 0.99, 1001);
  EXPECT_NEAR(search(kOptions, capacity(100'000)).found.passed, 100'000, 1001);
}

// Whatever the curve: what is found has passed, what failed has failed, and nothing that passed is
// above it within reach.
TEST(Search, EndsBetweenARateThatPassedAndOneThatFailedOnAnyCurve) {
  const std::vector<LossAt> curves{
      [](double rate) { return rate > 3e6 && rate < 4e6 ? 0.1
                               : rate > 9e6             ? 0.2
                                                        : 0; },
      [](double rate) { return std::fmod(rate, 2e6) > 1e6 ? 0.05 : 0; },
      [](double rate) { return std::sin(rate / 1e5) > 0.3 ? 0.01 : 0; },
      [](double rate) { return rate < 1e5   ? 0.5
                               : rate > 5e6 ? 0.1
                                            : 0; },
  };
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const auto [found, trials] = search(kOptions, curves[i]);
    double highest_passed = 0, lowest_failed = 1e12;
    for (const auto& [trial, verdict] : trials) {
      if (verdict == Verdict::kPassed) highest_passed = std::max(highest_passed, trial.sent_rate());
      if (verdict == Verdict::kLost) lowest_failed = std::min(lowest_failed, trial.rate);
    }
    EXPECT_NEAR(found.passed, highest_passed, 0.1) << i;  // a trial has whole packets
    EXPECT_DOUBLE_EQ(found.failed.value_or(1e12), lowest_failed) << i;
    EXPECT_LT(highest_passed, lowest_failed) << i;
  }
}

TEST(Search, ASlowGeneratorIsNoLossOfTheDevice) {
  const auto [found, trials] = search(kOptions, capacity(1e9), 400'000);
  EXPECT_EQ(found.limit, Throughput::Limit::kTester);
  EXPECT_NEAR(found.passed, 400'000, 1);
  EXPECT_EQ(trials.front().second, Verdict::kTesterSlow);
  for (const auto& [trial, verdict] : trials) EXPECT_NE(verdict, Verdict::kLost);
}

TEST(Search, WhatTheSinkMissedIsNoLossOfTheDevice) {
  Search search(kOptions);
  while (const auto rate = search.next()) {
    const auto sent = static_cast<std::uint64_t>(*rate * 10);
    const std::uint64_t taken = std::min<std::uint64_t>(sent, 3'000'000);  // in 10 s
    search.add({*rate, sent, taken, 10, sent - taken});
  }
  EXPECT_EQ(search.result().limit, Throughput::Limit::kTester);
  EXPECT_NEAR(search.result().passed, 300'000, 1001);
}

TEST(Search, ADeviceThatIsSlowerThanTheSlowGeneratorIsStillFound) {
  const auto [found, trials] = search(kOptions, capacity(250'000), 400'000);
  EXPECT_EQ(found.limit, Throughput::Limit::kDevice);
  EXPECT_NEAR(found.passed, 250'000, 1001);
  EXPECT_EQ(trials.front().second, Verdict::kLost);
  EXPECT_LE(trials.size(), 11) << "the first trial's loss was at 400,000, not at the line's rate";
}

TEST(Search, AGeneratorThatIsHeldUpOnceCostsTrialsButNoAnswer) {
  Search search(kOptions);
  int turn = 0;
  while (const auto rate = search.next()) {
    ASSERT_LT(++turn, 50);
    const bool held_up = turn == 4;
    const double sent_rate = held_up ? *rate / 10 : *rate;
    const auto sent = static_cast<std::uint64_t>(sent_rate * 10);
    const double part = capacity(2'000'000)(sent_rate);
    search.add(
        {*rate, sent, static_cast<std::uint64_t>(static_cast<double>(sent) * (1 - part)), 10});
  }
  EXPECT_LE(search.result().passed, 2'000'001);
  EXPECT_LE(*search.result().failed - search.result().passed, 1001);
}

TEST(Search, WithTriesALossMustBeSeenThatOften) {
  SearchOptions options = kOptions;
  options.tries = 3;
  Search search(options);
  const double rate = *search.next();
  const Trial lossy{rate, 1000, 999, 1000 / rate};
  EXPECT_EQ(search.add(lossy), Verdict::kTryAgain);
  EXPECT_EQ(search.next(), rate);
  EXPECT_EQ(search.add(lossy), Verdict::kTryAgain);
  EXPECT_EQ(search.add(lossy), Verdict::kLost);
  const double second = *search.next();
  EXPECT_LT(second, rate);
  EXPECT_EQ(search.add({second, 1000, 999, 1000 / second}), Verdict::kTryAgain);
  EXPECT_EQ(search.add({second, 1000, 1000, 1000 / second}), Verdict::kPassed);
}

TEST(Search, MoreReceivedThanSentIsNoLoss) {
  EXPECT_EQ((Trial{1, 10, 11, 1}.loss()), 0);
  EXPECT_DOUBLE_EQ((Trial{1, 10, 9, 1}.loss()), 0.1);
}

TEST(Search, BadOptionsAreRefusedByName) {
  EXPECT_EQ(check({.highest = 0, .resolution = 1}).error().doing, "highest rate: not above 0");
  EXPECT_EQ(check({.highest = 1, .lowest = 2, .resolution = 1}).error().doing,
            "lowest rate: not below the highest");
  EXPECT_EQ(check({.highest = 1}).error().doing, "resolution: not above 0");
  EXPECT_EQ(check({.highest = 1, .resolution = 1, .loss_tolerance = 1}).error().doing,
            "loss tolerance: not within 0 and 1");
  EXPECT_EQ(check({.highest = 1, .resolution = 1, .tries = 0}).error().doing, "tries: at least 1");
}

}  // namespace
}  // namespace fairlead::bench::pktgen
