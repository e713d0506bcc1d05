// samples -> quartiles, ratios of rounds -> how far the median could be elsewhere (bootstrap) ->
// whether two runs differ (Mann-Whitney) -> which of many differences hold (Benjamini-Hochberg).
#include "bench/results/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

namespace fairlead::bench {

double quantile(std::span<const double> sorted, double part) {
  assert(!sorted.empty());
  const double place = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

Quartiles quartiles(std::vector<double> samples) {
  std::ranges::sort(samples);
  return {quantile(samples, 0.25), quantile(samples, 0.5), quantile(samples, 0.75)};
}

double median(std::vector<double> samples) { return quartiles(std::move(samples)).median; }

std::vector<double> present(std::span<const double> samples) {
  std::vector<double> result;
  std::ranges::copy_if(samples, std::back_inserter(result),
                       [](double sample) { return std::isfinite(sample); });
  return result;
}

std::vector<double> ratios(std::span<const double> samples, std::span<const double> base) {
  std::vector<double> result;
  for (std::size_t i = 0; i < std::min(samples.size(), base.size()); ++i) {
    if (!std::isfinite(samples[i]) || !std::isfinite(base[i])) continue;
    if (base[i] <= 0) return {};
    result.push_back(samples[i] / base[i]);
  }
  return result;
}

namespace {

/// Of resamples in the order in which they were drawn.
std::vector<double> draw_medians(std::vector<double> samples, const Bootstrap& bootstrap,
                                 std::uint64_t stream) {
  std::ranges::sort(samples);
  // The standard says which numbers the engine gives, but not what its distributions make of them.
  std::mt19937_64 random(bootstrap.seed + stream * 0x9e3779b97f4a7c15);
  const std::size_t size = samples.size();
  std::vector<double> medians;
  medians.reserve(bootstrap.resamples);
  // How often each sample was drawn: they are sorted, so that the middle one is found by counting.
  std::vector<std::size_t> drawn(size);
  for (std::uint32_t i = 0; i < bootstrap.resamples; ++i) {
    std::ranges::fill(drawn, 0);
    for (std::size_t n = 0; n < size; ++n) ++drawn[((random() >> 32) * size) >> 32];
    std::size_t below = 0, lower = size;
    for (std::size_t place = 0;; ++place) {
      below += drawn[place];
      if (lower == size && below >= (size + 1) / 2) lower = place;
      if (below < size / 2 + 1) continue;
      medians.push_back(std::midpoint(samples[lower], samples[place]));
      break;
    }
  }
  return medians;
}

/// The part of resamples to leave out on each side; of medians of `size` samples.
double expanded_tail(std::size_t size, double confidence) {
  if (size < 2) return 0;
  const auto count = static_cast<double>(size);
  const double t = boost::math::quantile(boost::math::students_t(count - 1), (1 - confidence) / 2);
  return boost::math::cdf(boost::math::normal(), std::sqrt(count / (count - 1)) * t);
}

Interval between(std::vector<double> values, double tail) {
  std::ranges::sort(values);
  return {quantile(values, tail), quantile(values, 1 - tail)};
}

double standard_deviation(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / count);
}

}  // namespace

std::vector<double> resampled_medians(std::vector<double> samples, const Bootstrap& bootstrap) {
  auto medians = draw_medians(std::move(samples), bootstrap, 0);
  std::ranges::sort(medians);
  return medians;
}

Interval median_interval(std::vector<double> samples, const Bootstrap& bootstrap) {
  const double tail = expanded_tail(samples.size(), bootstrap.confidence);
  return between(draw_medians(std::move(samples), bootstrap, 0), tail);
}

MedianRatio median_ratio(const std::vector<double>& a, const std::vector<double>& b,
                         const Bootstrap& bootstrap) {
  const auto of_a = draw_medians(a, bootstrap, 0), of_b = draw_medians(b, bootstrap, 1);
  std::vector<double> drawn, logarithms;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    drawn.push_back(of_b[i] / of_a[i]);
    logarithms.push_back(std::log(drawn.back()));
  }
  const double tail = expanded_tail(std::min(a.size(), b.size()), bootstrap.confidence);
  return {median(b) / median(a), between(std::move(drawn), tail), standard_deviation(logarithms)};
}

namespace {

/// How many of the orders of `a` and `b` samples have each U from 0 to a * b; as parts of one.
std::vector<double> distribution_of_u(std::size_t a, std::size_t b) {
  // counts[k][u]: ways to take k of the ranks so far with sum of ranks above the least of u.
  std::vector<std::vector<double>> counts(a + 1, std::vector<double>(a * b + 1, 0));
  counts[0][0] = 1;
  for (std::size_t rank = 0; rank < a + b; ++rank) {
    for (std::size_t k = std::min(rank + 1, a); k > 0; --k) {
      // Taken as the k-th, rank `rank` is rank - (k - 1) above the least that the k-th can have.
      const std::size_t above = rank - (k - 1);
      if (above > b) continue;
      for (std::size_t u = a * b + 1; u-- > above;) counts[k][u] += counts[k - 1][u - above];
    }
  }
  auto& result = counts[a];
  const double all = std::accumulate(result.begin(), result.end(), 0.0);
  for (double& count : result) count /= all;
  return result;
}

double exact_p(std::size_t a, std::size_t b, double u) {
  const auto parts = distribution_of_u(a, b);
  const auto least = static_cast<std::ptrdiff_t>(std::min(u, static_cast<double>(a * b) - u));
  return std::min(1.0, 2 * std::accumulate(parts.begin(), parts.begin() + least + 1, 0.0));
}

double normal_p(double a, double b, double u, double ties) {
  const double all = a + b;
  const double variance = a * b / 12 * (all + 1 - ties / (all * (all - 1)));
  if (variance <= 0) return 1;  // all are equal
  const double distance = std::max(0.0, std::abs(u - a * b / 2) - 0.5);
  return std::erfc(distance / std::sqrt(variance) / std::sqrt(2.0));
}

}  // namespace

double mann_whitney(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || b.empty()) return 1;
  std::map<double, std::pair<double, double>> counts;  // of each value: in a, in b
  for (const double value : a) ++counts[value].first;
  for (const double value : b) ++counts[value].second;
  double u = 0, below = 0, ties = 0;  // u: pairs in which b's is less than a's; half for equal ones
  for (const auto& [value, count] : counts) {
    const auto& [in_a, in_b] = count;
    u += in_a * (below + in_b / 2);
    below += in_b;
    const double together = in_a + in_b;
    ties += together * together * together - together;
  }
  constexpr std::size_t kExact = 40;
  if (ties == 0 && std::max(a.size(), b.size()) <= kExact) return exact_p(a.size(), b.size(), u);
  return normal_p(static_cast<double>(a.size()), static_cast<double>(b.size()), u, ties);
}

double least_mann_whitney(std::size_t a, std::size_t b) {
  double orders = 1;  // a + b over a
  for (std::size_t i = 1; i <= a; ++i)
    orders *= static_cast<double>(b + i) / static_cast<double>(i);
  return std::min(1.0, 2 / orders);
}

std::vector<bool> benjamini_hochberg(const std::vector<double>& p_values, double rate) {
  std::vector<double> sorted = p_values;
  std::ranges::sort(sorted);
  double limit = -1;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double allowed = rate * static_cast<double>(i + 1) / static_cast<double>(sorted.size());
    if (sorted[i] <= allowed) limit = sorted[i];
  }
  std::vector<bool> holds;
  for (const double p : p_values) holds.push_back(p <= limit);
  return holds;
}

}  // namespace fairlead::bench
