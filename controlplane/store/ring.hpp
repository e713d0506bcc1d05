// The recent changes of one collection: what watches are served from. Bounded; a watcher that falls
// behind its start is told so.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "controlplane/store/object.hpp"

namespace fairlead::store {

enum class EventType { kAdded, kModified, kDeleted };

struct Event {
  EventType type = EventType::kAdded;
  ObjectPtr object;  // kDeleted: the last state with the deletion's revision
  ObjectPtr before;  // null for kAdded

  [[nodiscard]] Revision revision() const { return object->revision; }
};

struct RingLimits {
  std::size_t events = 50'000;
  std::size_t bytes = std::size_t{32} << 20U;  // of the objects, old and new
  std::chrono::steady_clock::duration age = std::chrono::minutes(10);
};

class Ring {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Ring(RingLimits limits) : limits_(limits) {}

  void append(Event event, Clock::time_point now);
  /// Drops what is older than the limit.
  void expire(Clock::time_point now);

  /// Changes up to this one are gone; a watch can start at it or later.
  [[nodiscard]] Revision dropped() const { return dropped_; }
  void set_dropped(Revision revision) { dropped_ = revision; }

  /// Events are numbered without gaps; [first(), end()) are here.
  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] std::uint64_t end() const { return first_ + events_.size(); }
  [[nodiscard]] const Event& at(std::uint64_t number) const {
    return events_[number - first_].event;
  }
  /// The number of the first event after `revision`; end() if there is none.
  [[nodiscard]] std::uint64_t after(Revision revision) const;

 private:
  struct Slot {
    Event event;
    Clock::time_point when;
  };
  static std::size_t weight(const Event& event);
  void drop_first();

  RingLimits limits_;
  std::deque<Slot> events_;
  std::uint64_t first_ = 0;
  std::size_t bytes_ = 0;
  Revision dropped_ = 0;
};

}  // namespace fairlead::store
