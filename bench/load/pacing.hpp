// When the next one is due. Closed loop: at once, until the end. Open loop: at fixed times from the
// start on, which do not move when one is late.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace fairlead::bench {

class Pacing {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Plan {
    double seconds = 1;
    std::optional<double> rate{};  // of all threads
    std::uint32_t threads = 1;
    std::uint32_t index = 0;  // of this one; threads take turns
  };

  Pacing(const Plan& plan, Time start)
      : start_(start), end_(start + nanoseconds_of(plan.seconds * 1e9)), is_open_(plan.rate) {
    if (!is_open_) return;
    interval_ns_ = 1e9 * plan.threads / *plan.rate;
    offset_ns_ = interval_ns_ * plan.index / plan.threads;
  }

  [[nodiscard]] bool is_open() const { return is_open_; }
  [[nodiscard]] Time end() const { return end_; }

  /// When the next one should be asked; in a closed loop `now`.
  [[nodiscard]] Time next(Time now) const {
    return is_open_
               ? start_ + nanoseconds_of(offset_ns_ + interval_ns_ * static_cast<double>(taken_))
               : now;
  }
  /// Whether none is to come, due or not.
  [[nodiscard]] bool is_over(Time now) const { return next(now) >= end_; }
  [[nodiscard]] bool is_due(Time now) const { return !is_over(now) && next(now) <= now; }
  void take(std::uint64_t count = 1) { taken_ += count; }

  /// How many are due and not yet taken; of an open loop.
  [[nodiscard]] std::uint64_t due(Time now) const {
    const Time until = now < end_ ? now : end_ - std::chrono::nanoseconds(1);
    const double passed = std::chrono::duration<double, std::nano>(until - start_).count();
    if (passed < offset_ns_) return 0;
    const auto all = static_cast<std::uint64_t>((passed - offset_ns_) / interval_ns_) + 1;
    return all > taken_ ? all - taken_ : 0;
  }

 private:
  static std::chrono::nanoseconds nanoseconds_of(double count) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(count));
  }

  Time start_, end_;
  bool is_open_ = false;
  double interval_ns_ = 0, offset_ns_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace fairlead::bench
