// The whole plan from scratch: view of the node, claims of all Services, then each Service on its
// own.
#include "dataplane/plan/plan.hpp"

#include <set>

#include "dataplane/plan/claims.hpp"
#include "dataplane/plan/frontends.hpp"
#include "dataplane/plan/node_view.hpp"
#include "dataplane/plan/service_plan.hpp"

namespace fairlead {

Plan plan(const Snapshot& cluster, const PlanOptions& options) {
  Plan result;
  const NodeView view = view_node(cluster.nodes, options);
  result.node = view.settings;

  Claims claims;
  std::set<ObjectName> rivals;  // everything is planned anyway
  std::vector<Problem> reported_below;
  for (const auto& [name, service] : cluster.services) {
    claims.add(service, wanted_frontends(service, view, reported_below), rivals);
  }
  for (const auto& [name, service] : cluster.services) {
    const auto slices = cluster.slices.find(name);
    auto plans = plan_service(service, slices == cluster.slices.end() ? nullptr : &slices->second,
                              view, claims, result.problems);
    if (!plans.empty()) result.services.emplace(name, std::move(plans));
  }
  return result;
}

}  // namespace fairlead
