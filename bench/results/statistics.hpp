// What can be said of samples, and how surely. Nothing here assumes a distribution: medians,
// quartiles, ratios of samples that were taken in the same round, and bootstrap intervals.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fairlead::bench {

/// The value below which `part` (0 to 1) of the samples lies, between two samples on the straight
/// line (type 7 of Hyndman and Fan, 1996, as numpy and R have it). `sorted` ascends and is not
/// empty.
double quantile(std::span<const double> sorted, double part);

struct Quartiles {
  double low = 0, median = 0, high = 0;
  bool operator==(const Quartiles&) const = default;
};
/// Of at least one sample, in any order.
Quartiles quartiles(std::vector<double> samples);
double median(std::vector<double> samples);

/// Without the rounds that have no sample (NaN).
std::vector<double> present(std::span<const double> samples);
/// samples[i] / base[i] of each round that has both. Nothing where a base is zero or less: a ratio
/// to it says nothing.
std::vector<double> ratios(std::span<const double> samples, std::span<const double> base);

struct Interval {
  double low = 0, high = 0;
  [[nodiscard]] bool overlaps(const Interval& other) const {
    return low <= other.high && other.low <= high;
  }
  bool operator==(const Interval&) const = default;
};

/// Equal options, equal intervals, on any machine.
struct Bootstrap {
  std::uint32_t resamples = 2000;
  double confidence = 0.95;
  std::uint64_t seed = 1;
};
/// Medians of `resamples` draws of as many samples as there are, with replacement; ascending.
std::vector<double> resampled_medians(std::vector<double> samples, const Bootstrap& bootstrap);
/// Where the median lies: Efron's percentiles, moved outward as Student's t is wider than the
/// normal (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, "expanded
/// percentile"), since the plain ones hold the median of 7 or 15 samples in 88 % of all cases,
/// not 95. Never wider than the samples, so that five or fewer cannot reach `confidence`.
Interval median_interval(std::vector<double> samples, const Bootstrap& bootstrap = {});

/// median(b) / median(a) of samples of two runs, each resampled on its own; medians above zero.
struct MedianRatio {
  double ratio = 1;
  Interval interval;
  double log_error = 0;  // standard error of the ratio's logarithm
};
MedianRatio median_ratio(const std::vector<double>& a, const std::vector<double>& b,
                         const Bootstrap& bootstrap = {});

/// How likely two sets of samples differ in order as much as these or more, if both come from one
/// distribution (Mann and Whitney, 1947; both sides). Exact up to 40 samples each without ties,
/// else the normal approximation with its corrections for ties and continuity. Needs no variance,
/// and no resample finds a p this small.
double mann_whitney(const std::vector<double>& a, const std::vector<double>& b);
/// The least p that sets of these sizes can have.
double least_mann_whitney(std::size_t a, std::size_t b);

/// Which of the p-values hold if `rate` of those that hold may be wrong (Benjamini and Hochberg,
/// 1995). If none is true, all are false together with `rate` at most.
std::vector<bool> benjamini_hochberg(const std::vector<double>& p_values, double rate);

}  // namespace fairlead::bench
