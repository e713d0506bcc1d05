// Deletes UDP conntrack entries that lead where nobody serves any more. Listing conntrack can take
// seconds on a busy node, so it has a thread of its own, and a sync only says what it would like to
// have cleaned.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "dataplane/kernel/conntrack.hpp"
#include "dataplane/kernel/netlink.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead {

/// What clients send to. Unspecified address: NodePort, on the node's addresses.
struct FlowTarget {
  Ip address;
  Port port;
  auto operator<=>(const FlowTarget&) const = default;
};

/// Entries of the target that are answered by anybody but `serving` (sorted) are stale. Empty: all
/// are.
using FlowTargets = std::map<FlowTarget, std::vector<Ip>>;

/// What to clean. `node_addresses`: where NodePorts are, sorted; nullopt of a family: every local
/// address.
struct FlowWork {
  FlowTargets targets;
  std::optional<std::vector<Ip>> node_addresses_v4, node_addresses_v6;
};

class FlowCleaner {
 public:
  /// `report` is called from the cleaner's thread.
  static Result<std::unique_ptr<FlowCleaner>> start(std::function<void(const Error&)> report);
  ~FlowCleaner();  // finishes the entry at hand, not the work

  /// Returns at once. Newer work replaces what is waiting for the same target.
  void clean(FlowWork work);

 private:
  FlowCleaner(NetlinkSocket socket, std::function<void(const Error&)> report);
  void run(const std::stop_token& stop);
  Result<> clean_family(const std::stop_token& stop, Family family, const FlowWork& work);

  NetlinkSocket socket_;
  std::function<void(const Error&)> report_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<FlowWork> waiting_;  // guarded by mutex_
  std::jthread thread_;              // last: it uses all the others
};

}  // namespace fairlead
