// What `fairlead status` asks for.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "agent/health.hpp"
#include "agent/metrics.hpp"
#include "agent/problems.hpp"
#include "agent/reconciler.hpp"
#include "controlplane-client/cluster_watch.hpp"

namespace fairlead {

/// The last syncs, for people.
struct SyncHistory {
  std::optional<Time> last_success;
  std::string last_error;  // "" after a success
  std::uint64_t syncs = 0, resyncs = 0, failures = 0, foreign_changes = 0;
};

struct StatusParts {
  const BuildInfo& build;
  const std::string& node;
  std::string_view datapath;
  const Result<DatapathFigures>& figures;
  Time started;
  const client::ClusterWatch& watch;
  const Planner& planner;
  const Reconciler& reconciler;
  const Health& health;
  const Problems& problems;
  const SyncHistory& history;
  std::optional<boost::json::object> layer2;  // addresses that are answered for; nullopt: none
};

boost::json::object status_json(const StatusParts& parts, Now now);

}  // namespace fairlead
