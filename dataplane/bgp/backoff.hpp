// How long to wait: jitter, and pauses that grow with each failure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace fairlead::bgp {

class Backoff {
 public:
  using Duration = std::chrono::steady_clock::duration;

  static constexpr std::chrono::seconds kLeast{5};
  static constexpr std::chrono::seconds kMost{60};

  explicit Backoff(std::uint64_t seed) : state_(seed) {}

  /// 75 to 100 % of `duration` (RFC 4271 10).
  Duration jittered(Duration duration) {
    constexpr std::uint64_t kSteps = 1024;
    return duration * 3 / 4 + duration / 4 * static_cast<std::int64_t>(next() % kSteps) / kSteps;
  }

  /// 5 s, then twice as long each time, up to 60 s; with jitter.
  Duration after_failure() {
    const auto pause = pause_;
    pause_ = std::min(pause_ * 2, kMost);
    return jittered(pause);
  }
  void forget_failures() { pause_ = kLeast; }

 private:
  /// SplitMix64 (Steele, Lea, Flood 2014).
  std::uint64_t next() {
    std::uint64_t word = state_ += 0x9e3779b97f4a7c15ULL;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
    word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
    return word ^ word >> 31;
  }

  std::uint64_t state_;
  std::chrono::seconds pause_{kLeast};
};

}  // namespace fairlead::bgp
