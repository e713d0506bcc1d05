#include "bench/results/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "simulate.hpp"

namespace fairlead::bench {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

bool found_anything(const Comparison& comparison) {
  return std::ranges::any_of(comparison.changes, [](const Change& one) {
    return one.verdict == Verdict::kBetter || one.verdict == Verdict::kWorse;
  });
}

/// Pairs of runs of the same thing, of 200, in which something is called a change.
int false_alarms(Simulation simulation) {
  int alarms = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    simulation.seed = 2 * seed;
    const Results a = simulate(simulation);
    simulation.seed = 2 * seed + 1;
    alarms += found_anything(compare(a, simulate(simulation), {.resamples = 300})) ? 1 : 0;
  }
  return alarms;
}

TEST(Compare, NoiseIsNotCalledAChange) { EXPECT_LT(false_alarms({}), 10); }

TEST(Compare, NoiseOfFewRoundsIsNotCalledAChange) {
  EXPECT_LT(false_alarms({.rounds = 5, .subjects = 6, .sample_noise = 0.1}), 10);
}

TEST(Compare, NoiseOfFiguresWithoutADirectWayIsNotCalledAChange) {
  EXPECT_LT(false_alarms({.ways = {"ebpf", "nftables"}, .round_noise = 0.05}), 10);
}

TEST(Compare, ThatEachWorldOfEachRunIsSlowOrFastIsNotCalledAChange) {
  // Five times what the samples of a run say: without "direct again" nearly all would seem changed.
  EXPECT_LT(false_alarms({.world_noise = 0.05}), 10);
  EXPECT_LT(false_alarms({.subjects = 4, .world_noise = 0.05}), 10);
}

TEST(Compare, SaysThatTooFewRowsOfDirectAgainAreNoMeasure) {
  const Results a = simulate({.seed = 1, .subjects = 2}), b = simulate({.seed = 2, .subjects = 2});
  EXPECT_THAT(compare(a, b).warnings, ElementsAre(HasSubstr("is in 2 of the rows")));
}

std::vector<Change> of(const Comparison& comparison, Verdict verdict) {
  std::vector<Change> changes;
  std::ranges::copy_if(comparison.changes, std::back_inserter(changes),
                       [&](const Change& one) { return one.verdict == verdict; });
  return changes;
}

TEST(Compare, AChangeOfTenPercentIsFound) {
  int found = 0, wrong = 0, covered = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Results a = simulate({.seed = 2 * seed});
    const Results b = simulate({.seed = 2 * seed + 1, .changed = 1, .change = 0.9});
    const Comparison comparison = compare(a, b, {.resamples = 300});
    for (const Change& change : of(comparison, Verdict::kWorse)) {
      const bool is_it = change.way == "ebpf" && change.subject.test == "test 0";
      (is_it ? found : wrong) += 1;
    }
    const Change& it = comparison.changes[0];
    EXPECT_EQ(it.way, "ebpf");
    covered += it.interval->low <= -0.1 && -0.1 <= it.interval->high ? 1 : 0;
  }
  EXPECT_GE(found, 80) << "of 100, one row of 24 changed";
  EXPECT_LE(wrong, 5);
  EXPECT_GE(covered, 88) << "intervals of 95 %";
}

TEST(Compare, AChangeOfTenPercentEverywhereIsFoundEverywhere) {
  const Results a = simulate({.seed = 1});
  const Results b = simulate({.seed = 2, .changed = 12, .change = 1 / 0.9});
  const auto better = of(compare(a, b), Verdict::kBetter);
  EXPECT_THAT(better, SizeIs(testing::Ge(11U)));
  EXPECT_THAT(better, Each(Field(&Change::way, "ebpf")));
  EXPECT_THAT(of(compare(b, a), Verdict::kWorse), SizeIs(better.size()));
}

TEST(Compare, LessIsBetterWhereTheSubjectSaysSo) {
  Results a = simulate({.seed = 1, .ways = {"ebpf"}, .round_noise = 0});
  Results b = simulate({.seed = 2, .ways = {"ebpf"}, .round_noise = 0, .changed = 12, .change = 2});
  EXPECT_THAT(of(compare(a, b), Verdict::kBetter), SizeIs(12));
  for (Results* results : {&a, &b}) {
    for (Series& series : results->series) series.subject.better = Better::kLess;
  }
  EXPECT_THAT(of(compare(a, b), Verdict::kWorse), SizeIs(12));
}

TEST(Compare, FewerThanFourSamplesAreTooFew) {
  for (const std::size_t rounds : {1, 3}) {
    const Results a = simulate({.seed = 1, .rounds = rounds});
    const Results b = simulate({.seed = 2, .rounds = rounds, .changed = 12, .change = 5});
    const auto changes = compare(a, b).changes;
    EXPECT_THAT(changes, SizeIs(24));
    EXPECT_THAT(changes, Each(Field(&Change::verdict, Verdict::kTooFewSamples)));
  }
}

