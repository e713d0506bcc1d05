#include "dataplane/nftables/compile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataplane/diff/diff.hpp"
#include "dataplane/nftables/layout.hpp"

namespace fairlead::nftables {
namespace {

Ip ip(std::string_view text) { return parse_ip(text).value(); }

Verdict forward(BackendGroup group, bool masquerade = false) {
  return {Action::kForward, group, masquerade};
}

Frontend frontend(FrontendKind kind, std::string_view address, std::array<Verdict, 3> verdicts) {
  return {kind, ip(address), {80}, verdicts, {}};
}

ServicePlan random_plan(std::mt19937& random) {
  ServicePlan plan;
  plan.name = {{"default", "web"}, "http", Protocol::kTcp, Family::kIpv4};
  plan.affinity = std::chrono::seconds(random() % 2 * 100);
  for (std::uint8_t last = 1; last <= 6; ++last) {
    const Backend backend{
        ip_from_v4({10, 0, 0, last}), {8080}, random() % 2 == 0, BackendState::kActive};
    if (random() % 2 == 0) plan.cluster_backends.push_back(backend);
    if (backend.local) plan.local_backends.push_back(backend);
  }
  const auto verdict = [&] {
    const std::array verdicts{Verdict{Action::kReject, {}, false},
                              Verdict{Action::kDrop, {}, false},
                              forward(BackendGroup::kCluster, true), forward(BackendGroup::kLocal)};
    return verdicts[random() % verdicts.size()];
  };
  plan.frontends = {
      frontend(FrontendKind::kClusterIp, "10.96.0.1", {verdict(), verdict(), verdict()}),
      frontend(FrontendKind::kNodePort, "0.0.0.0", {verdict(), verdict(), verdict()})};
  if (random() % 2 == 0) plan.frontends[0].source_ranges = {parse_cidr("10.0.0.0/8").value()};
  return plan;
}

std::vector<Element> elements_of(const PortTables& tables) {
  std::vector<Element> elements;
  append_elements(tables, elements);
  append_shared_elements(tables, elements);
  std::ranges::sort(elements);
  return elements;
}

TEST(Compile, EachSetHasAKeyOnce) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    auto elements = elements_of(compile(random_plan(random), 7, {}));
    for (std::size_t i = 1; i < elements.size(); ++i)
      EXPECT_FALSE(elements[i].set == elements[i - 1].set &&
                   elements[i].key == elements[i - 1].key &&
                   elements[i].prefix == elements[i - 1].prefix);
  }
}

TEST(Compile, StepByStepEndsWhereSlotsFromThatEndCompileTo) {
  std::mt19937 random(4);
  PortTables tables = compile(random_plan(random), 7, {});
  std::vector<Element> kernel = elements_of(tables);
  for (int round = 0; round < 500; ++round) {
    const ServicePlan plan = random_plan(random);
    const PortTables next = compile(plan, 7, slots_of(tables));
    const auto changes = diff<Element>(kernel, elements_of(next));
    std::vector<Element> after;
    std::ranges::set_difference(kernel, changes.erase, std::back_inserter(after));
    after.insert(after.end(), changes.add.begin(), changes.add.end());
    std::ranges::sort(after);
    EXPECT_EQ(after, elements_of(compile(plan, 7, slots_of(next))));
    kernel = std::move(after);
    tables = next;
  }
}

TEST(Compile, OneBackendMoreIsAFewElements) {
  ServicePlan plan;
  plan.name = {{"default", "web"}, "", Protocol::kTcp, Family::kIpv4};
  plan.frontends = {
      frontend(FrontendKind::kClusterIp, "10.96.0.1",
               {forward(BackendGroup::kCluster), forward(BackendGroup::kCluster, true),
                forward(BackendGroup::kCluster, true)})};
  for (std::uint8_t i = 1; i < 200; ++i)
    plan.cluster_backends.push_back({ip_from_v4({10, 0, 1, i}), {80}, false, {}});
  const PortTables before = compile(plan, 1, {});
  plan.cluster_backends.insert(plan.cluster_backends.begin(), {ip("10.0.0.1"), {80}, false, {}});
  const PortTables after = compile(plan, 1, slots_of(before));
  const auto changes = diff<Element>(elements_of(before), elements_of(after));
  EXPECT_EQ(changes.erase.size(), 1U);  // the count
  EXPECT_EQ(changes.add.size(), 2U);    // the count and the slot
}

TEST(Compile, BackendElementsAreReadBack) {
  for (const char* address : {"10.1.2.3", "fd00::1:2"}) {
    const Slot slot{ip(address), {4321}};
    const auto element = backend_element(slot.address.family(), 99, 5 + kLocalSlots, slot);
    EXPECT_EQ(read_backend_element(element), std::pair(5 + kLocalSlots, slot));
  }
}

TEST(Compile, DrawsRoundTimeoutsOnlyOfHugeServices) {
  const Choice small = draw_choice(4095, true, 86399);
  EXPECT_EQ(count_of(small), 4095U);
  EXPECT_TRUE(is_local(small));
  EXPECT_EQ(small.seconds, 86399U);
  const Choice huge = draw_choice(64000, false, 86399);
  EXPECT_EQ(count_of(huge), 64000U);
  EXPECT_FALSE(is_local(huge));
  EXPECT_EQ(huge.seconds, 86400U);
}

TEST(Layout, ADrawIsReadFromTheNameOfItsChain) {
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const bool by_port : {false, true})
      for (const Choice choice : {draw_choice(1, false, 0), draw_choice(4095, true, 1),
                                  draw_choice(64000, false, 86399), draw_choice(7, true, 10800)}) {
        const DrawChain draw{family, by_port, choice};
        EXPECT_EQ(draw_named(chain_name(draw)), draw) << chain_name(draw);
      }
  for (const char* name : {"", "draw", "draw4", "draw4-", "draw4-0", "draw4-x", "draw4-1x",
                           "draw4-01", "draw4-1-for-", "draw4-1-for-0s", "draw4-1-for-99999999s",
                           "draw4-99999999", "-for-1s", "draw4-5000-for-61s", "services4"})
    EXPECT_FALSE(draw_named(name)) << name;
}

TEST(Layout, RulesHaveFingerprintsThatFollowTheSettings) {
  const auto fingerprints = [](const NodeSettings& node) {
    std::vector<std::uint64_t> all;
    for (const ChainRules& chain : fixed_chains(node))
      for (const nft::Rule& rule : chain.rules) all.push_back(rule.fingerprint);
    return all;
  };
  NodeSettings with_cidr;
  with_cidr.detect_local = {DetectLocal::Mode::kCidr, {parse_cidr("10.0.0.0/8").value()}, ""};
  EXPECT_EQ(fingerprints({}), fingerprints({}));
  EXPECT_NE(fingerprints({}), fingerprints(with_cidr));
}

}  // namespace
}  // namespace fairlead::nftables
