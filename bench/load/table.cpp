// LoadResult -> lines: name, figure, unit.
#include <fmt/format.h>

#include <string>

#include "bench/load/command.hpp"

namespace fairlead::bench {
namespace {

/// With the unit in which it has one to three digits before the point.
std::string in_time_units(double seconds) {
  if (seconds < 1e-6) return fmt::format("{:.0f} ns", seconds * 1e9);
  if (seconds < 1e-3) return fmt::format("{:.2f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.2f} s", seconds);
}

std::string cpu_of(double cpu_seconds, const LoadResult& result) {
  const double percent = result.seconds > 0 ? 100 * cpu_seconds / result.seconds : 0;
  const double each = result.count > 0 ? cpu_seconds / static_cast<double>(result.count) : 0;
  return fmt::format("{} each, {:.0f} % of a CPU", in_time_units(each), percent);
}

std::string line(std::string_view name, const std::string& figure) {
  return fmt::format("{:<19}{}\n", name, figure);
}

}  // namespace

std::string to_table(const LoadResult& result, const LoadOptions& options) {
  const double a_second = result.seconds > 0 ? 1 / result.seconds : 0;
  std::string table =
      line(to_string(options.traffic),
           fmt::format("{} in {:.3f} s, {:.0f} a second", result.count, result.seconds,
                       static_cast<double>(result.count) * a_second));
  table += line("failures", fmt::format("{}", result.failures));
  if (options.traffic == Traffic::kDatagrams) {
    const double part =
        result.count > 0 ? static_cast<double>(result.lost) / static_cast<double>(result.count) : 0;
    table += line("lost", fmt::format("{}, {:.3f} %", result.lost, part * 100));
  }
  if (result.latency.count() > 0) {
    for (const auto& [name, part] :
         {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}}) {
      const std::chrono::duration<double> value = result.latency.quantile(part);
      table += line(name, in_time_units(value.count()));
    }
  }
  table += line("client CPU", cpu_of(result.client_cpu_seconds, result));
  table += line("server CPU", result.server_cpu_seconds ? cpu_of(*result.server_cpu_seconds, result)
                                                        : "not known, the server does not answer");
  table += line("throughput",
                fmt::format("{:.3f} Gbit/s to the server, {} bytes",
                            static_cast<double>(result.bytes) * 8e-9 * a_second, result.bytes));
  return table;
}

}  // namespace fairlead::bench
