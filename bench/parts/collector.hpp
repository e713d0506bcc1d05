// Samples as they come, round by round -> Results.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "bench/results/results.hpp"

namespace fairlead::bench {

class Collector {
 public:
  void add(const Subject& subject, const std::string& way, double sample);
  void add(const Subject& subject, const std::string& way, const Histogram& latencies);
  void cannot(NotMeasured what) { not_measured_.push_back(std::move(what)); }
  /// In the order in which subjects and ways were first seen.
  Results take();

 private:
  std::vector<Series> series_;
  std::map<std::pair<Subject, std::string>, std::size_t> index_;
  std::vector<std::pair<LatencyCurve, Histogram>> latencies_;
  std::vector<NotMeasured> not_measured_;
};

}  // namespace fairlead::bench
