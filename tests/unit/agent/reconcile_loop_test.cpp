// The loop over an io_context: small jobs at once, large ones beside it, and the kernel's
// notifications.
#include "agent/reconcile_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <future>
#include <thread>

#include "tests/unit/agent/fakes.hpp"

namespace fairlead {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;

/// Remembers the thread of each call, and has a notification that the test raises.
class ObservedDatapath : public FakeDatapath {
 public:
  ObservedDatapath() { monitor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
  ~ObservedDatapath() override { ::close(monitor); }
  ObservedDatapath(ObservedDatapath&&) = delete;

  Result<SyncReport> resync(const Plan& plan) override {
    resync_thread = std::this_thread::get_id();
    if (on_resync) on_resync();
    return FakeDatapath::resync(plan);
  }
  Result<SyncReport> apply(std::span<const ServiceChange> changes) override {
    apply_thread = std::this_thread::get_id();
    return FakeDatapath::apply(changes);
  }
  Result<bool> foreign_change() override {
    eventfd_t count = 0;
    return ::eventfd_read(monitor, &count) == 0 && count > 1;  // 1: our own change
  }
  Result<> set_pods(ClusterPods pods) override {
    EXPECT_EQ(pods.local.size(), 1U);
    ++pods_told;
    return {};
  }
  void notify(eventfd_t count) const { ::eventfd_write(monitor, count); }

  std::function<void()> on_resync;
  std::thread::id resync_thread;
  std::thread::id apply_thread;
  int pods_told = 0;
};

class Looping : public ::testing::Test {
 protected:
  Looping() {
    boost::asio::co_spawn(io, loop.run(), boost::asio::detached);
    boost::asio::co_spawn(io, loop.watch_kernel(), boost::asio::detached);
  }
  ~Looping() override {
    loop.stop();
    io.run_for(std::chrono::seconds(10));
  }
  void list_all() {
    for (const auto resource : client::kResources)
      reconciler.listed(resource, std::chrono::steady_clock::now());
    loop.wake();
  }
  void change(const std::string& name, const std::string& address) {
    planner.set_service(service(name, address));
    reconciler.planner_changed(std::chrono::steady_clock::now());
    loop.wake();
  }
  /// Runs the io_context until `condition` holds; a limit against hanging.
  template <class Condition>
  ::testing::AssertionResult until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return ::testing::AssertionFailure() << "never true";
      io.run_one_until(deadline);
    }
    return ::testing::AssertionSuccess();
  }

  boost::asio::io_context io{1};
  Planner planner{PlanOptions{}};
  Reconciler reconciler{planner, ReconcilerOptions{}};
  ObservedDatapath datapath;
  std::vector<bool> outcomes;
  ReconcileLoop loop{
      io,
      reconciler,
      planner,
      datapath,
      {.started = [](const Job&) {},
       .finished =
           [this](const SyncOutcome& outcome) { outcomes.push_back(outcome.result.has_value()); },
       .monitored = [](const Result<bool>&) {},
       .pods = [] { return ClusterPods{.local = {{.ips = {}, .link = "fl-1"}}, .networks = {}}; },
       .pods_failed = [](const Error&) {}}};
};

TEST_F(Looping, PodsAreToldOnceForAllThatCameMeanwhile) {
  for (int i = 0; i < 3; ++i) loop.pods_changed();
  ASSERT_TRUE(until([this] { return datapath.pods_told > 0; }));
  list_all();
  ASSERT_TRUE(until([this] { return outcomes.size() == 1; }));
  EXPECT_EQ(datapath.pods_told, 1);
}

TEST_F(Looping, AResyncRunsBesideTheLoopAndASmallChangeInIt) {
  list_all();
  ASSERT_TRUE(until([this] { return outcomes.size() == 1; }));
  change("web", "10.96.0.1");
  ASSERT_TRUE(until([this] { return outcomes.size() == 2; }));
  EXPECT_NE(datapath.resync_thread, std::this_thread::get_id());
  EXPECT_EQ(datapath.apply_thread, std::this_thread::get_id());
  EXPECT_THAT(datapath.kernel, SizeIs(1));
}

TEST_F(Looping, EventsAreTakenWhileALongSyncRuns) {
  std::promise<void> release;
  datapath.on_resync = [&] { release.get_future().wait(); };
  list_all();
  int answered = 0;
  for (int i = 0; i < 3; ++i) boost::asio::post(io, [&] { ++answered; });
  ASSERT_TRUE(until([&] { return answered == 3; })) << "the loop waits for the worker";
  change("a", "10.96.0.1");
  change("b", "10.96.0.2");
  release.set_value();
  ASSERT_TRUE(until([this] { return outcomes.size() == 2; }));
  EXPECT_THAT(datapath.calls, ElementsAre("resync", "apply ns/a ns/b"));
}

TEST_F(Looping, OthersChangesAreRepaired) {
  change("web", "10.96.0.1");
  list_all();
  ASSERT_TRUE(until([this] { return outcomes.size() == 1; }));
  datapath.kernel.clear();
  datapath.notify(2);
  ASSERT_TRUE(until([this] { return outcomes.size() == 2; }));
  EXPECT_THAT(datapath.kernel, SizeIs(1));
}

TEST_F(Looping, OurOwnChangesAreNoneOfOthers) {
  list_all();
  ASSERT_TRUE(until([this] { return outcomes.size() == 1; }));
  datapath.notify(1);
  change("web", "10.96.0.1");
  ASSERT_TRUE(until([this] { return outcomes.size() == 2; }));
  EXPECT_THAT(datapath.calls, ElementsAre("resync", "apply ns/web"));
}

TEST_F(Looping, AFailureIsTriedAgainByItself) {
  list_all();
  ASSERT_TRUE(until([this] { return outcomes.size() == 1; }));
  datapath.fail_next = 2;
  change("web", "10.96.0.1");
  ASSERT_TRUE(until([this] { return outcomes.size() == 4; }));
  EXPECT_THAT(outcomes, ElementsAre(true, false, false, true));
  EXPECT_THAT(datapath.kernel, SizeIs(1));
}

}  // namespace
}  // namespace fairlead