TEST(Compare, SaysThatFewRoundsCannotShowOneChangeAmongMany) {
  const Results a = simulate({.seed = 1, .rounds = 5}), b = simulate({.seed = 2, .rounds = 5});
  EXPECT_THAT(compare(a, b).warnings,
              ElementsAre(HasSubstr("24 of 24 comparisons have so few samples")));
}

TEST(Compare, WhatDirectAgainShowsInTheRowIsNoChange) {
  const auto run = [](double again, double ebpf) {
    Results results = simulate({.subjects = 1, .round_noise = 0, .sample_noise = 0.001});
    for (double& sample : results.series[1].samples) sample *= again;
    for (double& sample : results.series[2].samples) sample *= ebpf;
    return results;
  };
  const auto verdict = [](const Comparison& comparison) { return comparison.changes[0].verdict; };
  EXPECT_EQ(verdict(compare(run(1, 1), run(1, 1.1))), Verdict::kBetter);
  EXPECT_EQ(verdict(compare(run(1, 1), run(1.12, 1.1))), Verdict::kNoChange);
  EXPECT_EQ(verdict(compare(run(1.06, 1), run(0.95, 1.1))), Verdict::kNoChange);
  EXPECT_EQ(verdict(compare(run(1.12, 1), run(1.12, 1.1))), Verdict::kNoChange);
}

TEST(Compare, ZerosHaveNoPercentButAVerdict) {
  const auto run = [](double lost) {
    Results results = simulate({.rounds = 9, .subjects = 1, .ways = {"ebpf"}});
    results.series[0].subject.better = Better::kLess;
    for (double& sample : results.series[0].samples) sample = lost;
    return results;
  };
  const auto none = compare(run(0), run(0)).changes, some = compare(run(0), run(3)).changes;
  EXPECT_EQ(none[0].verdict, Verdict::kNoChange);
  EXPECT_EQ(some[0].verdict, Verdict::kWorse);
  EXPECT_FALSE(some[0].change);
  EXPECT_THAT(to_table(compare(run(0), run(3)), 120, false), HasSubstr("0 -> 3"));
}

TEST(Compare, WarnsOfSettingsThatDiffer) {
  Results a = simulate({}), b = simulate({});
  EXPECT_THAT(compare(a, b, {.resamples = 100}).warnings, IsEmpty());
  b.setting.kernel = "6.12.0";
  b.setting.command = "fairlead bench --quick";
  b.setting.mitigations = {"mds: off"};
  b.series.pop_back();
  EXPECT_THAT(compare(a, b, {.resamples = 100}).warnings,
              ElementsAre("kernel differs: 6.1.0; 6.12.0",
                          "command differs: fairlead bench; fairlead bench --quick",
                          "mitigations differ: ; mds: off",
                          "1 figures are in the first run alone and not compared"));
  b.setting.commit = "another";
  EXPECT_THAT(compare(a, b, {.resamples = 100}).warnings, SizeIs(4)) << "that is the question";
}

TEST(Compare, TheTableHasWhatChangedAndHowMuchDidNot) {
  const Results a = simulate({.seed = 1});
  const auto comparison = compare(a, simulate({.seed = 2, .changed = 12, .change = 0.8}));
  EXPECT_TRUE(has_worse(comparison));
  const std::string table = to_table(comparison, 120, false);
  EXPECT_THAT(table, AllOf(HasSubstr("worse"), HasSubstr("ebpf"), HasSubstr("test 0"),
                           HasSubstr("12 worse, 0 better, 12 without a change")));
  EXPECT_THAT(table, Not(HasSubstr("\033")));
  EXPECT_FALSE(has_worse(compare(a, a)));
}

TEST(Compare, TheJsonHasAllOfThem) {
  const Results a = simulate({.seed = 1});
  const auto document =
      boost::json::parse(to_json(compare(a, simulate({.seed = 2, .changed = 12, .change = 0.8}))));
  EXPECT_EQ(document.at("schema"), "fairlead.io/bench-comparison/v1");
  EXPECT_EQ(document.at("changes").as_array().size(), 24U);
  const auto& first = document.at("changes").at(0);
  EXPECT_EQ(first.at("verdict"), "worse");
  EXPECT_EQ(first.at("way"), "ebpf");
  EXPECT_NEAR(first.at("changePercent").as_double(), -20, 5);
  EXPECT_EQ(first.at("interval").as_array().size(), 2U);
}

}  // namespace
}  // namespace fairlead::bench
