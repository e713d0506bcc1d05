// How long to wait before trying again: 0.8 s, doubled each time up to 30 s, each with jitter so
// that a thousand agents whose API server came back do not return in the same instant.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "controlplane-client/timing.hpp"

namespace fairlead::client {

/// Factor 2, each wait drawn evenly from the upper half of its step: 0.8 to 1.6 s, then 1.6 to 3.2
/// s, at last 15 to 30 s.
class Backoff {
 public:
  using Duration = Timing::Duration;
  Backoff(Duration first, Duration limit, std::uint64_t seed)
      : first_(std::min(first * 2, limit)), limit_(limit), step_(first_), random_(seed) {}

  Duration next() {
    const Duration step = step_;
    step_ = std::min(step_ * 2, limit_);
    return between(step / 2, step);
  }
  void reset() { step_ = first_; }

  /// A random time, evenly from [low, high].
  Duration between(Duration low, Duration high) {
    return Duration(std::uniform_int_distribution<Duration::rep>(
        low.count(), std::max(low, high).count())(random_));
  }

 private:
  Duration first_, limit_, step_;
  std::mt19937_64 random_;
};

}  // namespace fairlead::client
