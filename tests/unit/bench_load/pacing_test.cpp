// When the next one is due, without a clock.
#include "bench/load/pacing.hpp"

#include <gtest/gtest.h>

namespace fairlead::bench {
namespace {

using namespace std::chrono_literals;
constexpr Pacing::Time kStart{1h};

TEST(Pacing, AClosedLoopIsAlwaysDueUntilTheEnd) {
  Pacing pacing({.seconds = 2}, kStart);
  EXPECT_TRUE(pacing.is_due(kStart));
  pacing.take(1000);
  EXPECT_TRUE(pacing.is_due(kStart + 1999ms));
  EXPECT_EQ(pacing.next(kStart + 5ms), kStart + 5ms) << "latency counts from when it was asked";
  EXPECT_FALSE(pacing.is_due(kStart + 2s));
  EXPECT_TRUE(pacing.is_over(kStart + 2s));
}

TEST(Pacing, AnOpenLoopKeepsItsTimesHoweverLateItIs) {
  Pacing pacing({.seconds = 1, .rate = 100}, kStart);
  EXPECT_EQ(pacing.next(kStart), kStart);
  pacing.take();
  EXPECT_EQ(pacing.next(kStart + 700ms), kStart + 10ms);
  EXPECT_FALSE(pacing.is_due(kStart + 9ms));
  EXPECT_TRUE(pacing.is_due(kStart + 10ms));
}

TEST(Pacing, AnOpenLoopHasAsManyAsTheRateSays) {
  Pacing pacing({.seconds = 0.5, .rate = 100}, kStart);
  std::uint64_t taken = 0;
  while (!pacing.is_over(kStart)) {
    ASSERT_TRUE(pacing.is_due(kStart + 10s)) << "what was due stays due after the end";
    pacing.take();
    ++taken;
  }
  EXPECT_EQ(taken, 50U);
}

TEST(Pacing, ThreadsTakeTurns) {
  const Pacing first({.seconds = 1, .rate = 100, .threads = 2, .index = 0}, kStart);
  Pacing second({.seconds = 1, .rate = 100, .threads = 2, .index = 1}, kStart);
  EXPECT_EQ(first.next(kStart), kStart);
  EXPECT_EQ(second.next(kStart), kStart + 10ms);
  second.take();
  EXPECT_EQ(second.next(kStart), kStart + 30ms);
}

TEST(Pacing, WhatIsDueIsWhatTheTimesSayLessWhatWasTaken) {
  Pacing pacing({.seconds = 1, .rate = 1000, .threads = 4, .index = 2}, kStart);
  EXPECT_EQ(pacing.due(kStart), 0U);
  EXPECT_EQ(pacing.due(kStart + 1ms), 0U);
  EXPECT_EQ(pacing.due(kStart + 2ms), 1U);
  EXPECT_EQ(pacing.due(kStart + 10ms), 3U);
  pacing.take(2);
  EXPECT_EQ(pacing.due(kStart + 10ms), 1U);
  EXPECT_EQ(pacing.due(kStart + 10s), 248U) << "none is added after the end";
}

}  // namespace
}  // namespace fairlead::bench
