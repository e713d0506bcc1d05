// Pacing over long times, and sizes and rates as they are asked for.
#include "bench/pktgen/pace.hpp"

#include <gtest/gtest.h>

#include <map>

#include "bench/pktgen/mix.hpp"

namespace fairlead::bench::pktgen {
namespace {

constexpr std::uint64_t kHz = 2'445'400'000;  // of a real TSC: no round number

TEST(Pacer, TheFirstPacketIsDueAtTheStart) {
  const Pacer pacer(rate_of(1000), kHz, 5000);
  EXPECT_EQ(pacer.due(4999), 0);
  EXPECT_EQ(pacer.due(5000), 1);
  EXPECT_EQ(pacer.due(5000 + kHz / 1000 - 1), 1);
  EXPECT_EQ(pacer.due(5000 + kHz / 1000), 2);
}

TEST(Pacer, IsExactForAYearAtAnyRate) {
  for (const double rate : {0.001, 1.0, 3.333, 999'983.0, 14'880'952.381, 148'809'523.81}) {
    const Pacer pacer(rate_of(rate), kHz, 0);
    const std::uint64_t year = 365 * 86400;
    const auto thousandths = static_cast<std::uint64_t>(rate * 1000 + 0.5);
    EXPECT_EQ(pacer.due(year * kHz), year * thousandths / 1000 + 1) << rate;
  }
}

TEST(Allowance, AsksForEachPacketOnceHoweverOftenItIsAsked) {
  Allowance allowance(Pacer(rate_of(1'000'003), kHz, 0), 1000);
  std::uint64_t sent = 0;
  for (std::uint64_t now = 0; now <= 10 * kHz; now += 100'003) {
    const std::uint64_t open = std::min<std::uint64_t>(allowance.now(now), 64);
    allowance.sent(open);
    sent += open;
  }
  while (const std::uint64_t open = allowance.now(10 * kHz)) {
    allowance.sent(open);
    sent += open;
  }
  EXPECT_EQ(sent, 10'000'031);
  EXPECT_EQ(allowance.given_up(), 0);
}

TEST(Allowance, GivesUpWhatIsOlderThanTheBacklogAndCountsIt) {
  Allowance allowance(Pacer(rate_of(1000), kHz, 0), 32);
  EXPECT_EQ(allowance.now(kHz), 32);
  EXPECT_EQ(allowance.given_up(), 1001 - 32);
  allowance.sent(32);
  EXPECT_EQ(allowance.now(kHz), 0);
  EXPECT_EQ(allowance.now(kHz + kHz / 1000 * 2), 2);
}

TEST(Allowance, AtTheEndEverythingIsSentOrGivenUp) {
  Allowance allowance(Pacer(rate_of(1000), kHz, 0), 32);
  allowance.sent(std::min<std::uint64_t>(allowance.now(kHz / 2), 8));
  allowance.finish(kHz - 1);
  EXPECT_EQ(allowance.given_up(), 1000 - 8);
}

std::map<std::uint32_t, std::uint32_t> counted(const Mix& mix) {
  std::map<std::uint32_t, std::uint32_t> counts;
  for (const std::uint32_t i : mix.order()) ++counts[mix.parts[i].frame_bytes];
  return counts;
}

TEST(Mix, ImixIsSevenFourOneEvenlySpread) {
  const Mix mix = *parse_mix("imix", 64);
  EXPECT_EQ(counted(mix), (std::map<std::uint32_t, std::uint32_t>{{64, 7}, {594, 4}, {1518, 1}}));
  const auto order = mix.order();
  for (std::size_t i = 0; i + 1 < order.size(); ++i)
    EXPECT_FALSE(order[i] != 0 && order[i] == order[i + 1]) << "two large ones in a row at " << i;
  EXPECT_NEAR(mix.mean_bytes(), (64 * 7 + 594 * 4 + 1518) / 12.0, 1e-9);
}

TEST(Mix, ImixGrowsWithTheStampButAskedSizesDoNot) {
  EXPECT_EQ(parse_mix("imix", 84)->parts.front().frame_bytes, 84);
  EXPECT_EQ(parse_mix("64", 84).error().doing,
            "frame size 64: not within 84 (with FCS, and room for the stamp) and 1518");
}

TEST(Mix, BadSizesAreRefusedByName) {
  for (const char* bad : {"", "64,", "64:0", "64:x", "sixty", "64:7:1", "1519", "63", "-64"})
    EXPECT_FALSE(parse_mix(bad, 64)) << bad;
  EXPECT_EQ(parse_mix("128:3,256", 64)->parts, (std::vector<Mix::Part>{{128, 3}, {256, 1}}));
}

TEST(Mix, TenGigabitCarryTheFramesThatRfc2544Says) {
  EXPECT_NEAR(line_rate(*parse_mix("64", 64), 10'000'000'000), 14'880'952, 1);
  EXPECT_NEAR(line_rate(*parse_mix("1518", 64), 10'000'000'000), 812'743, 1);
}

TEST(Mix, SizesOfRfc2544KeepRoomForTheStamp) {
  EXPECT_EQ(rfc2544_sizes(64), (std::vector<std::uint32_t>{64, 128, 256, 512, 1024, 1280, 1518}));
  EXPECT_EQ(rfc2544_sizes(128), (std::vector<std::uint32_t>{128, 256, 512, 1024, 1280, 1518}));
}

TEST(Rate, HasUnitsAndPartsOfTheLine) {
  EXPECT_DOUBLE_EQ(*parse_rate("1500", 0), 1500);
  EXPECT_DOUBLE_EQ(*parse_rate("1.5k", 0), 1500);
  EXPECT_DOUBLE_EQ(*parse_rate("2M", 0), 2e6);
  EXPECT_DOUBLE_EQ(*parse_rate("10%", 14'880'952), 1'488'095.2);
  EXPECT_EQ(parse_rate("10%", 0).error().doing,
            "rate '10%': the port does not say how fast its line is");
  for (const char* bad : {"", "k", "-1", "0", "fast", "1kk", "nan", "inf", "1 k"})
    EXPECT_FALSE(parse_rate(bad, 1e6)) << bad;
}

}  // namespace
}  // namespace fairlead::bench::pktgen
