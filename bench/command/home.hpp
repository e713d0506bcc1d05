// Where a bench keeps what it needs while it runs; all of it is gone afterwards.
#pragma once

#include <string>
#include <utility>

#include "model/result.hpp"

namespace fairlead::bench {

/// A directory of files, and a bpffs that no other process sees: the calling process gets a mount
/// namespace of its own.
class Home {
 public:
  static Result<Home> make();
  Home(Home&& other) noexcept : scratch_(std::exchange(other.scratch_, {})) {}
  Home& operator=(Home&&) = delete;
  ~Home();

  [[nodiscard]] const std::string& scratch() const { return scratch_; }
  [[nodiscard]] std::string pins() const { return "/sys/fs/bpf/bench"; }

 private:
  explicit Home(std::string scratch) : scratch_(std::move(scratch)) {}
  std::string scratch_;
};

/// Directories of benches that have ended, however they did.
void remove_left_directories();

}  // namespace fairlead::bench
