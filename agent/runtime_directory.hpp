// The directory of the running agent: its lock, its socket.
#pragma once

#include <string>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Held while this agent runs; the kernel releases it however the process ends.
class RuntimeDirectory {
 public:
  /// Makes `path` (0700) where it does not exist. Fails where another agent holds it.
  static Result<RuntimeDirectory> claim(const std::string& path);

  [[nodiscard]] std::string socket_path() const { return path_ + "/agent.sock"; }

 private:
  RuntimeDirectory(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  Fd lock_;
};

}  // namespace fairlead
