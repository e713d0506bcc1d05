// What the measuring programs share: time, percentiles, memory, and a child process for each row.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

namespace fairlead::bench {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start);
/// `samples` may not be empty; `part` 0.5 is the median.
double percentile(std::vector<double> samples, double part);
/// A field of /proc/self/status that is given in kB, "VmRSS", in MiB.
double status_mib(const std::string& field);
/// A measurement that went wrong is none: ends the process by std::quick_exit.
[[noreturn]] void fail(const std::string& what);
/// The calling process gets a network namespace of its own.
void enter_own_namespace();

/// Runs `measure()` in a child process, so that memory and namespace are that of one case.
template <class Measure>
auto in_child(Measure measure) {
  using Row = decltype(measure());
  static_assert(std::is_trivially_copyable_v<Row>, "it passes through a pipe");
  int ends[2];
  if (::pipe(ends) != 0) fail("no pipe");
  const pid_t child = ::fork();
  if (child < 0) fail("no child process");
  if (child == 0) {
    const Row row = measure();
    std::_Exit(::write(ends[1], &row, sizeof(row)) == sizeof(row) ? 0 : 1);
  }
  ::close(ends[1]);
  Row row;
  const bool complete = ::read(ends[0], &row, sizeof(row)) == sizeof(row);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  if (!complete) fail("a case did not finish");
  return row;
}

}  // namespace fairlead::bench
