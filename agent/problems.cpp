// A problem arrives once from the client, or with every plan; it is logged when it is new.
#include "agent/problems.hpp"

#include <algorithm>
#include <iterator>

namespace fairlead {

void Problems::add(const Problem& problem, client::Severity severity) {
  const auto place = std::ranges::lower_bound(input_, problem);
  if (place != input_.end() && *place == problem) return;
  input_.insert(place, problem);
  const auto write =
      severity == client::Severity::kError ? &log::Logger::error : &log::Logger::warn;
  (log_.*write)(problem.message, {{"object", problem.object}, {"field", problem.field}});
}

void Problems::remove(const std::string& object) {
  std::erase_if(input_, [&object](const Problem& problem) { return problem.object == object; });
}

void Problems::set_plan_problems(const std::vector<Problem>& problems) {
  if (problems == plan_) return;
  std::vector<Problem> sorted = problems;
  std::ranges::sort(sorted);
  std::vector<Problem> fresh;
  std::ranges::set_difference(sorted, plan_, std::back_inserter(fresh));
  for (const Problem& problem : fresh)
    log_.warn(problem.message, {{"object", problem.object}, {"field", problem.field}});
  plan_ = std::move(sorted);
}

std::vector<Problem> Problems::all() const {
  std::vector<Problem> merged;
  std::ranges::merge(input_, plan_, std::back_inserter(merged));
  return merged;
}

}  // namespace fairlead
