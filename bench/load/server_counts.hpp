// What one thread of a server has seen; written by it alone, read by the thread of control.
#pragma once

#include <atomic>
#include <cstdint>

namespace fairlead::bench {

/// A number with one writer, which needs no locked instruction to add to it.
class OwnCount {
 public:
  void add(std::uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// On cache lines of its own.
struct alignas(128) ServerCounts {
  OwnCount accepted, received_bytes, datagrams;
};

}  // namespace fairlead::bench
