// Text -> a file in memory -> the child's standard input; its standard error -> another such file.
// Nothing is piped, so a tool never waits for us.
#include "bench/ways/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "dataplane/kernel/fd.hpp"

namespace fairlead::bench {
namespace {

constexpr std::string_view kAdministratorsPath = "/usr/sbin:/sbin:/usr/local/sbin";
constexpr std::size_t kErrorBytes = 400;  // of what a tool says; some repeat a line for each rule

Result<Fd> memory_file(std::string_view content) {
  Fd file(::memfd_create("bench", MFD_CLOEXEC));
  if (!file) return system_error(errno, "make a file in memory");
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0) return system_error(errno, "write a file in memory");
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

/// On one line.
std::string beginning_of(const Fd& file) {
  std::array<char, kErrorBytes> buffer{};
  const ssize_t size = ::pread(file.get(), buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), static_cast<std::size_t>(size < 0 ? 0 : size));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; at += 2)
    text.replace(at, 1, "; ");
  return text;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

Result<pid_t> spawn(const std::string& program, const std::vector<std::string>& command,
                    const Fd& input, const Fd& errors) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn's old signature
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return system_error(error, "run " + program);
  return child;
}

Result<Cost> run_step(const Step& step) {
  const auto program = find_program(step.command.front());
  if (!program) return invalid(step.command.front() + " is not installed");
  TRY(const Fd input, memory_file(step.input));
  TRY(const Fd errors, memory_file({}));
  const auto start = std::chrono::steady_clock::now();
  TRY(const pid_t child, spawn(*program, step.command, input, errors));
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
  Cost sum;
  for (const Step& step : steps) {
    TRY(const Cost cost, run_step(step));
    sum.seconds += cost.seconds;
    sum.cpu_seconds += cost.cpu_seconds;
  }
  return sum;
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
