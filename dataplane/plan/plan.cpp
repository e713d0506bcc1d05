// The whole plan from scratch: view of the node, claims of all Services and pods, then each of them
// on its own.
#include "dataplane/plan/plan.hpp"

#include <map>
#include <set>

#include "dataplane/plan/claims.hpp"
#include "dataplane/plan/frontends.hpp"
#include "dataplane/plan/host_ports.hpp"
#include "dataplane/plan/node_view.hpp"
#include "dataplane/plan/service_plan.hpp"

namespace fairlead {

Plan plan(const Snapshot& cluster, const PlanOptions& options,
          const std::vector<PodHostPorts>& pods) {
  Plan result;
  const NodeView view = view_node(cluster.nodes, options);
  result.node = view.settings;

  Claims claims;
  std::set<ObjectName> rivals;  // everything is planned anyway
  std::vector<Problem> reported_below;
  for (const auto& [name, service] : cluster.services) {
    claims.add(claimant(service), wanted_frontends(service, view, reported_below), rivals);
  }
  const HostPortPods named = by_name(pods);
  const std::vector<Ip> local = host_port_addresses(cluster.nodes, options);
  for (const auto& [name, pod] : named) {
    claims.add({name, pod.created}, wanted_host_ports(pod, local, reported_below), rivals);
  }
  std::map<ObjectName, std::vector<Problem>> problems;
  for (const auto& [name, service] : cluster.services) {
    const auto slices = cluster.slices.find(name);
    auto plans = plan_service(service, slices == cluster.slices.end() ? nullptr : &slices->second,
                              view, claims, problems[name]);
    if (!plans.empty()) result.services.emplace(name, std::move(plans));
  }
  for (const auto& [name, pod] : named) {
    auto plans = plan_host_ports(name, pod, local, view, claims, problems[name]);
    if (!plans.empty()) result.services.emplace(name, std::move(plans));
  }
  for (const auto& [name, found] : problems)
    result.problems.insert(result.problems.end(), found.begin(), found.end());
  return result;
}

}  // namespace fairlead
