// Keeps the kernel's learned routes as the speaker says: orders -> KernelRoutes on a worker, and
// the kernel's notifications -> orders.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "agent/bgp/kernel_routes.hpp"
#include "agent/bgp/route_schedule.hpp"
#include "dataplane/kernel/learned_route_monitor.hpp"
#include "log/log.hpp"

namespace fairlead::bgp {

struct RouteCounts {
  std::size_t routes = 0;  // in the kernel
  std::uint64_t added = 0, replaced = 0, removed = 0, failures = 0, foreign_changes = 0;
};

class RouteKeeper {
 public:
  struct Opened {
    KernelRoutes routes;
    LearnedRouteMonitor monitor;
  };
  static Result<Opened> open();

  /// `io` must be run by one thread, which calls everything here.
  RouteKeeper(boost::asio::io_context& io, Opened opened, RouteTimes times,
              std::function<void(const control::NextHopState&)> tell, log::Logger log);
  RouteKeeper(RouteKeeper&&) = delete;
  ~RouteKeeper();  // waits for what the worker is doing

  void changed(control::RoutesChanged changes);
  void speaker_restarted();
  void restart_over();
  void guard(RouteGuard guard);

  /// Both end only with the io_context, or after stop(). The kernel stays as it is.
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> watch_kernel();
  void stop();

  [[nodiscard]] const RouteCounts& counts() const { return counts_; }
  [[nodiscard]] const std::set<std::string>& problems() const { return problems_; }

 private:
  void ordered();
  boost::asio::awaitable<void> carry_out(RouteSchedule::Due due);
  RouteSchedule::Done take(const Result<RoutesReport>& result, const RouteSchedule::Due& due);
  void note(const LearnedRouteMonitor::Changes& changes);

  KernelRoutes routes_;  // the worker's while it is busy
  LearnedRouteMonitor monitor_;
  std::function<void(const control::NextHopState&)> tell_;
  log::Logger log_;
  RouteSchedule schedule_;
  RouteOrders orders_;  // for the next time
  RouteCounts counts_;
  std::set<std::string> problems_;
  std::set<int> links_;  // by which routes go
  boost::asio::steady_timer timer_;
  boost::asio::posix::stream_descriptor events_;
  bool stopped_ = false;
  boost::asio::thread_pool worker_{1};
};

}  // namespace fairlead::bgp
