// What is written when: with a planner of its own, a datapath that remembers and fails as told, and
// a clock that the test moves.
#include "agent/reconciler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/fakes.hpp"

namespace fairlead {
namespace {

using client::Resource;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A reconciler, its planner and its datapath; run() does all jobs that are due.
class Reconciling : public ::testing::Test {
 protected:
  void change(const std::string& name, const std::string& address) {
    planner.set_service(service(name, address));
    reconciler.planner_changed(now);
  }
  void list_all() {
    for (const Resource resource : client::kResources) reconciler.listed(resource, now);
  }
  /// Does one job if there is one.
  bool step() {
    const auto next = reconciler.next(now);
    wake = next.wake;
    if (!next.job) return false;
    reconciler.done(*next.job, run(datapath, planner.plan(), *next.job).has_value(), now);
    return true;
  }
  void run_due() {
    while (step()) {
    }
  }
  void advance(milliseconds duration) { now += duration; }

  SteadyTime now{seconds(1000)};
  SteadyTime wake{};
  Planner planner{PlanOptions{}};
  FakeDatapath datapath;
  Reconciler reconciler{planner, ReconcilerOptions{}};
};

TEST_F(Reconciling, WritesNothingBeforeEverythingWasListed) {
  change("web", "10.96.0.1");
  run_due();
  reconciler.listed(Resource::kServices, now);
  reconciler.listed(Resource::kNodes, now);
  run_due();
  advance(seconds(3600));
  run_due();
  EXPECT_THAT(datapath.calls, IsEmpty());
  EXPECT_EQ(wake, SteadyTime::max());
  EXPECT_FALSE(reconciler.is_synced());
  EXPECT_FALSE(reconciler.pending_since());

  reconciler.listed(Resource::kEndpointSlices, now);
  run_due();
  EXPECT_THAT(datapath.calls, ElementsAre("resync"));
  EXPECT_TRUE(reconciler.is_synced());
  EXPECT_THAT(datapath.kernel, SizeIs(1));
}

TEST_F(Reconciling, WaitsForTheNodeWithALimit) {
  reconciler.listed(Resource::kServices, now);
  reconciler.listed(Resource::kEndpointSlices, now);
  run_due();
  EXPECT_THAT(datapath.calls, IsEmpty());
  EXPECT_EQ(wake, now + seconds(10));
  advance(seconds(10));
  run_due();
  EXPECT_THAT(datapath.calls, ElementsAre("resync"));
}

TEST_F(Reconciling, WritesOnlyWhatChanged) {
  for (int i = 1; i <= 9; ++i) change("s" + std::to_string(i), "10.96.0." + std::to_string(i));
  list_all();
  run_due();
  change("s5", "10.96.1.5");
  run_due();
  EXPECT_THAT(datapath.calls, ElementsAre("resync", "apply ns/s5"));
  change("s5", "10.96.1.5");
  run_due();
  EXPECT_THAT(datapath.calls, SizeIs(2)) << "the same again is no change";
  planner.erase_service({"ns", "s5"});
  run_due();
  EXPECT_THAT(datapath.kernel, SizeIs(8));
}

TEST_F(Reconciling, ABurstIsOneTransaction) {
  list_all();
  run_due();
  for (int i = 1; i <= 100; ++i) change("s" + std::to_string(i), "10.96.0." + std::to_string(i));
  ASSERT_TRUE(step());
  EXPECT_FALSE(step());
  EXPECT_THAT(datapath.calls, SizeIs(2));
  EXPECT_THAT(datapath.kernel, SizeIs(100));
}

TEST_F(Reconciling, LargeBurstsGoToTheWorker) {
  list_all();
  auto first = reconciler.next(now);
  EXPECT_TRUE(first.job->large);
  reconciler.done(*first.job, true, now);
  change("one", "10.96.0.1");
  auto small = reconciler.next(now);
  EXPECT_FALSE(small.job->large);
  reconciler.done(*small.job, true, now);
  for (int i = 0; i < 200; ++i) change("s" + std::to_string(i), "10.96.1." + std::to_string(i));
  EXPECT_TRUE(reconciler.next(now).job->large);
}

TEST_F(Reconciling, RespectsTheLeastTimeBetweenTwoWrites) {
  Reconciler slow(planner, {.min_sync_period = seconds(1)});
  for (const Resource resource : client::kResources) slow.listed(resource, now);
  slow.done(*slow.next(now).job, true, now);
  planner.set_service(service("web", "10.96.0.1"));
  slow.planner_changed(now);
  EXPECT_FALSE(slow.next(now).job);
  EXPECT_EQ(slow.next(now).wake, now + seconds(1));
  EXPECT_TRUE(slow.next(now + seconds(1)).job);
}

TEST_F(Reconciling, AFailedWriteStaysDirtyAndIsTriedAgainLater) {
  list_all();
  run_due();
  datapath.fail_next = 2;
  change("web", "10.96.0.1");
  run_due();
  EXPECT_THAT(datapath.kernel, IsEmpty());
  EXPECT_EQ(reconciler.pending_since(), now);
  EXPECT_EQ(wake, now + milliseconds(50));
  advance(milliseconds(50));
  run_due();
  EXPECT_EQ(wake, now + milliseconds(100));
  advance(milliseconds(100));
  run_due();
  EXPECT_THAT(datapath.kernel, SizeIs(1));
  EXPECT_FALSE(reconciler.pending_since());
  EXPECT_EQ(reconciler.failures_in_a_row(), 0U);
}

TEST_F(Reconciling, FailuresInARowEndInAResync) {
  list_all();
  run_due();
  datapath.fail_next = 3;
  change("web", "10.96.0.1");
  for (int i = 0; i < 4; ++i) {
    run_due();
    advance(seconds(1));
  }
  EXPECT_THAT(datapath.calls,
              ElementsAre("resync", "apply ns/web", "apply ns/web", "apply ns/web", "resync"));
  EXPECT_THAT(datapath.kernel, SizeIs(1));
}

TEST_F(Reconciling, BackOffHasALimit) {
  list_all();
  run_due();
  datapath.fail_next = 1000;
  change("web", "10.96.0.1");
  for (int i = 0; i < 30; ++i) {
    run_due();
    EXPECT_LE(wake, now + seconds(30));
    now = wake;
  }
}

TEST_F(Reconciling, OneServiceThatTheKernelRefusesDoesNotHoldTheOthers) {
  list_all();
  run_due();
  datapath.poison = {"ns", "s3"};
  for (int i = 0; i < 8; ++i) change("s" + std::to_string(i), "10.96.0." + std::to_string(i + 1));
  for (int i = 0; i < 30; ++i) {
    run_due();
    now = wake;
  }
  EXPECT_THAT(datapath.kernel, SizeIs(7));
  EXPECT_TRUE(reconciler.pending_since());
  datapath.poison = {};
  advance(seconds(60));
  run_due();
  EXPECT_THAT(datapath.kernel, SizeIs(8));
  EXPECT_FALSE(reconciler.pending_since());
}

TEST_F(Reconciling, RepairsAtOnceWhatOthersChanged) {
  change("web", "10.96.0.1");
  list_all();
  run_due();
  datapath.kernel.clear();
  reconciler.foreign_change(now);
  run_due();
  EXPECT_THAT(datapath.kernel, SizeIs(1));
  EXPECT_THAT(datapath.calls, ElementsAre("resync", "resync"));
}

TEST_F(Reconciling, DoesNotFightWithoutEnd) {
  list_all();
  run_due();
  std::size_t repairs = 0;
  for (int i = 0; i < 600; ++i) {  // a minute of being undone each 100 ms
    reconciler.foreign_change(now);
    while (step()) ++repairs;
    advance(milliseconds(100));
  }
  EXPECT_GE(repairs, 5U);
  EXPECT_LE(repairs, 12U);
  EXPECT_TRUE(reconciler.is_repair_limited());
  EXPECT_LE(wake, now + seconds(10));
  advance(seconds(60));
  run_due();
  EXPECT_FALSE(reconciler.is_repair_limited());
  EXPECT_FALSE(reconciler.pending_since());
}

TEST_F(Reconciling, ComparesEachMinute) {
  list_all();
  run_due();
  EXPECT_EQ(wake, now + seconds(60));
  advance(seconds(60));
  const auto next = reconciler.next(now);
  ASSERT_TRUE(next.job);
  EXPECT_EQ(next.job->resync, ResyncReason::kPeriodic);
}

TEST_F(Reconciling, NodeSettingsAreWrittenByAResync) {
  list_all();
  run_due();
  PlanOptions options;
  options.service_cidrs = {parse_cidr("10.96.0.0/16").value()};
  planner.set_options(options);
  reconciler.planner_changed(now);
  const auto next = reconciler.next(now);
  ASSERT_TRUE(next.job);
  EXPECT_EQ(next.job->resync, ResyncReason::kNode);
  reconciler.done(*next.job, true, now);
  EXPECT_FALSE(reconciler.next(now).job);
}

TEST_F(Reconciling, ASteadyStreamOfChangesIsNoStandstill) {
  list_all();
  run_due();
  for (int i = 0; i < 100; ++i) {
    change("web", "10.96.0." + std::to_string(i + 1));
    const auto next = reconciler.next(now);
    ASSERT_TRUE(next.job);
    change("other", "10.96.1." + std::to_string(i + 1));  // arrives during the job
    advance(seconds(1));
    reconciler.done(*next.job, true, now);
    ASSERT_TRUE(reconciler.pending_since());
    EXPECT_GE(*reconciler.pending_since(), now - seconds(1));
  }
}

/// Whatever fails, once nothing fails any more the kernel holds the plan and nothing else.
TEST_F(Reconciling, ConvergesAfterAnyFailures) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    list_all();
    for (int i = 0; i < 300; ++i) {
      const std::string name = "s" + std::to_string(random() % 20);
      if (random() % 4 == 0) {
        planner.erase_service({"ns", name});
        reconciler.planner_changed(now);
      } else {
        change(name, "10.96." + std::to_string(random() % 200) + "." +
                         std::to_string(1 + random() % 200));
      }
      if (random() % 5 == 0) datapath.fail_next = random() % 4;
      if (random() % 20 == 0) {
        datapath.kernel.clear();
        reconciler.foreign_change(now);
      }
      step();
      advance(milliseconds(random() % 300));
    }
    datapath.fail_next = 0;
    for (int i = 0; i < 100; ++i) {
      run_due();
      advance(seconds(1));
    }
    EXPECT_EQ(datapath.kernel, without_empty(planner.plan().services)) << "seed " << seed;
    EXPECT_FALSE(reconciler.pending_since());
  }
}

}  // namespace
}  // namespace fairlead
