// Latencies, counted in buckets whose width grows with the value, so that the largest is as exact
// as the median: an HDR histogram (Gil Tene). Three significant digits from 1 ns to an hour.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace fairlead::bench {

class Histogram {
 public:
  Histogram();
  /// Longer ones than an hour count as an hour, negative ones as zero. Does not allocate.
  void record(std::chrono::nanoseconds value, std::uint64_t times = 1);
  void add(const Histogram& other);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// `part` from 0 to 1; 0.5 is the median. The highest value that is the same within the
  /// precision. Zero where nothing was recorded.
  [[nodiscard]] std::chrono::nanoseconds quantile(double part) const;
  /// quantile(1).
  [[nodiscard]] std::chrono::nanoseconds max() const;

  /// Those that are not empty, ascending: highest value and how many. Recording them again makes
  /// the same histogram.
  struct Bucket {
    std::chrono::nanoseconds value;
    std::uint64_t count = 0;
    bool operator==(const Bucket&) const = default;
  };
  [[nodiscard]] std::vector<Bucket> buckets() const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
};

}  // namespace fairlead::bench
