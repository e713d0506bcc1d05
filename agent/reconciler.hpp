// Decides what is written to the kernel and when. No clock, no kernel and no waiting of its own:
// whoever runs it asks for the next job, does it, and tells how it went. Until a job is done its
// Services stay dirty.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "controlplane-client/cluster_watch.hpp"
#include "dataplane/datapath.hpp"
#include "dataplane/plan/planner.hpp"

namespace fairlead {

using SteadyTime = std::chrono::steady_clock::time_point;

struct ReconcilerOptions {
  using Duration = std::chrono::milliseconds;
  Duration min_sync_period{0};
  Duration compare_period{60'000};
  Duration node_wait{10'000};
  Duration retry_first{50};
  Duration retry_limit{30'000};
  unsigned resync_after_failures = 3;
  /// Repairs of what others changed: so many at once, and one more each period. Two programs that
  /// each undo the other's work must not keep the machine busy.
  unsigned repair_burst = 5;
  Duration repair_period{10'000};
  /// From so many changed Services on a job is worth a worker thread.
  std::size_t large_job = 200;
};

/// Why the kernel is read back.
enum class ResyncReason : std::uint8_t { kNone, kStart, kNode, kForeign, kPeriodic, kFailures };
std::string_view to_string(ResyncReason reason);  // "start", "node changed", ...

/// What is to be done now. The plan that it refers to stays as it is until done().
struct Job {
  ResyncReason resync = ResyncReason::kNone;  // kNone: apply `services`
  std::vector<ObjectName> services;
  bool large = false;  // takes long enough to keep others waiting
};

class Reconciler {
 public:
  /// `planner` receives the events directly; nobody else calls its update().
  Reconciler(Planner& planner, ReconcilerOptions options);

  /// The planner was told of something.
  void planner_changed(SteadyTime now);
  void listed(client::Resource resource, SteadyTime now);
  void foreign_change(SteadyTime now);

  struct Step {
    std::optional<Job> job;
    SteadyTime wake =
        SteadyTime::max();  // without a job: ask again then, or when something happens
  };
  Step next(SteadyTime now);
  void done(const Job& job, bool succeeded, SteadyTime now);

  /// A resync succeeded once: the kernel held a whole plan.
  [[nodiscard]] bool is_synced() const { return synced_; }
  /// Since when something waits to be written; nullopt: the kernel has it all, or nothing has been
  /// listed yet.
  [[nodiscard]] std::optional<SteadyTime> pending_since() const { return pending_since_; }
  /// Repairs are being held back.
  [[nodiscard]] bool is_repair_limited() const { return repair_due_ && repairs_left_ == 0; }
  [[nodiscard]] unsigned failures_in_a_row() const { return failures_; }
  [[nodiscard]] std::size_t dirty() const { return dirty_.size(); }

 private:
  [[nodiscard]] SteadyTime ready_at() const;
  ResyncReason resync_reason(SteadyTime now);
  [[nodiscard]] std::vector<ObjectName> next_batch() const;
  void refill_repairs(SteadyTime now);

  Planner& planner_;
  ReconcilerOptions options_;

  std::set<client::Resource> listed_;
  SteadyTime node_deadline_ = SteadyTime::max();

  bool synced_ = false;
  std::set<ObjectName> dirty_;
  std::optional<SteadyTime> pending_since_;
  SteadyTime job_since_{};
  NodeSettings written_node_;
  SteadyTime compare_at_{};
  SteadyTime not_before_{};

  unsigned failures_ = 0;
  bool resync_after_failures_ = false;
  std::size_t batch_limit_ = SIZE_MAX;
  ObjectName skip_until_;  // the next batch begins behind it

  bool repair_due_ = false;
  unsigned repairs_left_;
  SteadyTime repairs_counted_at_{};
};

}  // namespace fairlead
