// A sample finds its Series by Subject and way.
#include "bench/parts/collector.hpp"

#include <algorithm>

namespace fairlead::bench {

void Collector::add(const Subject& subject, const std::string& way, double sample) {
  const auto [at, is_new] = index_.try_emplace({subject, way}, series_.size());
  if (is_new) series_.push_back({subject, way, {}});
  series_[at->second].samples.push_back(sample);
}

void Collector::add(const Subject& subject, const std::string& way, const Histogram& latencies) {
  auto at = std::ranges::find_if(latencies_, [&](const auto& one) {
    return one.first.subject == subject && one.first.way == way;
  });
  if (at == latencies_.end())
    at = latencies_.insert(latencies_.end(), {LatencyCurve{subject, way, {}}, Histogram{}});
  at->second.add(latencies);
}

Results Collector::take() {
  Results results;
  results.series = std::exchange(series_, {});
  for (auto& [curve, histogram] : latencies_) {
    curve.buckets = histogram.buckets();
    results.latencies.push_back(std::move(curve));
  }
  results.not_measured = std::exchange(not_measured_, {});
  index_.clear();
  latencies_.clear();
  return results;
}

}  // namespace fairlead::bench
