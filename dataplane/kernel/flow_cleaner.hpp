// Deletes conntrack entries that keep a client from the backends it would be given now: UDP flows
// that lead where nobody serves any more, and connections that were begun before their address was
// programmed. Listing conntrack can take seconds on a busy node, so it has a thread of its own, and
// a sync only says what it would like to have cleaned.
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
  Protocol protocol = Protocol::kUdp;
  Ip address;
  Port port;
  auto operator<=>(const FlowTarget&) const = default;
};

/// What is stale among the entries of a target.
/// UDP: those that are answered by anybody but `serving` (sorted). Empty: all are.
/// TCP, SCTP (`serving` is of no matter): those that are neither translated nor answered. A
/// client's first packet made them before the target was programmed, and its repetitions would
/// follow it to nobody.
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
  Result<> clean_part(const std::stop_token& stop, Family family, Protocol protocol,
                      const FlowWork& work);

  NetlinkSocket socket_;
  std::function<void(const Error&)> report_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<FlowWork> waiting_;  // guarded by mutex_
  std::jthread thread_;              // last: it uses all the others
};

}  // namespace fairlead
