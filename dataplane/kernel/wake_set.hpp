// Several descriptors that can be waited for as one.
#pragma once

#include <chrono>
#include <string>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

class WakeSet {
 public:
  static Result<WakeSet> make();
  /// Readable when one of them is.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// `fd` outlives this.
  Result<> add(int fd);

 private:
  Fd fd_;
};

/// Files that are removed from a directory. Not every file system tells.
class RemovalMonitor {
 public:
  static Result<RemovalMonitor> open(const std::string& directory);
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Takes what fd() has, without waiting. True: there was something.
  bool drain();

 private:
  Fd fd_;
};

/// Readable once each period.
class Ticker {
 public:
  static Result<Ticker> make(std::chrono::seconds period);
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// True: a period is over since the last call. Does not wait.
  bool drain();

 private:
  Fd fd_;
};

}  // namespace fairlead
