// fork -> where it shall run -> body -> its end of the pipe. A child is killed by the kernel when
// this process ends (PR_SET_PDEATHSIG), so that nothing is left even after SIGKILL.
#include "bench/world/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace fairlead::bench {
namespace {

constexpr std::size_t kErrorBytes = 600;

Result<> move_to(const ChildSetting& setting, pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return system_error(errno, "end with the parent");
  if (::getppid() != parent) return invalid("the parent has ended");
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  if (!setting.cgroup.empty()) {
    std::ofstream processes(setting.cgroup + "/cgroup.procs");
    processes << "0" << std::flush;
    if (!processes) return invalid(fmt::format("cannot enter cgroup {}", setting.cgroup));
  }
  if (setting.network_namespace >= 0 && ::setns(setting.network_namespace, CLONE_NEWNET) != 0)
    return system_error(errno, "enter a network namespace");
  if (setting.cpu) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(*setting.cpu, &cpus);
    if (::sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
      return system_error(errno, fmt::format("run on CPU {}", *setting.cpu));
  }
  if (setting.hurries && ::setpriority(PRIO_PROCESS, 0, -19) != 0)
    return system_error(errno, "raise the priority");
  if (setting.hurries) {
    // Where the kernel groups processes by session, a priority counts within the group alone; this
    // file is not there where it does not.
    (void)::setsid();
    std::ofstream("/proc/self/autogroup") << "-19";
  }
  return {};
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void become(const Command& command, int input, int output) {
  const std::vector<char*> words = pointers_to(command.words);
  const std::vector<char*> environment = pointers_to(command.environment);
  if (::dup2(input, 0) >= 0 && ::dup2(output, 1) >= 0 && ::dup2(output, 2) >= 0)
    ::execvpe(words[0], words.data(), command.environment.empty() ? environ : environment.data());
  (void)write_all(output, std::strerror(errno));
  std::_Exit(127);
}

/// What a command reads: a file without a name, so that neither side can wait for the other.
Result<Fd> as_input(const std::string& text) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  if (!file || !write_all(file.get(), text) || ::lseek(file.get(), 0, SEEK_SET) != 0)
    return system_error(errno, "write a command's input");
  return file;
}

}  // namespace

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pipe_(std::move(other.pipe_)),
      cpu_seconds_(other.cpu_seconds_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pipe_, other.pipe_);
  std::swap(cpu_seconds_, other.cpu_seconds_);
  return *this;
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  (void)reap();
}

Result<Child> Child::start(const ChildSetting& setting, const std::function<int(int)>& body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "make a pipe");
  Fd ours(ends[0]), its(ends[1]);
  (void)std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_error(errno, "make a child process");
  if (pid > 0) return Child(pid, std::move(ours));
  if (const auto moved = move_to(setting, parent); !moved) {
    fmt::print(stderr, "bench: {}\n", moved.error().doing);
    std::_Exit(1);
  }
  const int code = body(its.get());
  (void)std::fflush(nullptr);
  std::_Exit(code);
}

Result<> Child::reap() {
  int status = 0;
  rusage usage{};
  while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  cpu_seconds_ = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status))
    return invalid(fmt::format("a child process ended with code {}", WEXITSTATUS(status)));
  return invalid(fmt::format("a child process was ended by signal {}", WTERMSIG(status)));
}

bool Child::is_running() const {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0;
}

Result<std::string> Child::output() {
  std::string text = read_all(pipe_.get());
  if (const auto ended = reap(); !ended)
    return tl::unexpected(Error{ended.error().code, text.empty() ? ended.error().doing : text});
  return text;
}

Result<> Child::wait_until_ready() {
  char byte = 0;
  if (::read(pipe_.get(), &byte, 1) == 1) return {};
  TRY_VOID(reap());
  return invalid("a server ended before it was ready");
}

void Child::end() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  (void)reap();
}

Result<Child> start_text(const ChildSetting& setting,
                         const std::function<Result<std::string>()>& body) {
  return Child::start(setting, [&body](int pipe) {
    const auto text = body();
    const bool is_whole = write_all(pipe, text ? *text : text.error().doing);
    return text && is_whole ? 0 : 1;
  });
}

Result<Child> start_command(const ChildSetting& setting, const Command& command) {
  TRY(const Fd file, as_input(command.input));
  return Child::start(setting, [&](int pipe) -> int { become(command, file.get(), pipe); });
}

Result<> run_command(const ChildSetting& setting, const Command& command) {
  TRY(Child child, start_command(setting, command));
  if (const auto said = child.output(); !said)
    return invalid(fmt::format("{}: {}", fmt::join(command.words, " "),
                               said.error().doing.substr(0, kErrorBytes)));
  return {};
}

}  // namespace fairlead::bench
