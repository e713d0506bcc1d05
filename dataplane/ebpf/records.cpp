// give_back -> given_back_ -> in_grace_ -> free extents, neighbours joined -> take.
#include "dataplane/ebpf/records.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace fairlead::ebpf {
namespace {

/// Extents by each take(): more than are given back meanwhile, and hardly any time.
constexpr std::size_t kReleasedAtOnce = 4;

}  // namespace

RecordAllocator::RecordAllocator(std::uint32_t capacity, std::function<void()> grace)
    : capacity_(capacity), grace_(std::move(grace)) {
  used_ = capacity - 1;
  insert(1, capacity - 1);
}

void RecordAllocator::remove(std::map<std::uint32_t, std::uint32_t>::iterator extent) {
  by_size_.erase({extent->second, extent->first});
  by_index_.erase(extent);
}

void RecordAllocator::insert(std::uint32_t index, std::uint32_t records) {
  used_ -= records;
  const auto after = by_index_.lower_bound(index);
  if (after != by_index_.end() && index + records == after->first) {
    records += after->second;
    remove(after);
  }
  const auto next = by_index_.lower_bound(index);
  if (next != by_index_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == index) {
      index = before->first;
      records += before->second;
      remove(before);
    }
  }
  by_index_[index] = records;
  by_size_.emplace(records, index);
}

bool RecordAllocator::take_at(std::uint32_t index, std::uint32_t records) {
  auto extent = by_index_.upper_bound(index);
  if (extent == by_index_.begin()) return false;
  --extent;
  const auto [first, size] = *extent;
  if (index < first || records > size || index - first > size - records) return false;
  remove(extent);
  used_ += size;
  if (index > first) insert(first, index - first);
  if (const std::uint32_t end = index + records; end < first + size)
    insert(end, first + size - end);
  return true;
}

std::optional<std::uint32_t> RecordAllocator::take_free(std::uint32_t records) {
  const auto fit = by_size_.lower_bound({records, 0});
  if (fit == by_size_.end()) return std::nullopt;
  const std::uint32_t index = fit->second;
  take_at(index, records);
  return index;
}

std::optional<std::uint32_t> RecordAllocator::take(std::uint32_t records) {
  if (is_grace_over()) {
    release(kReleasedAtOnce);
    if (in_grace_.empty() && is_much_waiting()) begin_grace();
  }
  auto place = take_free(records);
  while (!place && waiting_ > 0) {
    if (in_grace_.empty()) begin_grace();
    if (underway_.valid()) underway_.get();
    release(in_grace_.size());
    place = take_free(records);
  }
  return place;
}

void RecordAllocator::give_back(std::uint32_t index, std::uint32_t records) {
  given_back_.emplace_back(index, records);
  used_ -= records;
  waiting_ += records;
}

bool RecordAllocator::is_grace_over() {
  if (underway_.valid() && underway_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
    underway_.get();
  return !underway_.valid();
}

/// Soon enough that there is still room when the grace is over.
bool RecordAllocator::is_much_waiting() const {
  const std::uint32_t free = capacity_ - 1 - used_ - waiting_;
  return waiting_ > std::min(capacity_ / 8, free / 2);
}

void RecordAllocator::begin_grace() {
  in_grace_ = std::exchange(given_back_, {});
  // Where no thread can be had, it is run by who waits for it.
  underway_ = std::async(std::launch::async | std::launch::deferred, grace_);
}

/// Of those whose grace is over.
void RecordAllocator::release(std::size_t most) {
  for (; most > 0 && !in_grace_.empty(); --most) {
    const auto [index, records] = in_grace_.front();
    in_grace_.pop_front();
    waiting_ -= records;
    used_ += records;
    insert(index, records);
  }
}

}  // namespace fairlead::ebpf
