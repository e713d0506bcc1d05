// changed(), … -> orders -> schedule -> KernelRoutes::carry_out() on the worker -> news, counts,
// log the kernel's notifications -> schedule
#include "agent/bgp/route_keeper.hpp"

#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace fairlead::bgp {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

RouteSchedule::Time now() { return std::chrono::steady_clock::now(); }

asio::awaitable<Result<RoutesReport>> call(KernelRoutes& routes, RouteOrders orders) {
  co_return routes.carry_out(std::move(orders));
}

}  // namespace

Result<RouteKeeper::Opened> RouteKeeper::open() {
  TRY(auto routes, KernelRoutes::open());
  TRY(auto monitor, LearnedRouteMonitor::open(routes.socket()));
  return Opened{std::move(routes), std::move(monitor)};
}

RouteKeeper::RouteKeeper(asio::io_context& io, Opened opened, RouteTimes times,
                         std::function<void(const control::NextHopState&)> tell, log::Logger log)
    : routes_(std::move(opened.routes)),
      monitor_(std::move(opened.monitor)),
      tell_(std::move(tell)),
      log_(std::move(log)),
      schedule_(times),
      timer_(io),
      events_(io) {}

RouteKeeper::~RouteKeeper() { worker_.join(); }

void RouteKeeper::ordered() {
  schedule_.changed(now());
  timer_.cancel();
}

void RouteKeeper::changed(control::RoutesChanged changes) {
  orders_.add(std::move(changes));
  ordered();
}

void RouteKeeper::speaker_restarted() {
  // What the lost one said and was not written counts no more than the rest of it.
  orders_.changed.clear();
  orders_.restart_over = false;
  orders_.speaker_restarted = true;
  ordered();
}

void RouteKeeper::restart_over() {
  orders_.restart_over = true;
  ordered();
}

void RouteKeeper::guard(RouteGuard guard) {
  orders_.guard = std::move(guard);
  ordered();
}

asio::awaitable<void> RouteKeeper::run() {
  while (!stopped_) {
    if (const auto due = schedule_.begin(now()); due.any()) {
      co_await carry_out(due);
    } else {
      timer_.expires_at(schedule_.next());
      co_await timer_.async_wait(kAwait);
    }
  }
}

asio::awaitable<void> RouteKeeper::carry_out(RouteSchedule::Due due) {
  RouteOrders orders = std::exchange(orders_, {});
  orders.look = due.look;
  orders.compare = due.compare;
  const auto result =
      co_await asio::co_spawn(worker_, call(routes_, std::move(orders)), asio::use_awaitable);
  schedule_.done(due, take(result, due), now());
}

RouteSchedule::Done RouteKeeper::take(const Result<RoutesReport>& result,
                                      const RouteSchedule::Due& due) {
  std::set<std::string> problems;
  if (result)
    problems = result->problems;
  else
    problems.insert("cannot write learned routes, will try again: " + result.error().doing);
  for (const std::string& problem : problems)
    if (!problems_.contains(problem)) log_.warn("learned routes", {{"problem", problem}});
  problems_ = std::move(problems);
  counts_.routes = routes_.size();
  links_ = routes_.next_hops().links();
  const bool unreachable = routes_.next_hops().any_unreachable();
  if (!result) {
    ++counts_.failures;
    return {.retry = true, .repaired = false, .unreachable = unreachable};
  }
  counts_.added += result->added;
  counts_.replaced += result->replaced;
  counts_.removed += result->removed;
  const std::size_t wrote = result->added + result->replaced + result->removed;
  if (wrote > 0)
    log_.debug("wrote learned routes", {{"added", result->added},
                                        {"replaced", result->replaced},
                                        {"removed", result->removed},
                                        {"routes", counts_.routes}});
  for (const control::NextHopState& state : result->next_hops) {
    log_.info(state.reachable ? "a next hop can be reached again" : "a next hop cannot be reached",
              {{"address", to_string(state.address)}});
    tell_(state);
  }
  return {.retry = result->retry, .repaired = due.compare && wrote > 0, .unreachable = unreachable};
}

void RouteKeeper::note(const LearnedRouteMonitor::Changes& changes) {
  bool routes = changes.routes, next_hops = changes.next_hops;
  if (routes) ++counts_.foreign_changes;
  for (const int link : changes.links)
    if (links_.contains(link)) routes = next_hops = true;
  if (next_hops) schedule_.next_hops_changed(now());
  if (routes) schedule_.foreign_change(now());
  if (routes || next_hops) timer_.cancel();
}

asio::awaitable<void> RouteKeeper::watch_kernel() {
  // A duplicate: the descriptor stays the monitor's.
  const int fd = ::dup(monitor_.fd());
  if (fd < 0) co_return;
  events_.assign(fd);
  while (!stopped_) {
    const auto [error] =
        co_await events_.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
    if (error || stopped_) break;
    const auto changes = monitor_.drain();
    if (changes) {
      note(*changes);
      continue;
    }
    log_.warn("cannot listen to the kernel", {{"error", changes.error()}});
    note({.routes = true, .next_hops = true, .links = {}});
    asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::seconds(1));
    co_await pause.async_wait(kAwait);
  }
  boost::system::error_code ignored;
  events_.close(ignored);
}

void RouteKeeper::stop() {
  stopped_ = true;
  timer_.cancel();
  if (events_.is_open()) events_.cancel();
}

}  // namespace fairlead::bgp
