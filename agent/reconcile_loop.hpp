// Runs the Reconciler's jobs: small ones at once, large ones on a worker thread so that health,
// metrics and the API server's events do not wait; and listens for what others do to our objects in
// the kernel.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <vector>

#include "agent/reconciler.hpp"
#include "dataplane/datapath.hpp"

namespace fairlead {

/// What the loop tells: everything that is logged and counted of syncs.
struct SyncOutcome {
  const Job& job;
  const Result<SyncReport>& result;
  std::chrono::nanoseconds took;
};

class ReconcileLoop {
 public:
  struct Observer {
    /// Before a job runs; the plan already holds what it will write.
    std::function<void(const Job&)> started;
    std::function<void(const SyncOutcome&)> finished;
    std::function<void(const Result<bool>& foreign_change)> monitored;
    /// Asked for what Datapath::set_pods() is to be told; may be empty if pods_changed() is not
    /// called.
    std::function<ClusterPods()> pods = {};
    std::function<void(const Error&)> pods_failed = {};
  };

  /// `io` must be run by one thread. All references outlive the loop.
  ReconcileLoop(boost::asio::io_context& io, Reconciler& reconciler, const Planner& planner,
                Datapath& datapath, Observer observer);
  ~ReconcileLoop();  // waits for a job that the worker is doing
  ReconcileLoop(ReconcileLoop&&) = delete;

  /// End only with the io_context.
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> watch_kernel();

  /// Something happened that the Reconciler was told of.
  void wake();
  /// The datapath will be told soon; once for pods that come in crowds.
  void pods_changed();
  /// run() and watch_kernel() return at their next waiting point.
  void stop();

 private:
  using Time = std::chrono::steady_clock::time_point;

  boost::asio::awaitable<void> perform(Job job);
  void tell_pods(Time now);
  [[nodiscard]] Result<SyncReport> execute(const Job& job);

  Reconciler& reconciler_;
  const Planner& planner_;
  Datapath& datapath_;
  Observer observer_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer idle_;  // cancelled when a job ends
  boost::asio::posix::stream_descriptor monitor_;
  bool pods_changed_ = false;
  Time pods_due_{};
  bool busy_ = false;
  bool stopped_ = false;
  boost::asio::thread_pool worker_{1};
};

}  // namespace fairlead
