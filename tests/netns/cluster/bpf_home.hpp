// Where a test's BPF programs are pinned and attached: a bpffs and a cgroup of its own.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "model/result.hpp"

namespace fairlead::test {

/// A bpffs on a new directory `/run/flt-<pid>-NAME`. Unmounting it lets go of all pins.
class BpfFilesystem {
 public:
  static Result<std::unique_ptr<BpfFilesystem>> mount(const std::string& name);
  ~BpfFilesystem();
  BpfFilesystem(const BpfFilesystem&) = delete;
  BpfFilesystem& operator=(const BpfFilesystem&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit BpfFilesystem(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// A cgroup `flt-<pid>-NAME` below the machine's cgroup v2 mount.
class Cgroup {
 public:
  static Result<std::unique_ptr<Cgroup>> make(const std::string& name);
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Calls `body` while this process is in the cgroup. A socket belongs for ever to the cgroup that
  /// it was opened in.
  void run(const std::function<void()>& body);

 private:
  Cgroup(std::string path, std::string home) : path_(std::move(path)), home_(std::move(home)) {}
  std::string path_, home_;  // home: where this process was found, and is between the runs
  std::mutex mutex_;
};

}  // namespace fairlead::test
