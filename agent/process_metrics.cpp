// /proc/self/stat, getrusage and the descriptor table -> metric families, at each scrape.
#include "agent/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fairlead {
namespace {

prometheus::MetricFamily family(const char* name, const char* help, double value,
                                prometheus::MetricType type = prometheus::MetricType::Gauge) {
  prometheus::ClientMetric metric;
  metric.gauge.value = value;
  metric.counter.value = value;
  return {name, help, type, {metric}};
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// When the kernel was booted, in seconds since 1970; 0 if unknown.
double boot_time() {
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return 0;
}

void add_memory_and_start(std::vector<prometheus::MetricFamily>& families) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return;
  // proc(5): fields are counted behind the command's name, which may itself hold blanks and
  // parentheses.
  constexpr int kStartTime = 22, kVirtualSize = 23, kResidentPages = 24;
  std::istringstream rest(line.substr(line.rfind(')') + 1));
  std::string text;
  for (int field = 3; rest >> text; ++field) {
    const double value = std::strtod(text.c_str(), nullptr);
    if (field == kStartTime) {
      families.push_back(family("process_start_time_seconds",
                                "Start time of the process since unix epoch in seconds.",
                                boot_time() + value / static_cast<double>(::sysconf(_SC_CLK_TCK))));
    } else if (field == kVirtualSize) {
      families.push_back(
          family("process_virtual_memory_bytes", "Virtual memory size in bytes.", value));
    } else if (field == kResidentPages) {
      families.push_back(family("process_resident_memory_bytes", "Resident memory size in bytes.",
                                value * static_cast<double>(::sysconf(_SC_PAGESIZE))));
    }
  }
}

}  // namespace

std::vector<prometheus::MetricFamily> process_metrics() {
  std::vector<prometheus::MetricFamily> families;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    families.push_back(
        family("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
               seconds(usage.ru_utime) + seconds(usage.ru_stime), prometheus::MetricType::Counter));
  }
  add_memory_and_start(families);
  std::error_code error;
  const auto descriptors =
      std::distance(std::filesystem::directory_iterator("/proc/self/fd", error), {});
  if (!error) {
    families.push_back(family("process_open_fds", "Number of open file descriptors.",
                              static_cast<double>(descriptors)));
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(family("process_max_fds", "Maximum number of open file descriptors.",
                              static_cast<double>(limit.rlim_cur)));
  }
  return families;
}

}  // namespace fairlead
