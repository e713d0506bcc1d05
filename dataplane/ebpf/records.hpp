// Which records are whose: places for blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace fairlead::ebpf {

/// Best fit. What is given back may still be read by a program that has just found its frontend,
/// and a socket remembers by a block's index that nothing has changed: so it waits, and is used
/// again only when much has been given back since, or space is short, and after `grace`. That runs
/// beside the changes, which wait for it only where there is no other place.
class RecordAllocator {
 public:
  /// `grace` returns when no program that runs now runs any more; it is called by another thread.
  /// Records 1 to `capacity` - 1 are free.
  RecordAllocator(std::uint32_t capacity, std::function<void()> grace);

  /// Takes a place that is known to be in use. False: part of it is taken.
  bool take_at(std::uint32_t index, std::uint32_t records);
  /// nullopt: no place is large enough.
  std::optional<std::uint32_t> take(std::uint32_t records);
  void give_back(std::uint32_t index, std::uint32_t records);
  /// What take() has returned, and nothing has been published that names it.
  void give_back_unused(std::uint32_t index, std::uint32_t records) { insert(index, records); }

  [[nodiscard]] std::uint32_t used() const { return used_; }  // those that wait are not
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

 private:
  using Extents = std::deque<std::pair<std::uint32_t, std::uint32_t>>;  // index, records

  void insert(std::uint32_t index, std::uint32_t records);
  void remove(std::map<std::uint32_t, std::uint32_t>::iterator extent);
  std::optional<std::uint32_t> take_free(std::uint32_t records);
  [[nodiscard]] bool is_grace_over();
  [[nodiscard]] bool is_much_waiting() const;
  void begin_grace();
  void release(std::size_t most);

  std::uint32_t capacity_, used_ = 0, waiting_ = 0;
  std::function<void()> grace_;
  std::map<std::uint32_t, std::uint32_t> by_index_;            // free: index -> records
  std::set<std::pair<std::uint32_t, std::uint32_t>> by_size_;  // free: records, index
  Extents given_back_;                                         // since the last grace began
  Extents in_grace_;                                           // before that
  std::future<void> underway_;  // valid until the grace is known to be over
};

}  // namespace fairlead::ebpf
