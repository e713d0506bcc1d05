// A child process that says one thing and ends: what is measured runs apart, with a CPU, a cgroup,
// a network namespace and memory of its own, and a mistake in it ends nothing else.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// Where a child runs; what is empty stays as it is here.
struct ChildSetting {
  int network_namespace = -1;  // a file descriptor
  std::string cgroup;          // a directory of cgroup v2
  std::optional<unsigned> cpu;
  bool hurries = false;  // the highest of the ordinary priorities
};

/// Dies with this object, and with this process.
class Child {
 public:
  /// `body` gets the end of a pipe that is read as output(); it returns the exit code.
  static Result<Child> start(const ChildSetting& setting, const std::function<int(int)>& body);
  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  /// All that it writes until it closes its end or dies, and how it ended: an error if by anything
  /// other than exit code 0.
  Result<std::string> output();
  /// One byte, as a server sends when it is ready; an error if it ended before.
  Result<> wait_until_ready();
  [[nodiscard]] bool is_running() const;
  [[nodiscard]] int pid() const { return pid_; }
  /// Of it and of the children that it waited for, user and system; once it has ended.
  [[nodiscard]] double cpu_seconds() const { return cpu_seconds_; }
  /// SIGTERM, and waits.
  void end();

 private:
  Child(int pid, Fd pipe) : pid_(pid), pipe_(std::move(pipe)) {}
  Result<> reap();

  int pid_ = -1;
  Fd pipe_;
  double cpu_seconds_ = 0;
};

/// Runs `body` in a child; its text is output(), and its error is output()'s.
Result<Child> start_text(const ChildSetting& setting,
                         const std::function<Result<std::string>()>& body);

struct Command {
  std::vector<std::string> words;
  std::string input;
  std::vector<std::string> environment;  // "NAME=value"; empty: this process's
};
/// Its standard output and standard error are output()'s.
Result<Child> start_command(const ChildSetting& setting, const Command& command);
/// Waits for it; an error has the first lines of what it said.
Result<> run_command(const ChildSetting& setting, const Command& command);

}  // namespace fairlead::bench
