// What the API server says -> planner, reconciler, health and counters. Nothing is decided here.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/health.hpp"
#include "agent/metrics.hpp"
#include "agent/problems.hpp"
#include "agent/reconciler.hpp"
#include "controlplane-client/cluster_watch.hpp"

namespace fairlead {

/// When the endpoints changed that are not in the kernel yet (EndpointSlice's
/// last-change-trigger-time), for network_programming_duration.
class TriggerTimes {
 public:
  void add(Time when) { waiting_.push_back(when); }
  /// Those that the job which starts now covers.
  void job_started() { covered_ = waiting_.size(); }
  /// Empty if the job failed: they go on waiting.
  std::vector<Time> job_done(bool succeeded);

 private:
  std::vector<Time> waiting_;
  std::size_t covered_ = 0;
};

class ClusterEvents final : public client::ClusterSink {
 public:
  struct Parts {
    std::string own_node;
    Planner& planner;
    Reconciler& reconciler;
    Health& health;
    Metrics& metrics;
    Problems& problems;
    TriggerTimes& trigger_times;
    /// The own Node is known or gone: what the planner's options take from it may differ.
    std::function<void(const Node*)> node_changed;
    /// Each Node, one that is gone, and that all have been told once.
    std::function<void(const Node&)> node_seen = [](const Node&) {};
    std::function<void(const std::string&)> node_gone = [](const std::string&) {};
    std::function<void()> nodes_listed = [] {};
    /// For what else depends on Services; the planner has them a moment later.
    std::function<void(const Service&)> service_seen = [](const Service&) {};
    std::function<void(const ObjectName&)> service_gone = [](const ObjectName&) {};
    std::function<void(const EndpointSlice&)> slice_seen = [](const EndpointSlice&) {};
    std::function<void(const ObjectName&)> slice_gone = [](const ObjectName&) {};
    /// Something is to be reconciled.
    std::function<void()> wake;
  };
  explicit ClusterEvents(Parts parts) : parts_(std::move(parts)) {}

  void service(Service service) override;
  void service_gone(const ObjectName& name) override;
  void slice(EndpointSlice slice) override;
  void slice_gone(const ObjectName& name) override;
  void node(Node node) override;
  void node_gone(const std::string& name) override;
  void synced(client::Resource resource) override;
  void problem(const Problem& problem, client::Severity severity) override;
  void problem_gone(const std::string& object) override;

 private:
  void changed();
  Parts parts_;
};

}  // namespace fairlead
