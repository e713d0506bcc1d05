// Child processes: started in the calling thread's namespaces, ended at the latest with the object.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// `command[0]` is the program's path.
Result<pid_t> spawn(const std::vector<std::string>& command, const Fd& input, const Fd& output,
                    const Fd& errors);

/// A file without a name, at its beginning.
Result<Fd> memory_file(std::string_view content);
/// At most `limit` bytes from its beginning.
std::string content_of(const Fd& file, std::size_t limit);

/// One that stays until it is ended.
class Process {
 public:
  /// What it says goes to `log_file`.
  static Result<Process> start(const std::vector<std::string>& command,
                               const std::string& log_file);
  Process(Process&& other) noexcept
      : child_(std::exchange(other.child_, 0)), log_(std::move(other.log_)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(child_, other.child_);
    std::swap(log_, other.log_);
    return *this;
  }
  ~Process() { end(); }

  /// The error has what it said last.
  Result<> check_running();
  /// User and system, with those of its children that have ended. In steps of 10 ms.
  [[nodiscard]] Result<double> cpu_seconds() const;
  [[nodiscard]] bool has_children() const;
  /// SIGTERM; SIGKILL where that does not help for ten seconds.
  void end();

 private:
  Process(pid_t child, std::string log) : child_(child), log_(std::move(log)) {}
  pid_t child_;  // 0: ended, and waited for
  std::string log_;
};

}  // namespace fairlead::bench
