// What `fairlead drops` is told.
#include "agent/recent_drops.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

DropRecord drop(std::uint16_t port, std::chrono::seconds since_boot) {
  return {.since_boot = since_boot,
          .source = parse_ip("192.0.2.1").value(),
          .destination = parse_ip("10.96.0.10").value(),
          .source_port = 40000,
          .destination_port = port,
          .protocol = 6,
          .reason = "policy",
          .hook = "tc ingress",
          .interface = 1,
          .suppressed = 3};
}

TEST(RecentDrops, AreShownWithTheTimeOfDay) {
  RecentDrops drops;
  drops.add({drop(80, std::chrono::seconds(90))});
  const Now now{.steady = SteadyTime(std::chrono::seconds(100)),
                .wall = Time(std::chrono::seconds(1'790'000'010))};
  const auto rows = drops.json(now).at("drops").as_array();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].at("time"), "2026-09-21T14:13:20.000000Z");
  EXPECT_EQ(rows[0].at("source"), "192.0.2.1:40000");
  EXPECT_EQ(rows[0].at("destination"), "10.96.0.10:80");
  EXPECT_EQ(rows[0].at("protocol"), "TCP");
  EXPECT_EQ(rows[0].at("reason"), "policy");
  EXPECT_EQ(rows[0].at("interface"), "lo");
  EXPECT_EQ(rows[0].at("suppressed"), 3);
}

TEST(RecentDrops, TheOldestMakeRoom) {
  RecentDrops drops;
  for (std::size_t i = 0; i < RecentDrops::kKept + 5; ++i)
    drops.add({drop(static_cast<std::uint16_t>(1000 + i), std::chrono::seconds(1))});
  const auto rows = drops.json(Now{}).at("drops").as_array();
  EXPECT_EQ(rows.size(), RecentDrops::kKept);
  EXPECT_EQ(rows[0].at("destination"), "10.96.0.10:1005");
}

}  // namespace
}  // namespace fairlead
