// What is counted. kube-proxy's names and buckets where the meaning is the same, fairlead_ for the
// rest; the tables in metrics.cpp say each name and help text once.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/bgp/bgp_node.hpp"
#include "agent/reconciler.hpp"
#include "controlplane-client/cluster_watch.hpp"
#include "model/plan.hpp"

namespace fairlead {

struct BuildInfo {
  std::string version;
  std::string commit;
};

/// How much is programmed.
struct PlanSize {
  std::size_t services = 0;   // with at least one frontend
  std::size_t frontends = 0;  // address, port and protocol
  std::size_t backends = 0;   // of all Service ports, each counted where it is used
};
PlanSize measure(const Plan& plan);

/// Of load balancer addresses on flat links.
struct Layer2Figures {
  std::size_t held = 0;                    // answered for by this node
  std::uint64_t taken = 0, conflicts = 0;  // since the agent's start
};

class Metrics {
 public:
  explicit Metrics(const BuildInfo& build);

  void sync_queued(Time now);
  void sync_finished(const Job& job, const Result<SyncReport>& result,
                     std::chrono::duration<double> took, Time now);
  void programmed(std::chrono::duration<double> since_trigger);
  void answered_health(bool is_healthz, bool ok);
  void set_plan(const Planner& planner);
  void set_pending(const Planner& planner, const Reconciler& reconciler);
  void set_problems(std::size_t count) { problems->Set(static_cast<double>(count)); }
  /// Of the datapath's own tables and counters.
  void set_figures(const DatapathFigures& figures);
  /// Load balancer addresses that this node answers for on flat links.
  void set_layer2(const Layer2Figures& figures);
  void set_watch(client::Resource resource, const client::ResourceStatus& status);

  /// Of a speaker that does not answer there are no peers.
  void set_bgp(const bgp::BgpNode::Status& status,
               const std::vector<bgp::control::PeerStatus>& peers);

  /// In Prometheus' text format, with the process's own figures as of now.
  [[nodiscard]] std::string text() const;

 private:
  prometheus::Registry registry_;
  using ByFamily = std::array<prometheus::Histogram*, 2>;  // IPv4, IPv6

  prometheus::Gauge& gauge(const char* name, const char* help,
                           const prometheus::Labels& labels = {});
  void set_total(const char* name, const char* help, const prometheus::Labels& labels,
                 std::uint64_t total);
  prometheus::Counter& counter(const char* name, const char* help,
                               const prometheus::Labels& labels = {});
  ByFamily histogram(const char* name, const char* help,
                     const prometheus::Histogram::BucketBoundaries& buckets);

 public:
  // Counted where it happens. Owned by the registry.
  prometheus::Counter* service_changes;
  prometheus::Counter* endpoint_changes;
  prometheus::Counter* foreign_changes;
  prometheus::Gauge* problems;

 private:
  ByFamily sync_;
  ByFamily full_sync_;
  ByFamily partial_sync_;
  ByFamily programming_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> counted_;  // by the datapath, so far
  /// By a speaker, which begins at 0; and peers that have series.
  std::map<std::pair<std::string, prometheus::Labels>, std::uint64_t> counted_by_speaker_;
  std::set<std::string> bgp_peers_;
};

}  // namespace fairlead
