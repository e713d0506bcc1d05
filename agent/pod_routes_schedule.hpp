// When the pod network between the nodes is written to the kernel. No clock and no waiting of its
// own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "agent/reconciler.hpp"

namespace fairlead {

struct PodRoutesTimes {
  using Duration = std::chrono::milliseconds;
  Duration settle{50};  // changes that come this close together are written together
  Duration compare_period{60'000};
  Duration retry_first{100};
  Duration retry_limit{30'000};
  /// Repairs of what others changed: so many at once, and one more each period.
  unsigned repair_burst = 5;
  Duration repair_period{10'000};
};

class PodRoutesSchedule {
 public:
  explicit PodRoutesSchedule(PodRoutesTimes times)
      : times_(times), repairs_left_(times.repair_burst) {}

  void changed(SteadyTime now);
  /// Only what was written once can have been changed by others.
  void foreign_change(SteadyTime now);

  /// When to write next; SteadyTime::max(): when something happens.
  [[nodiscard]] SteadyTime due(SteadyTime now);
  /// What is written at `now` covers all that has happened.
  void started();
  struct Outcome {
    bool succeeded = false;
    bool wrote = false;  // something was not as wanted
  };
  void done(Outcome outcome, SteadyTime now);

  [[nodiscard]] unsigned failures_in_a_row() const { return failures_; }

 private:
  void refill_repairs(SteadyTime now);

  PodRoutesTimes times_;
  std::optional<SteadyTime> change_due_;
  bool repair_due_ = false;
  bool is_repair_ = false;                // what is being written is for a repair alone
  std::optional<SteadyTime> compare_at_;  // once written
  SteadyTime not_before_{};
  unsigned failures_ = 0;
  unsigned repairs_left_;
  SteadyTime repairs_counted_at_{};
};

}  // namespace fairlead
