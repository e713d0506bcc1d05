// posix_spawn, waitpid, /proc/PID/stat.
#include "bench/ways/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace fairlead::bench {
namespace {

constexpr std::size_t kLogBytes = 600;  // of a log that are repeated in an error

/// Of a Go program that gave up: what it gave up for ("F1121 18:43:07.797657 ..."), which many
/// lines of stack follow. Else the end.
std::string last_words(const std::string& file) {
  std::ifstream stream(file);
  std::string text;
  for (std::string line; std::getline(stream, line); text += line + '\n')
    if (line.size() > 1 && line[0] == 'F' && line[1] >= '0' && line[1] <= '9') return line;
  return text.size() <= kLogBytes ? text : text.substr(text.size() - kLogBytes);
}

}  // namespace

Result<pid_t> spawn(const std::vector<std::string>& command, const Fd& input, const Fd& output,
                    const Fd& errors) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn's old signature
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, command.front().c_str(), &actions, nullptr,
                                  arguments.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return system_error(error, "run " + command.front());
  return child;
}

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

std::string content_of(const Fd& file, std::size_t limit) {
  std::string text(limit, '\0');
  std::size_t filled = 0;
  while (filled < limit) {
    const ssize_t got =
        ::pread(file.get(), text.data() + filled, limit - filled, static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

Result<Process> Process::start(const std::vector<std::string>& command,
                               const std::string& log_file) {
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd log(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!nothing || !log) return system_error(errno, "open " + log_file);
  TRY(const pid_t child, spawn(command, nothing, log, log));
  return Process(child, log_file);
}

Result<> Process::check_running() {
  if (child_ != 0 && ::waitpid(child_, nullptr, WNOHANG) == 0) return {};
  child_ = 0;
  return invalid("it has ended: " + last_words(log_));
}

Result<double> Process::cpu_seconds() const {
  std::ifstream file(fmt::format("/proc/{}/stat", child_));
  std::string text;
  std::getline(file, text);
  const auto after_name = text.rfind(')');  // the name may have spaces
  if (after_name == text.npos) return invalid(fmt::format("/proc/{}/stat says nothing", child_));
  std::istringstream fields(text.substr(after_name + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double ticks = 0;
  for (int i = 0; i < 4; ++i) {  // utime, stime, cutime, cstime
    double each = 0;
    fields >> each;
    ticks += each;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

bool Process::has_children() const {
  std::error_code gone;
  for (const auto& task :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", child_), gone)) {
    std::ifstream children(task.path() / "children");
    if (pid_t child = 0; children >> child) return true;
  }
  return false;
}

void Process::end() {
  if (child_ == 0) return;
  ::kill(child_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (::waitpid(child_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  child_ = 0;
}

}  // namespace fairlead::bench
