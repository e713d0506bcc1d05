// One call of the client, one call of the planner, and the reconciler is told that there is
// something to do.
#include "agent/cluster_events.hpp"

#include <utility>

namespace fairlead {

std::vector<Time> TriggerTimes::job_done(bool succeeded) {
  std::vector<Time> done;
  if (succeeded) {
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(covered_);
    done.assign(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
  }
  covered_ = 0;
  return done;
}

void ClusterEvents::changed() {
  parts_.reconciler.planner_changed(std::chrono::steady_clock::now());
  parts_.wake();
}

void ClusterEvents::service(Service service) {
  parts_.metrics.service_changes->Increment();
  parts_.service_seen(service);
  parts_.planner.set_service(std::move(service));
  changed();
}

void ClusterEvents::service_gone(const ObjectName& name) {
  parts_.metrics.service_changes->Increment();
  parts_.service_gone(name);
  parts_.planner.erase_service(name);
  changed();
}

void ClusterEvents::slice(EndpointSlice slice) {
  parts_.metrics.endpoint_changes->Increment();
  // What changed before this agent could know of it says nothing about the agent.
  if (slice.last_change && parts_.reconciler.is_synced())
    parts_.trigger_times.add(*slice.last_change);
  parts_.slice_seen(slice);
  parts_.planner.set_slice(std::move(slice));
  changed();
}

void ClusterEvents::slice_gone(const ObjectName& name) {
  parts_.metrics.endpoint_changes->Increment();
  parts_.slice_gone(name);
  parts_.planner.erase_slice(name);
  changed();
}

void ClusterEvents::node(Node node) {
  if (node.name == parts_.own_node) {
    parts_.health.set_node(&node);
    parts_.node_changed(&node);
  }
  parts_.node_seen(node);
  parts_.planner.set_node(std::move(node));
  changed();
}

void ClusterEvents::node_gone(const std::string& name) {
  if (name == parts_.own_node) {
    parts_.health.set_node(nullptr);
    parts_.node_changed(nullptr);
  }
  parts_.node_gone(name);
  parts_.planner.erase_node(name);
  changed();
}

void ClusterEvents::synced(client::Resource resource) {
  parts_.reconciler.listed(resource, std::chrono::steady_clock::now());
  if (resource == client::Resource::kNodes) parts_.nodes_listed();
  changed();
}

void ClusterEvents::problem(const Problem& problem, client::Severity severity) {
  parts_.problems.add(problem, severity);
}
void ClusterEvents::problem_gone(const std::string& object) { parts_.problems.remove(object); }

}  // namespace fairlead
