// the speaker said something   written at once
// the kernel's ways changed    next hops looked at once things have settled
// others touched a route       compared; later and later while they go on
// a period is over             compared
// it failed                    again, later and later
#include "agent/bgp/route_schedule.hpp"

#include <algorithm>

namespace fairlead::bgp {

void RouteSchedule::foreign_change(Time now) {
  compare_at_ = earlier(compare_at_, std::max(now + times_.settle, repair_not_before_));
}

RouteSchedule::Time RouteSchedule::next() const {
  Time next = Time::max();
  for (const auto& at : {write_at_, look_at_, compare_at_})
    if (at) next = std::min(next, *at);
  return next == Time::max() ? next : std::max(next, not_before_);
}

RouteSchedule::Due RouteSchedule::begin(Time now) {
  Due due;
  if (now < not_before_) return due;
  const auto take = [now](std::optional<Time>& at) {
    if (!at || *at > now) return false;
    at.reset();
    return true;
  };
  due.write = take(write_at_);
  due.look = take(look_at_);
  due.compare = take(compare_at_);
  return due;
}

void RouteSchedule::done(const Due& what, const Done& outcome, Time now) {
  if (what.compare) {
    repair_ = outcome.repaired ? std::clamp(2 * repair_, times_.repair_first, times_.repair_limit)
                               : RouteTimes::Duration(0);
    repair_not_before_ = now + repair_;
  }
  if (outcome.unreachable) look_at_ = earlier(look_at_, now + times_.ask_again);
  if (!compare_at_) compare_at_ = now + times_.compare_period;
  if (!outcome.retry) {
    retry_ = RouteTimes::Duration(0);
    return;
  }
  retry_ = std::clamp(2 * retry_, times_.retry_first, times_.retry_limit);
  not_before_ = now + retry_;
  compare_at_ = look_at_ = not_before_;
}

}  // namespace fairlead::bgp
