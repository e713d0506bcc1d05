// What it costs to program Services: all of them into an empty kernel, and one change.
//
//   number of Services -> round by round, each way in a namespace of its own: install, changes of
//   one Service until enough of them or two seconds, memory -> remove
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "bench/parts/collector.hpp"
#include "bench/parts/loading_times.hpp"
#include "bench/parts/part.hpp"
#include "bench/world/cgroup.hpp"
#include "bench/world/namespace.hpp"
#include "bench/world/plan.hpp"

namespace fairlead::bench {
namespace {

constexpr std::uint32_t kEndpoints = 3;
constexpr std::size_t kChanges = 400, kLeastForP99 = 100;
constexpr double kChangeSeconds = 2, kQuickChangeSeconds = 0.8;
// With fewer, two ways cannot be told from one another.
constexpr unsigned kLeastRounds = 5;

std::vector<Backend> backends_from(std::uint8_t first) {
  std::vector<Backend> backends;
  for (std::uint8_t i = 0; i < kEndpoints; ++i)
    backends.push_back(
        {ip_from_v4({10, 244, 1, static_cast<std::uint8_t>(first + i)}), {8080}, true});
  return backends;
}

class Programming {
 public:
  Programming(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress), loading_(options.quick) {}

  Result<Results> measure() {
    TRY(cgroup_, make_cgroup());
    const unsigned rounds = std::max(kLeastRounds, options_.rounds / 3);
    for (const std::uint32_t services : options_.services)
      for (unsigned round = 0; round < rounds; ++round)
        for (const std::string& way : ways_for(services)) {
          progress_(fmt::format("programming: {} Services, {}: round {} of {}", services, way,
                                round + 1, rounds));
          if (const auto done = measure(way, services); !done) {
            collector_.cannot(
                {"programming", fmt::format("{}, {} Services", way, services), done.error().doing});
            refused_.push_back(way);
          }
        }
    std::filesystem::remove(cgroup_);
    return collector_.take();
  }

 private:
  /// Those that can be programmed at all, in a time that one can wait for.
  std::vector<std::string> ways_for(std::uint32_t services) {
    std::vector<std::string> ways;
    for (const std::string& way : options_.ways) {
      if (way == kDirect || way == kDirectAgain || std::ranges::count(refused_, way) > 0) continue;
      if (const auto why = loading_.why_not(way, services)) {
        refused_.push_back(way);
        collector_.cannot({"programming", fmt::format("{}, {} Services", way, services), *why});
        continue;
      }
      ways.push_back(way);
    }
    return ways;
  }

  Result<> measure(const std::string& name, std::uint32_t services) {
    TRY(const Namespace node, Namespace::create());
    TRY_VOID(
        node.ip("link add eth0 type veth peer name eth1\naddress add 198.18.0.1/24 dev eth0\n"
                "link set eth0 up\nlink set eth1 up"));
    const std::string id = fmt::format("programming-{}", number_++);
    TRY(const auto way, make_way(name,
                                 {.pin_directory = options_.pins + "/" + id,
                                  .cgroup = cgroup_,
                                  .scratch = options_.scratch + "/" + id},
                                 options_.tools));
    if (const auto missing = way->missing()) return invalid(*missing);
    const std::array plans{plan_with(services, kEndpoints, backends_from(11)),
                           plan_with(services, kEndpoints, backends_from(21))};
    return node.run([&]() -> Result<> {
      const auto done = measure(*way, plans, services);
      TRY_VOID(way->remove());
      return done;
    });
  }

  Result<> measure(Way& way, const std::array<Plan, 2>& plans, std::uint32_t services) {
    Subject subject{
        "programming", fmt::format("{} Services", services), "", "", "", Better::kLess, services,
        kEndpoints};
    const auto add = [&](const char* traffic, const char* figure, const char* unit, double value) {
      subject.traffic = traffic;
      subject.figure = figure;
      subject.unit = unit;
      collector_.add(subject, way.name(), value);
    };
    TRY(const Cost load, way.install(plans[0]));
    loading_.note(way.name(), services, load.seconds);
    add("all of them, from empty", "time", "s", load.seconds);
    add("all of them, from empty", "CPU", "s", load.cpu_seconds);
    if (const auto bytes = way.kernel_bytes())
      add("all of them, from empty", "kernel memory", "MiB",
          static_cast<double>(*bytes) / (1 << 20));
    std::vector<double> times, cpu;
    double all = 0;
    const double enough = options_.quick ? kQuickChangeSeconds : kChangeSeconds;
    while (times.size() < kChanges && (all < enough || times.size() < 3)) {
      TRY(const Cost change, way.change(plans[(times.size() + 1) % 2], measured_name()));
      times.push_back(change.seconds * 1e3);
      cpu.push_back(change.cpu_seconds * 1e3);
      all += change.seconds;
    }
    std::ranges::sort(times);
    std::ranges::sort(cpu);
    add("one Service changes", "time p50", "ms", times[times.size() / 2]);
    if (times.size() >= kLeastForP99)
      add("one Service changes", "time p99", "ms", times[times.size() * 99 / 100]);
    add("one Service changes", "CPU p50", "ms", cpu[cpu.size() / 2]);
    return {};
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
  std::string cgroup_;
  std::vector<std::string> refused_;
  LoadingTimes loading_;
  unsigned number_ = 0;
};

}  // namespace

Result<Results> measure_programming(const BenchOptions& options, const Progress& progress) {
  return Programming(options, progress).measure();
}

}  // namespace fairlead::bench
