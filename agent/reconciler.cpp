// Events -> dirty Services -> jobs.
//
//   nothing listed        wait: what is not known to be gone must not be erased
//   listed, never synced  resync: adopt what an earlier agent left in the kernel
//   synced                apply what is dirty, all of it in one transaction; so a burst costs one
//   an apply failed       smaller batches, so that one Service that the kernel refuses does not
//   hold the others; then resync node settings differ, others changed our objects, a period is
//   over: resync
#include "agent/reconciler.hpp"

#include <algorithm>

namespace fairlead {

std::string_view to_string(ResyncReason reason) {
  switch (reason) {
    case ResyncReason::kNone:
      return "none";
    case ResyncReason::kStart:
      return "start";
    case ResyncReason::kNode:
      return "node changed";
    case ResyncReason::kForeign:
      return "changed by others";
    case ResyncReason::kPeriodic:
      return "periodic";
    case ResyncReason::kFailures:
      return "after failures";
  }
  return "";
}

Reconciler::Reconciler(Planner& planner, ReconcilerOptions options)
    : planner_(planner), options_(options), repairs_left_(options.repair_burst) {}

void Reconciler::planner_changed(SteadyTime now) {
  if (ready_at() <= now && !pending_since_) pending_since_ = now;
}

void Reconciler::listed(client::Resource resource, SteadyTime now) {
  listed_.insert(resource);
  const bool is_only_node_missing =
      listed_.size() == 2 && !listed_.contains(client::Resource::kNodes);
  if (is_only_node_missing) node_deadline_ = now + options_.node_wait;
}

void Reconciler::foreign_change(SteadyTime now) {
  if (!synced_) return;  // the first resync reads everything anyway
  repair_due_ = true;
  if (!pending_since_) pending_since_ = now;
}

SteadyTime Reconciler::ready_at() const {
  return listed_.size() == client::kResources.size() ? SteadyTime::min() : node_deadline_;
}

void Reconciler::refill_repairs(SteadyTime now) {
  if (repairs_left_ >= options_.repair_burst) {
    repairs_counted_at_ = now;
    return;
  }
  const auto earned = (now - repairs_counted_at_) / options_.repair_period;
  if (earned <= 0) return;
  repairs_left_ =
      static_cast<unsigned>(std::min<std::int64_t>(options_.repair_burst, repairs_left_ + earned));
  repairs_counted_at_ += earned * options_.repair_period;
}

ResyncReason Reconciler::resync_reason(SteadyTime now) {
  if (!synced_) return ResyncReason::kStart;
  if (planner_.plan().node != written_node_) return ResyncReason::kNode;
  if (resync_after_failures_) return ResyncReason::kFailures;
  if (repair_due_ && repairs_left_ > 0) return ResyncReason::kForeign;
  if (now >= compare_at_) return ResyncReason::kPeriodic;
  return ResyncReason::kNone;
}

std::vector<ObjectName> Reconciler::next_batch() const {
  std::vector<ObjectName> batch;
  auto next = dirty_.upper_bound(skip_until_);
  for (std::size_t count = std::min(batch_limit_, dirty_.size()); count > 0; --count, ++next) {
    if (next == dirty_.end()) next = dirty_.begin();
    batch.push_back(*next);
  }
  return batch;
}

Reconciler::Step Reconciler::next(SteadyTime now) {
  if (now < ready_at()) return {.job = {}, .wake = ready_at()};
  if (!pending_since_ && (!synced_ || planner_.has_pending())) pending_since_ = now;
  if (now < not_before_) return {.job = {}, .wake = not_before_};
  refill_repairs(now);
  if (planner_.has_pending()) {
    for (ObjectName& name : planner_.update()) dirty_.insert(std::move(name));
  }
  Job job{.resync = resync_reason(now), .services = {}, .large = false};
  job_since_ = now;
  if (job.resync != ResyncReason::kNone) {
    job.large = true;
    return {.job = std::move(job), .wake = {}};
  }
  if (!dirty_.empty()) {
    job.services = next_batch();
    job.large = job.services.size() >= options_.large_job;
    return {.job = std::move(job), .wake = {}};
  }
  if (!repair_due_) pending_since_.reset();
  const auto repair_at =
      repair_due_ ? repairs_counted_at_ + options_.repair_period : SteadyTime::max();
  return {.job = {}, .wake = std::min(compare_at_, repair_at)};
}

void Reconciler::done(const Job& job, bool succeeded, SteadyTime now) {
  not_before_ = now + options_.min_sync_period;
  if (job.resync == ResyncReason::kForeign) --repairs_left_;
  if (!succeeded) {
    ++failures_;
    const auto doublings = std::min(failures_ - 1, 16U);
    not_before_ = std::max(not_before_, now + std::min(options_.retry_limit,
                                                       options_.retry_first * (1U << doublings)));
    // A resync that failed alternates with single Services: either may be what gets the others
    // through.
    resync_after_failures_ =
        job.resync == ResyncReason::kNone && failures_ >= options_.resync_after_failures;
    if (job.resync != ResyncReason::kNone)
      compare_at_ = std::max(compare_at_, not_before_ + options_.retry_limit);
    if (job.services.size() > 1) batch_limit_ = job.services.size() / 2;
    if (job.services.size() == 1) skip_until_ = job.services.front();
    return;
  }
  failures_ = 0;
  resync_after_failures_ = false;
  if (job.resync == ResyncReason::kNone) {
    for (const ObjectName& name : job.services) dirty_.erase(name);
    batch_limit_ = batch_limit_ > SIZE_MAX / 2 ? SIZE_MAX : batch_limit_ * 2;
  } else {
    dirty_.clear();
    synced_ = true;
    repair_due_ = false;
    written_node_ = planner_.plan().node;
    batch_limit_ = SIZE_MAX;
    compare_at_ = now + options_.compare_period;
  }
  if (!dirty_.empty() || repair_due_) return;
  // What arrived during the job waits since then at most: a steady stream of changes is no
  // standstill.
  pending_since_ = planner_.has_pending() ? std::optional(job_since_) : std::nullopt;
}

}  // namespace fairlead
