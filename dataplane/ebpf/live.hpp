// The generation that serves, as other threads look at it: figures, drops, explanations.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/datapath.hpp"
#include "dataplane/ebpf/drops.hpp"
#include "dataplane/ebpf/flows.hpp"
#include "dataplane/ebpf/generation.hpp"
#include "dataplane/ebpf/services.hpp"

namespace fairlead::ebpf {

/// Complete when it is made. Every function may be called by any thread.
class Live {
 public:
  explicit Live(Generation opened) : generation(std::move(opened)) {}

  Generation generation;
  StaleFlows stale_flows;

  /// How full the maps of Services are; figures() says it on.
  void keep_use(std::vector<Services::Use> use);
  /// Not older than ten seconds: a count of all flows takes milliseconds.
  Result<DatapathFigures> figures();
  Result<std::vector<DropRecord>> take_drops();
  /// In the network namespace of the datapath. Nothing: the object has no such program.
  Result<std::optional<Trace>> trace(const TracedPacket& packet);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  Result<TableFigure> figure_of(const std::string& map) const;

  std::mutex mutex_;
  std::vector<Services::Use> use_;                                 // guarded by mutex_, as are
  std::optional<std::pair<SteadyTime, DatapathFigures>> figures_;  // these
  std::optional<DropReader> drops_;
};

}  // namespace fairlead::ebpf
