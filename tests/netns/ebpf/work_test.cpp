// What one change costs, however many Services there are: counted in instructions, not timed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "dataplane/ebpf/datapath.hpp"
#include "tests/netns/cluster/bpf_home.hpp"
#include "tests/netns/cluster/cluster.hpp"
#include "tests/steps/steps.hpp"

namespace fairlead::test {
namespace {

/// A namespace without interfaces, a bpffs and a cgroup: no traffic.
class EbpfWork : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    auto mounted = BpfFilesystem::mount("work");
    ASSERT_TRUE(mounted) << mounted.error().doing;
    bpffs = std::move(*mounted);
    auto made = Cgroup::make("work");
    ASSERT_TRUE(made) << made.error().doing;
    cgroup = std::move(*made);
    node = std::make_unique<Namespace>("work");
    options.pin_directory = bpffs->path() + "/fairlead";
    options.cgroup = cgroup->path();
    options.flows_v4 = options.flows_v6 = options.affinities = 1 << 10;
    options.records = options.frontends = 1 << 17;
    options.report = [this](const Error& error) { reports.push_back(error.doing); };
  }

  [[nodiscard]] std::unique_ptr<Datapath> open() {
    std::unique_ptr<Datapath> datapath;
    node->run([&] {
      auto made = ebpf::make_datapath(options);
      ASSERT_TRUE(made) << made.error().doing;
      datapath = std::move(*made);
    });
    return datapath;
  }
  static ServicePlan numbered(std::uint32_t number, std::uint8_t backends = 2,
                              std::uint8_t first = 1) {
    const auto high = static_cast<std::uint8_t>(number / 256);
    const auto low = static_cast<std::uint8_t>(number % 256);
    std::vector<Backend> to;
    for (std::uint8_t i = first; i < first + backends; ++i)
      to.push_back({.address = ip_from_v4({10, high, low, i}), .port = {53}});
    return service(fmt::format("s{}", number), Protocol::kUdp, Family::kIpv4,
                   {cluster_ip(ip_from_v4({11, high, low, 1}), 53)}, std::move(to));
  }
  static Plan many(std::uint32_t services) {
    std::vector<ServicePlan> plans;
    for (std::uint32_t i = 0; i < services; ++i) plans.push_back(numbered(i));
    return plan_of({}, std::move(plans));
  }
  static void apply(Datapath& datapath, const ServicePlan& wanted) {
    const ServicePlans plans{wanted};
    const ServiceChange change{wanted.name.service, &plans};
    const auto report = datapath.apply({&change, 1});
    ASSERT_TRUE(report) << report.error().doing;
    EXPECT_EQ(report->elements_added, 1U);
  }
  static void resync(Datapath& datapath, const Plan& plan) {
    const auto report = datapath.resync(plan);
    ASSERT_TRUE(report) << report.error().doing;
  }

  std::unique_ptr<BpfFilesystem> bpffs;
  std::unique_ptr<Cgroup> cgroup;
  std::unique_ptr<Namespace> node;
  ebpf::Options options;
  std::vector<std::string> reports;
};

TEST_F(EbpfWork, OneChangeIsTheSameWorkAmongTenServicesAndAmongTwentyThousand) {
  const auto change_among = [&](std::uint32_t services) {
    const auto steps = steps_of([&](const CountSteps& count) {
      const auto datapath = open();
      ASSERT_NE(datapath, nullptr);
      resync(*datapath, many(services));
      apply(*datapath, numbered(7, 3));
      for (std::uint8_t backends = 4; backends < 7; ++backends)
        count([&] { apply(*datapath, numbered(7, backends)); });
      EXPECT_TRUE(datapath->cleanup());
    });
    std::printf("among %u: %s\n", services, fmt::format("{}", fmt::join(steps, " ")).c_str());
    // Now and then the heap tidies up what other threads gave back.
    return steps.empty() ? 0 : *std::ranges::min_element(steps);
  };
  const std::uint64_t few = change_among(10), most = change_among(20'000);
  EXPECT_GT(few, 1000U);
  EXPECT_LT(most, few * 2);
  RecordProperty("instructions", fmt::format("{} among 10, {} among 20,000", few, most));
}

TEST_F(EbpfWork, AServiceWithoutRoomIsTriedAgainAtAResyncAndNotWithEachChange) {
  options.frontends = 1 << 10;
  const auto datapath = open();
  ASSERT_NE(datapath, nullptr);
  ServicePlan huge = numbered(100);
  for (std::uint16_t port = 1000; port < 3000; ++port)
    huge.frontends.push_back(cluster_ip(ip_from_v4({11, 0, 0, 100}), port));
  std::ranges::sort(huge.frontends);
  const Plan plan = plan_of({}, {numbered(1), huge, numbered(2)});
  resync(*datapath, plan);
  EXPECT_THAT(reports, testing::ElementsAre(testing::HasSubstr("s100")));
  for (std::uint8_t backends = 3; backends <= 5; ++backends)
    apply(*datapath, numbered(1, backends));
  EXPECT_EQ(reports.size(), 1U) << "a change of another is no reason to try it again";
  resync(*datapath, plan);
  EXPECT_EQ(reports.size(), 2U);
  EXPECT_TRUE(datapath->cleanup());
}

TEST_F(EbpfWork, WhatIsThereCanChangeWhereThereIsNoRoomForMore) {
  options.records = 1 << 10;
  const auto datapath = open();
  ASSERT_NE(datapath, nullptr);
  constexpr std::uint32_t kFit = 250;  // of four records each; the last fiftieth is for changes
  resync(*datapath, many(kFit));
  EXPECT_THAT(reports, testing::ElementsAre(testing::HasSubstr("records is nearly full")));
  resync(*datapath, many(kFit + 1));
  EXPECT_THAT(reports, testing::Contains(testing::HasSubstr("is not programmed")))
      << reports.size();
  reports.clear();
  for (std::uint32_t i = 0; i < kFit; ++i) apply(*datapath, numbered(i, 2, 5));
  EXPECT_THAT(reports, testing::IsEmpty());
  // All of them at once need more room at a time than there is.
  const Plan again = many(kFit);
  std::vector<ServiceChange> changes;
  for (const auto& [name, plans] : again.services) changes.push_back({name, &plans});
  const auto report = datapath->apply(changes);
  ASSERT_TRUE(report) << report.error().doing;
  EXPECT_EQ(report->elements_added, kFit);
  EXPECT_THAT(reports, testing::IsEmpty());
  EXPECT_TRUE(datapath->cleanup());
}

}  // namespace
}  // namespace fairlead::test
