// append -> drop from the front what the limits no longer allow.
#include "controlplane/store/ring.hpp"

#include <algorithm>

namespace fairlead::store {

void Ring::append(Event event, Clock::time_point now) {
  bytes_ += weight(event);
  events_.push_back({std::move(event), now});
  while (events_.size() > limits_.events || (bytes_ > limits_.bytes && events_.size() > 1)) {
    drop_first();
  }
}

void Ring::expire(Clock::time_point now) {
  while (!events_.empty() && now - events_.front().when > limits_.age) drop_first();
}

std::uint64_t Ring::after(Revision revision) const {
  const auto found = std::ranges::upper_bound(
      events_, revision, {}, [](const Slot& slot) { return slot.event.revision(); });
  return first_ + static_cast<std::uint64_t>(found - events_.begin());
}

std::size_t Ring::weight(const Event& event) {
  return event.object->bytes.size() + (event.before ? event.before->bytes.size() : 0);
}

void Ring::drop_first() {
  const Event& event = events_.front().event;
  bytes_ -= weight(event);
  dropped_ = event.revision();
  events_.pop_front();
  ++first_;
}

}  // namespace fairlead::store
