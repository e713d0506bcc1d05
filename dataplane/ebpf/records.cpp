// give_back -> quarantine -> grace -> free extents, neighbours joined -> take.
#include "dataplane/ebpf/records.hpp"

#include <iterator>

namespace fairlead::ebpf {

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
  if (waiting_ > capacity_ / 8) release();
  auto place = take_free(records);
  if (place || quarantine_.empty()) return place;
  release();
  return take_free(records);
}

void RecordAllocator::give_back(std::uint32_t index, std::uint32_t records) {
  quarantine_.emplace_back(index, records);
  used_ -= records;
  waiting_ += records;
}

void RecordAllocator::release() {
  grace_();
  used_ += waiting_;
  waiting_ = 0;
  for (const auto& [index, records] : quarantine_) insert(index, records);
  quarantine_.clear();
}

}  // namespace fairlead::ebpf
