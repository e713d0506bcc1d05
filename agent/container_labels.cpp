// command -> child process -> what it writes, until it closes its output -> exit status -> labels
#include "agent/container_labels.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <csignal>

#include "dataplane/kernel/fd.hpp"

extern char** environ;

namespace fairlead {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;

/// Ended and reaped in any case.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  /// It closed its output, so it is about to exit. In waitpid's form.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

/// `output`: takes what it says and what it complains about.
Result<pid_t> spawn(std::vector<std::string> command, int output) {
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return system_error(error, "start " + command.front());
  return pid;
}

Result<std::string> read_all(int fd, std::chrono::milliseconds limit,
                             const std::atomic<bool>& stopped) {
  std::string text;
  std::array<char, 4096> buffer{};
  const auto deadline = Clock::now() + limit;
  while (Clock::now() < deadline && !stopped) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, 100) <= 0) continue;
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count < 0) return system_error(errno, "read its output");
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kLongestAnswer) return invalid("its output is larger than 1 MiB");
  }
  return tl::unexpected(Error{std::make_error_code(std::errc::timed_out), "no answer in time"});
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

/// The last line: warnings may come before it.
Result<std::map<std::string, std::string>> parse(const std::string& output) {
  boost::system::error_code failed;
  const json::value answer = json::parse(last_line(output), failed);
  std::map<std::string, std::string> labels;
  if (!failed && answer.is_null()) return labels;
  if (failed || !answer.is_object()) return invalid("its output is not a JSON object");
  for (const auto& [key, value] : answer.get_object())
    if (value.is_string()) labels[key] = std::string(value.get_string());
  return labels;
}

}  // namespace

Result<std::map<std::string, std::string>> read_container_labels(
    const std::vector<std::string>& command, const std::string& container,
    std::chrono::milliseconds limit, const std::atomic<bool>& stopped) {
  std::vector<std::string> words = command;
  words.push_back(container);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "pipe");
  const Fd output(ends[0]);
  Fd input(ends[1]);
  TRY(const pid_t pid, spawn(words, input.get()));
  Child child(pid);
  input = Fd();  // the child's alone: its end is the end of the output
  auto text = read_all(output.get(), limit, stopped);
  if (!text) return prefix(command.front(), std::move(text).error());
  const int status = child.wait();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return invalid(command.front() + " failed: " + last_line(*text));
  auto labels = parse(*text);
  if (!labels) return prefix(command.front(), std::move(labels).error());
  return labels;
}

}  // namespace fairlead
