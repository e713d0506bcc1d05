// When learned routes are written, compared, and their next hops looked at. No clock and no waiting
// of its own.
#pragma once

#include <chrono>
#include <optional>

namespace fairlead::bgp {

struct RouteTimes {
  using Duration = std::chrono::milliseconds;
  Duration settle{20};  // events of the kernel come in crowds
  Duration compare_period{60'000};
  Duration ask_again{1'000};  // next hops that cannot be reached
  Duration retry_first{100}, retry_limit{30'000};
  /// Between two repairs of what others changed; doubled while they go on, up to the limit.
  Duration repair_first{100}, repair_limit{30'000};
};

class RouteSchedule {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Due {
    bool write = false, look = false, compare = false;
    [[nodiscard]] bool any() const { return write || look || compare; }
  };
  struct Done {
    bool retry = false;     // something was refused, or the kernel could not be asked
    bool repaired = false;  // a comparison found something
    bool unreachable = false;
  };

  explicit RouteSchedule(RouteTimes times) : times_(times) {}

  void changed(Time now) { write_at_ = earlier(write_at_, now); }
  void next_hops_changed(Time now) { look_at_ = earlier(look_at_, now + times_.settle); }
  /// Somebody touched a learned route.
  void foreign_change(Time now);

  /// Time::max(): when something happens.
  [[nodiscard]] Time next() const;
  /// What is to be done at `now`; it counts as begun.
  Due begin(Time now);
  void done(const Due& what, const Done& outcome, Time now);

 private:
  static std::optional<Time> earlier(std::optional<Time> a, Time b) { return a && *a < b ? a : b; }

  RouteTimes times_;
  std::optional<Time> write_at_, look_at_, compare_at_;
  Time not_before_{};  // after a failure
  Time repair_not_before_{};
  RouteTimes::Duration retry_{0}, repair_{0};
};

}  // namespace fairlead::bgp
