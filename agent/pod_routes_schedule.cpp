// a Node changed      written once things have settled
// others changed it   at once, as often as repairs are left
// a period is over    compared
// it failed           again, later and later
#include "agent/pod_routes_schedule.hpp"

#include <algorithm>

namespace fairlead {

void PodRoutesSchedule::changed(SteadyTime now) {
  if (!change_due_) change_due_ = now + times_.settle;
}

void PodRoutesSchedule::foreign_change(SteadyTime) {
  if (compare_at_ || failures_ > 0) repair_due_ = true;
}

void PodRoutesSchedule::refill_repairs(SteadyTime now) {
  if (repairs_left_ >= times_.repair_burst) {
    repairs_counted_at_ = now;
    return;
  }
  const auto earned = (now - repairs_counted_at_) / times_.repair_period;
  if (earned <= 0) return;
  repairs_left_ =
      static_cast<unsigned>(std::min<std::int64_t>(times_.repair_burst, repairs_left_ + earned));
  repairs_counted_at_ += earned * times_.repair_period;
}

SteadyTime PodRoutesSchedule::due(SteadyTime now) {
  refill_repairs(now);
  SteadyTime due = change_due_.value_or(SteadyTime::max());
  if (compare_at_) due = std::min(due, *compare_at_);
  if (repair_due_)
    due = std::min(due, repairs_left_ > 0 ? now : repairs_counted_at_ + times_.repair_period);
  return due == SteadyTime::max() ? due : std::max(due, not_before_);
}

void PodRoutesSchedule::started() {
  is_repair_ = repair_due_ && !change_due_;
  change_due_.reset();
  repair_due_ = false;
}

void PodRoutesSchedule::done(Outcome outcome, SteadyTime now) {
  if (is_repair_ && outcome.wrote && repairs_left_ > 0) --repairs_left_;
  if (outcome.succeeded) {
    failures_ = 0;
    not_before_ = now;
    compare_at_ = now + times_.compare_period;
    return;
  }
  constexpr unsigned kDoublings = 16;
  const auto wait = times_.retry_first * (1U << std::min(failures_, kDoublings));
  ++failures_;
  not_before_ = now + std::min<PodRoutesTimes::Duration>(wait, times_.retry_limit);
  change_due_ = not_before_;
}

}  // namespace fairlead
