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

void Problems::set_plan_problems(const std::vector<Problem>& problems) { replace(plan_, problems); }
void Problems::set_bgp_problems(const std::vector<Problem>& problems) { replace(bgp_, problems); }

void Problems::replace(std::vector<Problem>& known, const std::vector<Problem>& problems) {
  if (problems == known) return;
  std::vector<Problem> sorted = problems;
  std::ranges::sort(sorted);
  std::vector<Problem> fresh;
  std::ranges::set_difference(sorted, known, std::back_inserter(fresh));
  for (const Problem& problem : fresh)
    log_.warn(problem.message, {{"object", problem.object}, {"field", problem.field}});
  known = std::move(sorted);
}

std::vector<Problem> Problems::all() const {
  std::vector<Problem> merged;
  for (const auto* list : {&input_, &plan_, &bgp_})
    merged.insert(merged.end(), list->begin(), list->end());
  std::ranges::sort(merged);
  return merged;
}

}  // namespace fairlead
