// What is wrong with the cluster's objects, with the API server and with the plan: each said once
// in the log, and kept for `fairlead status`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controlplane-client/cluster_watch.hpp"
#include "log/log.hpp"
#include "model/plan.hpp"

namespace fairlead {

class Problems {
 public:
  explicit Problems(log::Logger log) : log_(std::move(log)) {}

  void add(const Problem& problem, client::Severity severity);
  void remove(const std::string& object);
  /// All that a plan left out. Logs what was not in the last one.
  void set_plan_problems(const std::vector<Problem>& problems);

  /// The same of all that BGP left out.
  void set_bgp_problems(const std::vector<Problem>& problems);

  /// Sorted by object and field.
  [[nodiscard]] std::vector<Problem> all() const;
  [[nodiscard]] std::size_t size() const { return input_.size() + plan_.size() + bgp_.size(); }

 private:
  void replace(std::vector<Problem>& known, const std::vector<Problem>& problems);

  log::Logger log_;
  std::vector<Problem> input_;  // sorted
  std::vector<Problem> plan_;   // sorted
  std::vector<Problem> bgp_;    // sorted
};

}  // namespace fairlead
