// An attachment as the runtime reads it.
#include "cni/result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cni/support.hpp"

namespace fairlead::cni {
namespace {

namespace json = boost::json;

TEST(Result, Of110HasBothEndsTheAddressesAndTheRoutes) {
  const auto result =
      result_of(attachment(), add_request(R"("dns": {"nameservers": ["10.96.0.10"]})"));
  EXPECT_EQ(json::value(result), json::parse(R"({
    "cniVersion": "1.1.0",
    "interfaces": [{"name": "fl-0123456789ab", "mac": "02:00:00:00:00:06", "mtu": 1450},
                   {"name": "eth0", "mac": "02:00:00:00:00:05", "sandbox": "/run/netns/pod-1", "mtu": 1450}],
    "ips": [{"address": "10.244.1.5/32", "gateway": "169.254.1.1", "interface": 1},
            {"address": "fd00:244:1::5/128", "gateway": "fe80::1", "interface": 1}],
    "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}, {"dst": "::/0", "gw": "fe80::1"}],
    "dns": {"nameservers": ["10.96.0.10"]}})"));
}

TEST(Result, OfEachVersionHasItsOwnMembersAlone) {
  for (const std::string_view version : kVersions) {
    const auto result = result_of(attachment(), add_request("", std::string(version)));
    EXPECT_EQ(result.at("cniVersion").as_string(), version);
    const auto& ip = result.at("ips").at(1).as_object();
    EXPECT_EQ(ip.contains("version"), version < "1.0.0") << version;
    EXPECT_EQ(version < "1.0.0" ? ip.at("version") : "6", "6");
    const auto& interface = result.at("interfaces").at(1).as_object();
    EXPECT_EQ(interface.contains("mtu"), version == "1.1.0") << version;
  }
}

TEST(Result, IsAddedToThatOfThePluginBefore) {
  const auto request = add_request(R"("prevResult": {"cniVersion": "1.1.0",
      "interfaces": [{"name": "net1", "sandbox": "/x"}], "ips": [{"address": "192.0.2.1/24", "interface": 0}],
      "routes": null, "dns": {"search": ["a"]}, "other": 5})");
  const auto result = result_of(attachment(), request);
  EXPECT_EQ(result.at("interfaces").as_array().size(), 3U);
  EXPECT_EQ(result.at("ips").at(0), json::parse(R"({"address": "192.0.2.1/24", "interface": 0})"));
  EXPECT_EQ(result.at("ips").at(1).at("interface"), 2);
  EXPECT_EQ(result.at("routes").as_array().size(), 2U);
  EXPECT_EQ(result.at("dns"), json::parse(R"({"search": ["a"]})"));
  EXPECT_EQ(result.at("other"), 5);
}

TEST(Result, PassesTheCheckThatFollows) {
  for (const std::string_view version : kVersions) {
    const auto result = result_of(attachment(), add_request("", std::string(version)));
    EXPECT_EQ(find_difference(result, attachment(), "/run/netns/pod-1"), std::nullopt);
  }
}

TEST(Result, ThatLacksTheInterfaceOrAnAddressDoesNotPassTheCheck) {
  auto result = result_of(attachment(), add_request());
  EXPECT_THAT(find_difference(result, attachment(), "/other").value_or(""),
              testing::HasSubstr("interfaces"));
  auto other = attachment();
  other.ips[1] = parse_ip("fd00::9").value();
  EXPECT_THAT(find_difference(result, other, "/run/netns/pod-1").value_or(""),
              testing::HasSubstr("fd00::9/128"));
  EXPECT_TRUE(find_difference({}, attachment(), "/run/netns/pod-1"));
}

TEST(Failure, HasACodeOfItsOwnForEachReasonAndNever999) {
  const auto code = [](podnet::Refusal why, Command command) {
    const auto error = object_of(to_json(failure_of({.why = why, .doing = "what"}, command)));
    EXPECT_EQ(error.at("details"), "what");
    return error.at("code").to_number<int>();
  };
  using podnet::Refusal;
  EXPECT_EQ(code(Refusal::kNotReady, Command::kAdd), 11);
  EXPECT_EQ(code(Refusal::kExhausted, Command::kAdd), 100);
  EXPECT_EQ(code(Refusal::kAddressTaken, Command::kAdd), 101);
  EXPECT_EQ(code(Refusal::kExists, Command::kAdd), 102);
  EXPECT_EQ(code(Refusal::kUnknown, Command::kCheck), 3);
  EXPECT_EQ(code(Refusal::kDiffers, Command::kCheck), 103);
  EXPECT_EQ(code(Refusal::kInvalidNetns, Command::kAdd), 8);
  EXPECT_EQ(code(Refusal::kStorage, Command::kAdd), 104);
  EXPECT_EQ(code(Refusal::kKernel, Command::kAdd), 105);
  EXPECT_EQ(code(Refusal::kNotReady, Command::kStatus), 50);
  EXPECT_EQ(code(Refusal::kExhausted, Command::kStatus), 50);
  EXPECT_EQ(code(Refusal::kStorage, Command::kStatus), 51);
}

TEST(Failure, IsUtf8WhateverItQuotes) {
  const auto error = object_of(to_json(Failure{Code::kIo, "a\xff", "\xc3\n", Version::k031}));
  EXPECT_EQ(json::value(error),
            json::parse(R"({"cniVersion": "0.3.1", "code": 5, "msg": "a?", "details": "?\n"})"));
}

}  // namespace
}  // namespace fairlead::cni
