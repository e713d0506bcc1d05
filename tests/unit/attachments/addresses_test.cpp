// Ranges and requests -> addresses, in the order in which they are given and come back.
#include "dataplane/podnet/addresses.hpp"

#include <gmock/gmock.h>

#include <set>

#include "dataplane/podnet/grants.hpp"

namespace fairlead::podnet {
namespace {

Ip ip(const char* text) { return parse_ip(text).value(); }
Cidr cidr(const char* text) { return parse_cidr(text).value(); }
std::vector<Cidr> cidrs(std::initializer_list<const char*> texts) {
  std::vector<Cidr> all;
  for (const char* text : texts) all.push_back(cidr(text));
  return all;
}
std::vector<std::string> texts(const std::vector<Ip>& ips) {
  std::vector<std::string> all;
  for (const Ip& one : ips) all.push_back(to_string(one));
  return all;
}
AttachmentRequest request(std::vector<Ip> ips = {}) {
  return {.key = {"net", "c1", "eth0"},
          .pod = {},
          .labels = {},
          .sandbox = "/run/netns/x",
          .ips = std::move(ips),
          .ip_ranges = {},
          .mac = {},
          .port_mappings = {},
          .bandwidth = {}};
}

TEST(Addresses, AreGivenInOrderWithoutTheFirstAndIpv4sLast) {
  Addresses addresses;
  const auto range = cidrs({"10.244.1.0/29"});
  std::vector<std::string> given;
  while (const auto next = addresses.take_next(range)) given.push_back(to_string(*next));
  EXPECT_THAT(given, testing::ElementsAre("10.244.1.1", "10.244.1.2", "10.244.1.3", "10.244.1.4",
                                          "10.244.1.5", "10.244.1.6"));
  EXPECT_EQ(usable_addresses(range[0]), given.size());
}

TEST(Addresses, OfAPartAreGivenFromItsStartAndFreedOnesLast) {
  Addresses addresses;
  const IpRange part{ip("10.0.0.9"), ip("10.0.0.11")};
  const auto subnet = cidrs({"10.0.0.0/24"});
  EXPECT_EQ(addresses.take_next(part), ip("10.0.0.9"));
  addresses.release(ip("10.0.0.9"), subnet);
  EXPECT_TRUE(addresses.take(ip("10.0.0.10")));
  EXPECT_EQ(addresses.take_next(part), ip("10.0.0.11"));
  EXPECT_EQ(addresses.take_next(part), ip("10.0.0.9"));
  EXPECT_EQ(addresses.take_next(part), std::nullopt);
}

TEST(Addresses, AFreedOneComesAgainWhenAllOthersHave) {
  Addresses addresses;
  const auto range = cidrs({"10.0.0.0/29"});
  for (int i = 0; i < 4; ++i) addresses.take_next(range);
  addresses.release(ip("10.0.0.2"), range);
  addresses.release(ip("10.0.0.1"), range);
  EXPECT_EQ(addresses.take_next(range), ip("10.0.0.5"));
  EXPECT_EQ(addresses.take_next(range), ip("10.0.0.6"));
  EXPECT_EQ(addresses.take_next(range), ip("10.0.0.2"));
  EXPECT_EQ(addresses.take_next(range), ip("10.0.0.1"));
  EXPECT_EQ(addresses.take_next(range), std::nullopt);
  EXPECT_FALSE(addresses.has_free(range));
}

TEST(Addresses, TheSecondRangeIsTakenWhenTheFirstIsUsedUp) {
  Addresses addresses;
  const auto ranges = cidrs({"10.0.0.0/30", "10.0.1.0/30"});
  EXPECT_EQ(addresses.take_next(ranges), ip("10.0.0.1"));
  EXPECT_EQ(addresses.take_next(ranges), ip("10.0.0.2"));
  EXPECT_EQ(addresses.take_next(ranges), ip("10.0.1.1"));
}

TEST(Addresses, OfRangesWithoutRoomForEndsAllAreGiven) {
  Addresses addresses;
  EXPECT_EQ(addresses.take_next(cidrs({"10.0.0.8/32"})), ip("10.0.0.8"));
  EXPECT_EQ(addresses.take_next(cidrs({"10.0.0.2/31"})), ip("10.0.0.2"));
  EXPECT_EQ(addresses.take_next(cidrs({"fd00::5/128"})), ip("fd00::5"));
}

TEST(Addresses, OfAnEndlessRangeFreedOnesAreForgotten) {
  Addresses addresses;
  const auto range = cidrs({"fd00::/64"});
  for (int i = 1; i <= 1000; ++i) {
    const auto next = addresses.take_next(range);
    ASSERT_TRUE(next);
    EXPECT_EQ(addresses.release(*next, range), std::nullopt);
  }
  EXPECT_EQ(addresses.take_next(range), ip("fd00::3e9"));
}

TEST(Grants, OneOfEachFamilyIpv4First) {
  Addresses addresses;
  const auto ranges = cidrs({"fd00:244:1::/64", "10.244.1.0/24"});
  const auto grant = grant_addresses(addresses, ranges, request());
  ASSERT_TRUE(grant) << grant.error().doing;
  EXPECT_THAT(texts(grant->ips), testing::ElementsAre("10.244.1.1", "fd00:244:1::1"));
}

TEST(Grants, WhatIsAskedForIsGivenOnce) {
  Addresses addresses;
  const auto ranges = cidrs({"10.244.1.0/24"});
  EXPECT_TRUE(grant_addresses(addresses, ranges, request({ip("10.244.1.77")})));
  const auto again = grant_addresses(addresses, ranges, request({ip("10.244.1.77")}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().why, Refusal::kAddressTaken);
  EXPECT_THAT(again.error().doing, testing::HasSubstr("10.244.1.77"));
}

TEST(Grants, AnAddressOfNoRangeOrOfTheNodeIsRefused) {
  Addresses addresses;
  const auto ranges = cidrs({"10.244.1.0/24"});
  for (const char* wanted : {"10.244.2.5", "10.244.1.0", "fd00::5"}) {
    const auto grant = grant_addresses(addresses, ranges, request({ip(wanted)}));
    ASSERT_FALSE(grant) << wanted;
    EXPECT_EQ(grant.error().why, Refusal::kAddressTaken);
  }
}

TEST(Grants, ExhaustionNamesRangeAndNumberAndHoldsNothing) {
  Addresses addresses;
  const auto ranges = cidrs({"10.0.0.0/30", "fd00::/126"});
  ASSERT_TRUE(grant_addresses(addresses, ranges, request()));
  ASSERT_TRUE(grant_addresses(addresses, ranges, request()));
  const auto refused = grant_addresses(addresses, ranges, request());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, Refusal::kExhausted);
  EXPECT_THAT(refused.error().doing, testing::HasSubstr("2 addresses of 10.0.0.0/30"));
  EXPECT_EQ(can_grant(addresses, ranges).error().why, Refusal::kExhausted);
  EXPECT_FALSE(addresses.is_held(ip("fd00::3")));
}

TEST(Grants, WithoutRangesTheNodeIsNotReady) {
  Addresses addresses;
  EXPECT_EQ(grant_addresses(addresses, {}, request()).error().why, Refusal::kNotReady);
  EXPECT_EQ(can_grant(addresses, {}).error().why, Refusal::kNotReady);
}

TEST(Grants, RangesThatAreAskedForReplaceTheNodes) {
  Addresses addresses;
  AttachmentRequest wanted = request();
  wanted.ip_ranges = {{.subnets = cidrs({"192.168.5.0/24"}), .parts = {}}};
  const auto grant = grant_addresses(addresses, cidrs({"10.244.1.0/24"}), wanted);
  ASSERT_TRUE(grant);
  EXPECT_THAT(texts(grant->ips), testing::ElementsAre("192.168.5.1"));
}

}  // namespace
}  // namespace fairlead::podnet
