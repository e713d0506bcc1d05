// Text -> a file in memory -> the child's standard input; its standard error -> another such file.
// Nothing is piped, so a tool never waits for us.
#include "bench/ways/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "bench/ways/process.hpp"

namespace fairlead::bench {
namespace {

constexpr std::string_view kAdministratorsPath = "/usr/sbin:/sbin:/usr/local/sbin";
constexpr std::size_t kOutputBytes = std::size_t{64} << 20;
constexpr std::size_t kErrorBytes = 400;  // of what a tool says; some repeat a line for each rule

/// On one line.
std::string beginning_of(const Fd& file) {
  std::string text = content_of(file, kErrorBytes);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; at += 2)
    text.replace(at, 1, "; ");
  return text;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

Result<Cost> run_step(const Step& step, const Fd& output) {
  std::vector<std::string> command = step.command;
  const auto program = find_program(command.front());
  if (!program) return invalid(command.front() + " is not installed");
  command.front() = *program;
  TRY(const Fd input, memory_file(step.input));
  TRY(const Fd errors, memory_file({}));
  const auto start = std::chrono::steady_clock::now();
  TRY(const pid_t child, spawn(command, input, output, errors));
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) return system_error(errno, "wait for " + *program);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return invalid(fmt::format(
        "{}: {} {}: {}", fmt::join(step.command, " "), WIFEXITED(status) ? "status" : "signal",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), beginning_of(errors)));
  return Cost{wall.count(), seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)};
}

}  // namespace

Result<Cost> run_steps(const std::vector<Step>& steps) {
  const Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!nowhere) return system_error(errno, "open /dev/null");
  Cost sum;
  for (const Step& step : steps) {
    TRY(const Cost cost, run_step(step, nowhere));
    sum.seconds += cost.seconds;
    sum.cpu_seconds += cost.cpu_seconds;
  }
  return sum;
}

Result<std::string> output_of(const Step& step) {
  TRY(const Fd output, memory_file({}));
  TRY_VOID(run_step(step, output));
  return content_of(output, kOutputBytes);
}

std::optional<std::string> find_program(std::string_view program) {
  if (program.find('/') != program.npos) return std::string(program);
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::string all = fmt::format("{}:{}", path == nullptr ? "" : path, kAdministratorsPath);
  for (std::string_view rest = all; !rest.empty();) {
    const auto end = std::min(rest.find(':'), rest.size());
    std::string candidate = fmt::format("{}/{}", rest.substr(0, end), program);
    if (end != 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

}  // namespace fairlead::bench
