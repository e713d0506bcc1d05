// What the built-in control plane does: writes, lists, and watches that many hold.
//
//   control plane and client in one namespace -> creates, one at a time and sixteen -> lists of all
//   -> N watchers, and writes whose events all of them get
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>

#include "bench/cluster/api.hpp"
#include "bench/cluster/objects.hpp"
#include "bench/cluster/processes.hpp"
#include "bench/parts/collector.hpp"
#include "bench/parts/part.hpp"

namespace fairlead::bench {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;
constexpr const char* kWay = "fairlead controlplane";
constexpr std::size_t kAtOnce = 16, kWrites = 50;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Watchers of Services, all on one thread, and the one who writes.
class Watchers {
 public:
  /// `version`: from where on they watch.
  Watchers(Api& api, std::size_t count, std::string version)
      : api_(api), count_(count), version_(std::move(version)), all_have_it_(api.context()) {}

  /// Writes one after the other; of each the time from its sending until the last watcher has it.
  Result<std::vector<double>> times_of(std::size_t writes) {
    missing_ = count_;
    for (std::size_t i = 0; i < count_; ++i)
      asio::co_spawn(api_.context(), watch(), asio::detached);
    asio::co_spawn(api_.context(), write(writes), asio::detached);
    api_.run();
    if (error_) return tl::unexpected(*error_);
    return times_;
  }

 private:
  client::Awaitable<void> watch() {
    client::HttpRequest request;
    request.target = fmt::format("{}?watch=true&resourceVersion={}", kServices, version_);
    auto answer = co_await api_.client().send(std::move(request));
    if (!answer) co_return stop(answer.error());
    if (answer->head().status != 200) co_return stop(co_await answer->error());
    arrived(1);
    for (;;) {
      const auto piece = co_await answer->read(std::chrono::seconds(30));
      if (!piece) co_return stop(piece.error());
      if (piece->empty()) co_return stop(Error{{}, "a watch ended"});
      arrived(static_cast<std::size_t>(std::ranges::count(*piece, '\n')));
    }
  }

  client::Awaitable<void> write(std::size_t writes) {
    const auto connection = co_await api_.connect();
    if (!connection) co_return stop(connection.error());
    co_await wait_for_all();  // they watch
    for (std::size_t i = 0; i < writes && !error_; ++i) {
      missing_ = count_;
      const auto start = Clock::now();
      json::value patch = {{"metadata", {{"labels", {{"written", fmt::format("n{}", i)}}}}}};
      const auto written = co_await Api::write(
          **connection, "PATCH", std::string(kServices) + "/bench-0", std::move(patch));
      if (!written) co_return stop(written.error());
      co_await wait_for_all();
      times_.push_back(std::chrono::duration<double, std::milli>(last_ - start).count());
    }
    api_.context().stop();
  }

  /// How many more there are of what everybody is waited for.
  void arrived(std::size_t count) {
    missing_ -= std::min(missing_, count);
    if (missing_ > 0) return;
    last_ = Clock::now();
    all_have_it_.cancel();
  }
  client::Awaitable<void> wait_for_all() {
    if (missing_ == 0) co_return;
    all_have_it_.expires_at(Clock::time_point::max());
    (void)co_await all_have_it_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  void stop(Error error) {
    if (!error_) error_ = std::move(error);
    api_.context().stop();
  }

  Api& api_;
  std::size_t count_, missing_ = 0;
  std::string version_;
  asio::steady_timer all_have_it_;
  Clock::time_point last_;
  std::vector<double> times_;
  std::optional<Error> error_;
};

class ControlPlaneBench {
 public:
  ControlPlaneBench(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  Result<Results> measure() {
    const unsigned rounds = options_.quick ? 3 : 5;
    for (unsigned round = 0; round < rounds; ++round) {
      progress_(fmt::format("controlplane: round {} of {}", round + 1, rounds));
      TRY_VOID(measure_one(fmt::format("{}/controlplane-{}", options_.scratch, round)));
    }
    return collector_.take();
  }

 private:
  Result<> measure_one(const std::string& data) {
    TRY(const Namespace where, Namespace::create());
    TRY(const ControlPlane server, ControlPlane::start(options_.self, where, data, "10.96.0.0/12"));
    return where.run([&]() -> Result<> {
      TRY(const auto api, Api::open(server.kubeconfig()));
      const std::size_t services = options_.quick ? 1000 : 5000;
      TRY_VOID(writes(*api, server.pid(), 0, services / 10, 1));
      TRY_VOID(writes(*api, server.pid(), services / 10, services, kAtOnce));
      TRY(const std::string version, lists(*api, services));
      for (const std::size_t watchers : {std::size_t{1}, std::size_t{100}})
        TRY_VOID(watches(server.kubeconfig(), watchers, version));
      add("memory", "resident", "MiB", Better::kLess, status_mib_of(server.pid(), "VmRSS"));
      return {};
    });
  }

  Result<> writes(Api& api, int pid, std::size_t first, std::size_t last, std::size_t at_once) {
    std::vector<json::value> objects;
    for (std::size_t i = first; i < last; ++i)
      objects.push_back(service_object(fmt::format("bench-{}", i)));
    const double count = static_cast<double>(objects.size()), cpu = cpu_seconds_of(pid);
    const auto start = Clock::now();
    TRY_VOID(api.create_all(kServices, std::move(objects), at_once));
    const std::string test = fmt::format("Services created, {} at a time", at_once);
    add(test, "written", "1/s", Better::kMore, count / seconds_since(start));
    add(test, "server CPU each", "ms", Better::kLess, (cpu_seconds_of(pid) - cpu) * 1e3 / count);
    return {};
  }

  /// The version of the list.
  Result<std::string> lists(Api& api, std::size_t services) {
    const std::string test = fmt::format("list of {} Services", services);
    std::string version;
    std::vector<double> times;
    for (int i = 0; i < 5; ++i) {
      const auto start = Clock::now();
      TRY(const json::value list, api.get(kServices));
      times.push_back(seconds_since(start) * 1e3);
      if (list.at("items").as_array().size() < services)  // and that of the control plane itself
        return invalid(fmt::format("the list has {} items", list.at("items").as_array().size()));
      version = list.at("metadata").at("resourceVersion").as_string();
    }
    std::ranges::sort(times);
    add(test, "time, read by the client", "ms", Better::kLess, times[times.size() / 2]);
    return version;
  }

  Result<> watches(const std::string& kubeconfig, std::size_t count, const std::string& version) {
    TRY(const auto api, Api::open(kubeconfig));
    Watchers watchers(*api, count, version);
    TRY(std::vector<double> times, watchers.times_of(kWrites));
    std::ranges::sort(times);
    const std::string test = fmt::format("a write until the last of {} watchers has it", count);
    add(test, "p50", "ms", Better::kLess, times[times.size() / 2]);
    add(test, "longest", "ms", Better::kLess, times.back());
    return {};
  }

  void add(const std::string& test, const char* figure, const char* unit, Better better,
           double value) {
    collector_.add({"controlplane", test, "", figure, unit, better, 0, 0}, kWay, value);
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
};

}  // namespace

Result<Results> measure_controlplane(const BenchOptions& options, const Progress& progress) {
  return ControlPlaneBench(options, progress).measure();
}

}  // namespace fairlead::bench
