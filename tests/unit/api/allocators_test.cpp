// Pools: bands, exhaustion, giving back; reservations.
#include "controlplane/api/allocators.hpp"

#include "support.hpp"

namespace fairlead::api {
namespace {

Ip ip(std::string_view text) { return *parse_ip(text); }
Cidr cidr(std::string_view text) { return *parse_cidr(text); }

TEST(IpPool, GivesEveryUsableAddressOnceAndThenIsFull) {
  std::mt19937_64 random(1);
  IpPool pool(cidr("10.0.0.0/28"));
  EXPECT_EQ(pool.size(), 14U);
  std::set<Ip> seen;
  for (int i = 0; i < 14; ++i) {
    auto got = pool.take_any(random);
    ASSERT_TRUE(got);
    EXPECT_TRUE(seen.insert(*got).second);
  }
  EXPECT_FALSE(seen.contains(ip("10.0.0.0")));
  EXPECT_FALSE(seen.contains(ip("10.0.0.15")));
  EXPECT_EQ(pool.take_any(random).error(), AllocationFailure::kFull);
  pool.give_back(ip("10.0.0.7"));
  EXPECT_EQ(pool.take_any(random), ip("10.0.0.7"));
}

TEST(IpPool, LeavesTheLowestBandToThoseWhoAskByName) {
  std::mt19937_64 random(1);
  IpPool pool(cidr("10.96.0.0/24"));  // band: max(16, 256 / 16) = 16 addresses
  for (int i = 0; i < 254 - 16; ++i) EXPECT_GE(*pool.take_any(random), ip("10.96.0.17"));
  EXPECT_LE(*pool.take_any(random), ip("10.96.0.16"));
}

TEST(IpPool, SaysWhyItRefuses) {
  IpPool pool(cidr("10.96.0.0/16"));
  EXPECT_TRUE(pool.take(ip("10.96.3.4")));
  EXPECT_EQ(pool.take(ip("10.96.3.4")).error(), AllocationFailure::kAllocated);
  EXPECT_EQ(pool.take(ip("10.97.0.1")).error(), AllocationFailure::kNotInRange);
  EXPECT_EQ(pool.take(ip("10.96.0.0")).error(), AllocationFailure::kNotInRange);
  EXPECT_EQ(pool.take(ip("10.96.255.255")).error(), AllocationFailure::kNotInRange);
  EXPECT_EQ(pool.take(ip("fd00::1")).error(), AllocationFailure::kWrongFamily);
}

TEST(IpPool, CountsThroughIpv6) {
  std::mt19937_64 random(1);
  IpPool pool(cidr("fd00:96::/112"));
  EXPECT_EQ(pool.size(), 65535U);
  auto got = pool.take_any(random);
  ASSERT_TRUE(got);
  EXPECT_TRUE(pool.cidr().contains(*got));
  EXPECT_TRUE(pool.take(ip("fd00:96::ffff")));
  IpPool wide(cidr("fd00::/64"));
  EXPECT_TRUE(wide.take_any(random));
}

TEST(PortPool, DrawsAboveTheStaticBand) {
  std::mt19937_64 random(1);
  PortPool pool(30000, 32767);  // band: 2768 / 32 = 86
  for (int i = 0; i < 2768 - 86; ++i) EXPECT_GE(*pool.take_any(random), 30086);
  EXPECT_LT(*pool.take_any(random), 30086);
  EXPECT_EQ(pool.take(80).error(), AllocationFailure::kNotInRange);
}

TEST(PortPool, IsFullWhenAllAreTaken) {
  std::mt19937_64 random(1);
  PortPool pool(30000, 30001);
  EXPECT_TRUE(pool.take_any(random));
  EXPECT_TRUE(pool.take_any(random));
  EXPECT_EQ(pool.take_any(random).error(), AllocationFailure::kFull);
}

TEST(SubnetPool, GivesTheFirstFreeAndKnowsOverlaps) {
  SubnetPool pool(cidr("10.244.0.0/16"), 24);
  EXPECT_TRUE(pool.take(cidr("10.244.1.0/24")));
  EXPECT_EQ(pool.take_any(), cidr("10.244.0.0/24"));
  EXPECT_EQ(pool.take_any(), cidr("10.244.2.0/24"));
  EXPECT_FALSE(pool.take(cidr("10.244.0.0/20")));
  EXPECT_FALSE(pool.take(cidr("10.244.1.128/25")));
  EXPECT_TRUE(pool.take(cidr("10.244.16.0/20")));
  EXPECT_FALSE(pool.take(cidr("10.244.17.0/24")));
  EXPECT_TRUE(pool.take(cidr("192.0.2.0/24")));
  pool.give_back(cidr("10.244.0.0/24"));
  EXPECT_EQ(pool.take_any(), cidr("10.244.0.0/24"));
  SubnetPool six(cidr("fd00:244::/48"), 64);
  EXPECT_EQ(six.take_any(), cidr("fd00:244::/64"));
  EXPECT_EQ(six.take_any(), cidr("fd00:244:0:1::/64"));
}

TEST(SubnetPool, RunsOut) {
  SubnetPool pool(cidr("10.0.0.0/23"), 24);
  EXPECT_TRUE(pool.take_any());
  EXPECT_TRUE(pool.take_any());
  EXPECT_FALSE(pool.take_any());
}

TEST(Options, AreCheckedWithTheirNames) {
  EXPECT_FALSE(make_allocators({}));
  EXPECT_FALSE(make_allocators({.service_cidrs = {cidr("10.0.0.0/16"), cidr("10.1.0.0/16")}}));
  EXPECT_FALSE(make_allocators({.service_cidrs = {cidr("10.0.0.0/8")}}));
  EXPECT_FALSE(make_allocators(
      {.service_cidrs = {cidr("10.0.0.0/16")}, .first_node_port = 10, .last_node_port = 9}));
  auto bad = make_allocators(
      {.service_cidrs = {cidr("10.0.0.0/16")}, .pod_cidrs = {cidr("10.244.0.0/25")}});
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().doing, testing::HasSubstr("pod CIDR 10.244.0.0/25"));
  EXPECT_TRUE(make_allocators({.service_cidrs = {cidr("10.0.0.0/16"), cidr("fd00::/112")}}));
}

TEST(Reservation, GivesBackUnlessCommitted) {
  int given_back = 0, freed = 0;
  {
    Reservation reservation;
    reservation.on_roll_back([&] { ++given_back; });
    reservation.on_commit([&] { ++freed; });
    Reservation moved = std::move(reservation);
  }
  EXPECT_EQ(given_back, 1);
  EXPECT_EQ(freed, 0);
  {
    Reservation reservation;
    reservation.on_roll_back([&] { ++given_back; });
    reservation.on_commit([&] { ++freed; });
    reservation.commit();
  }
  EXPECT_EQ(given_back, 1);
  EXPECT_EQ(freed, 1);
}

}  // namespace
}  // namespace fairlead::api
