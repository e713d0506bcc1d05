// One question to the agent over its socket, and its answer.
#pragma once

#include <time.h>

#include <string>

#include "cni/message.hpp"
#include "model/result.hpp"

namespace fairlead::cni {

/// A moment of CLOCK_MONOTONIC after which nothing is waited for.
class Deadline {
 public:
  static Deadline after(int seconds);
  /// At least a microsecond: none at all would mean to wait without an end.
  [[nodiscard]] timeval left() const;

 private:
  timespec at_{};
};

/// `netns`: handed over with the question; -1: none. An error: no agent listens, or it went away or
/// did not answer in time; whether it has done something is not known.
Result<Answer> ask_agent(const std::string& runtime_directory, const Question& question, int netns,
                         const Deadline& deadline);

}  // namespace fairlead::cni
