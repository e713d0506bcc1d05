// next job -> datapath -> done; where there is none, wait for the Reconciler's time or for wake().
//
// A worker's job reads the plan while this thread goes on taking events into the planner: that is
// safe because a plan changes in Planner::update() only, which the Reconciler calls between two
// jobs. The datapath is never used by both threads at once: the monitor is read between jobs.
#include "agent/reconcile_loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace fairlead {
namespace {

namespace asio = boost::asio;
const ServicePlans kNothing;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr std::chrono::milliseconds kSettling{20};
constexpr std::chrono::seconds kRetry{10};

asio::awaitable<void> pause(std::chrono::milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(kAwait);
}

asio::awaitable<Result<SyncReport>> call(std::function<Result<SyncReport>()> work) {
  co_return work();
}

}  // namespace

ReconcileLoop::ReconcileLoop(asio::io_context& io, Reconciler& reconciler, const Planner& planner,
                             Datapath& datapath, Observer observer)
    : reconciler_(reconciler),
      planner_(planner),
      datapath_(datapath),
      observer_(std::move(observer)),
      timer_(io),
      idle_(io, asio::steady_timer::time_point::max()),
      monitor_(io) {}

ReconcileLoop::~ReconcileLoop() { worker_.join(); }

void ReconcileLoop::wake() { timer_.cancel(); }

void ReconcileLoop::pods_changed() {
  pods_changed_ = true;
  wake();
}

/// Between two jobs, as all that uses the datapath. What fails is tried again.
void ReconcileLoop::tell_pods(Time now) {
  pods_changed_ = false;
  pods_due_ = now + kSettling;
  const auto told = datapath_.set_pods(observer_.pods());
  if (told) return;
  observer_.pods_failed(told.error());
  pods_changed_ = true;
  pods_due_ = now + kRetry;
}

void ReconcileLoop::stop() {
  stopped_ = true;
  timer_.cancel();
  idle_.cancel();
  if (monitor_.is_open()) monitor_.cancel();
}

asio::awaitable<void> ReconcileLoop::run() {
  while (!stopped_) {
    const auto now = std::chrono::steady_clock::now();
    if (pods_changed_ && now >= pods_due_) tell_pods(now);
    auto step = reconciler_.next(now);
    if (step.job) {
      co_await perform(std::move(*step.job));
    } else {
      timer_.expires_at(pods_changed_ ? std::min(step.wake, pods_due_) : step.wake);
      co_await timer_.async_wait(kAwait);
    }
  }
}

asio::awaitable<void> ReconcileLoop::perform(Job job) {
  observer_.started(job);
  const auto start = std::chrono::steady_clock::now();
  Result<SyncReport> result;
  if (job.large) {
    busy_ = true;
    result = co_await asio::co_spawn(worker_, call([this, &job] { return execute(job); }),
                                     asio::use_awaitable);
    busy_ = false;
    idle_.cancel();
  } else {
    result = execute(job);
  }
  const auto end = std::chrono::steady_clock::now();
  reconciler_.done(job, result.has_value(), end);
  observer_.finished({.job = job, .result = result, .took = end - start});
}

Result<SyncReport> ReconcileLoop::execute(const Job& job) {
  const Plan& plan = planner_.plan();
  if (job.resync != ResyncReason::kNone) return datapath_.resync(plan);
  std::vector<ServiceChange> changes;
  changes.reserve(job.services.size());
  for (const ObjectName& name : job.services) {
    const auto found = plan.services.find(name);
    changes.push_back(
        {.service = name, .want = found == plan.services.end() ? &kNothing : &found->second});
  }
  return datapath_.apply(changes);
}

asio::awaitable<void> ReconcileLoop::watch_kernel() {
  // A duplicate: the descriptor stays the datapath's.
  const int fd = datapath_.monitor_fd() < 0 ? -1 : ::dup(datapath_.monitor_fd());
  if (fd < 0) co_return;
  monitor_.assign(fd);
  while (!stopped_) {
    const auto [error] =
        co_await monitor_.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
    if (error) break;
    while (busy_ && !stopped_) co_await idle_.async_wait(kAwait);
    if (stopped_) break;
    const Result<bool> changed = datapath_.foreign_change();
    observer_.monitored(changed);
    if (changed && !*changed) {
      co_await pause(kSettling);  // a pod that comes is several messages, and pods come in crowds
      continue;
    }
    // Messages that cannot be read may have been anything.
    reconciler_.foreign_change(std::chrono::steady_clock::now());
    wake();
    if (!changed) co_await pause(std::chrono::seconds(1));
  }
  boost::system::error_code ignored;
  monitor_.close(ignored);
}

}  // namespace fairlead
