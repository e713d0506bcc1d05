// What has been complained about, so that nothing is said twice.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "controlplane-client/cluster_watch.hpp"

namespace fairlead::client {

/// `Sink` has ClusterSink's problem() and problem_gone().
template <class Sink>
class ProblemBook {
 public:
  explicit ProblemBook(Sink& sink) : sink_(sink) {}

  /// These, and no others, are the problems of `object` now.
  void set(const std::string& object, std::vector<Problem> problems, Severity severity) {
    const auto known = said_.find(object);
    if (problems.empty()) return clear(object);
    const std::vector<Problem> before =
        known == said_.end() ? std::vector<Problem>{} : known->second;
    for (const Problem& problem : problems) {
      if (std::find(before.begin(), before.end(), problem) == before.end())
        sink_.problem(problem, severity);
    }
    said_[object] = std::move(problems);
  }

  void clear(const std::string& object) {
    if (said_.erase(object) > 0) sink_.problem_gone(object);
  }

 private:
  Sink& sink_;
  std::map<std::string, std::vector<Problem>, std::less<>> said_;  // by object
};

}  // namespace fairlead::client
