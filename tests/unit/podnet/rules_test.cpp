// Overlay -> what the table holds.
#include "dataplane/podnet/rules.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::podnet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Cidr cidr(std::string_view text) { return parse_cidr(text).value(); }

Overlay overlay_with(std::initializer_list<std::string_view> own,
                     std::initializer_list<std::string_view> others) {
  Overlay overlay;
  overlay.device = VxlanDevice{};
  for (const auto text : own) overlay.own.push_back(cidr(text));
  overlay.pods = overlay.own;
  for (const auto text : others) overlay.pods.push_back(cidr(text));
  return overlay;
}

TEST(PodRules, InsideIsWrittenInAsFewPrefixesAsCanBe) {
  const Overlay overlay = overlay_with({"10.244.1.0/24", "fd00:1::/64"},
                                       {"10.244.0.0/24", "10.244.2.0/24", "10.244.3.0/24",
                                        "10.244.5.0/24", "fd00::/64", "fd00:0:0:1::/64"});
  const Rules rules = rules_of(overlay, {true, {cidr("10.244.5.0/28"), cidr("192.0.2.0/24")}});
  EXPECT_THAT(rules.own, ElementsAre(cidr("10.244.1.0/24"), cidr("fd00:1::/64")));
  EXPECT_THAT(rules.inside,
              ElementsAre(cidr("10.244.0.0/22"), cidr("10.244.5.0/24"), cidr("192.0.2.0/24"),
                          cidr("fd00::/63"), cidr("fd00:1::/64")));
}

TEST(PodRules, NeighboursOfWhichOneIsOddAndOneEvenAreNoPair) {
  const Overlay overlay = overlay_with({"10.244.1.0/24"}, {"10.244.2.0/24"});
  EXPECT_THAT(rules_of(overlay, {}).inside,
              ElementsAre(cidr("10.244.1.0/24"), cidr("10.244.2.0/24")));
}

TEST(PodRules, EverythingIsOnePrefix) {
  const Overlay overlay = overlay_with({"10.244.1.0/24"}, {});
  const Rules rules = rules_of(overlay, {true, {cidr("0.0.0.0/1"), cidr("128.0.0.0/1")}});
  EXPECT_THAT(rules.inside, ElementsAre(cidr("0.0.0.0/0")));
}

TEST(PodRules, WithoutVxlanAndMasqueradeThereIsNoTable) {
  Overlay overlay = overlay_with({"10.244.1.0/24"}, {});
  overlay.device.reset();
  const Rules rules = rules_of(overlay, {false, {}});
  EXPECT_EQ(rules, Rules{});
  EXPECT_THAT(table_chains(rules), IsEmpty());
  EXPECT_THAT(table_elements(rules), IsEmpty());
}

TEST(PodRules, TheSameRulesHaveTheSameFingerprintsAndAnotherVniOthers) {
  const auto prints = [](std::uint32_t vni) {
    Rules rules;
    rules.filters_vxlan = true;
    rules.vni = vni;
    std::vector<std::uint64_t> found;
    for (const TableChain& chain : table_chains(rules))
      for (const nft::Rule& rule : chain.rules) found.push_back(rule.fingerprint);
    return found;
  };
  EXPECT_EQ(prints(201), prints(201));
  EXPECT_NE(prints(201), prints(202));
}

}  // namespace
}  // namespace fairlead::podnet
