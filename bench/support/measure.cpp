// Samples and /proc/self/status -> figures.
#include "bench/support/measure.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <fstream>

namespace fairlead::bench {

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double percentile(std::vector<double> samples, double part) {
  std::ranges::sort(samples);
  return samples[static_cast<std::size_t>(static_cast<double>(samples.size() - 1) * part)];
}

double status_mib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::stod(line.substr(field.size() + 1)) / 1024;
  return 0;
}

void fail(const std::string& what) {
  fmt::print(stderr, "bench: {}\n", what);
  std::quick_exit(1);
}

void enter_own_namespace() {
  if (::unshare(CLONE_NEWNET) != 0) fail("no network namespace; not root?");
}

}  // namespace fairlead::bench
