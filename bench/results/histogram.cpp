// A latency -> the bucket that counts it, and back to the highest value of that bucket.
//
//   0 to 2047 ns           one bucket each
//   2^n to 2^(n+1) - 1     1024 buckets of 2^(n-10) ns, for n = 11 and more
//
// A bucket is at most a 1024th of its values wide, so that what is read differs by less than 0.1 %
// from what was recorded. Bucket numbers are consecutive: the part above the lowest 10 bits says
// which power of two, as in http://hdrhistogram.org.
#include "bench/results/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

namespace fairlead::bench {
namespace {

constexpr unsigned kBits = 10;
constexpr std::uint64_t kHalf = std::uint64_t{1} << kBits;
constexpr std::uint64_t kHour = std::chrono::nanoseconds(std::chrono::hours(1)).count();

constexpr std::size_t bucket_of(std::uint64_t value) {
  const unsigned width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width > kBits + 1 ? width - (kBits + 1) : 0;
  return static_cast<std::size_t>((value >> shift) + shift * kHalf);
}

constexpr std::uint64_t highest_of(std::size_t bucket) {
  const std::uint64_t shift = bucket < 2 * kHalf ? 0 : bucket / kHalf - 1;
  return std::min(((bucket - shift * kHalf + 1) << shift) - 1, kHour);
}

constexpr std::size_t kBuckets = bucket_of(kHour) + 1;
static_assert(bucket_of(0) == 0 && bucket_of(2047) == 2047 && bucket_of(2048) == 2048);
static_assert(bucket_of(2049) == 2048 && highest_of(2048) == 2049 && highest_of(0) == 0);

std::chrono::nanoseconds nanoseconds_of(std::size_t bucket) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(highest_of(bucket)));
}

}  // namespace

Histogram::Histogram() : counts_(kBuckets) {}

void Histogram::record(std::chrono::nanoseconds value, std::uint64_t times) {
  const auto not_negative = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  counts_[bucket_of(std::min(not_negative, kHour))] += times;
  count_ += times;
}

void Histogram::add(const Histogram& other) {
  std::transform(counts_.begin(), counts_.end(), other.counts_.begin(), counts_.begin(),
                 std::plus<>());
  count_ += other.count_;
}

std::chrono::nanoseconds Histogram::quantile(double part) const {
  if (count_ == 0) return {};
  // The next lower number: a product like 0.07 * 100 is a little more than 7, and would take the
  // eighth.
  const double lower = std::nextafter(std::clamp(part, 0.0, 1.0), 0.0);
  const auto rank = std::max<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(lower * static_cast<double>(count_))), 1);
  std::uint64_t seen = 0;
  const auto bucket = std::find_if(counts_.begin(), counts_.end(), [&](std::uint64_t count) {
    seen += count;
    return seen >= rank;
  });
  return nanoseconds_of(static_cast<std::size_t>(bucket - counts_.begin()));
}

std::chrono::nanoseconds Histogram::max() const { return quantile(1); }

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> filled;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket)
    if (counts_[bucket] != 0) filled.push_back({nanoseconds_of(bucket), counts_[bucket]});
  return filled;
}

}  // namespace fairlead::bench
