// A program in a namespace, as a child that is gone when the object is.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace fairlead::test {

/// Waits until `is_true`, for 30 s at most: a limit against hanging. Between two looks it calls
/// `wait`, or waits a moment.
void eventually(const std::string& what, const std::function<bool()>& is_true,
                const std::function<void()>& wait = {});

class Process {
 public:
  /// `prepare` is called in the child before it becomes the program. Its output goes to `output`
  /// (a path), or nowhere.
  Process(const std::string& network_namespace, std::vector<std::string> arguments,
          const std::string& output = "/dev/null", const std::function<void()>& prepare = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Waits for its end: the exit code, or minus the signal.
  int wait();

 private:
  pid_t pid_ = -1;  // -1: has been waited for
};

/// A folder for one test, gone with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

}  // namespace fairlead::test
