// The agent's part in the flow tables: UDP flows whose backend serves no more.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "bpf/abi/flows.h"
#include "dataplane/kernel/flow_cleaner.hpp"

namespace fairlead::ebpf {

/// Marks as closed, in both directions, the UDP flows to one of `targets` that lead to none of
/// those who serve it: the next datagram chooses anew. TCP is never touched. Targets by port alone
/// are those at `node_addresses` (sorted). Programs may run meanwhile. Returns how many entries.
std::size_t close_stale_flows(std::span<fl_bucket4> buckets, const FlowTargets& targets,
                              std::span<const Ip> node_addresses);
std::size_t close_stale_flows(std::span<fl_bucket6> buckets, const FlowTargets& targets,
                              std::span<const Ip> node_addresses);

/// The same beside the changes that make flows stale. A pass over the tables takes milliseconds,
/// and a Service may get a new backend meanwhile: what is stale is asked anew for each piece of the
/// tables, and no change is made while a piece is looked at.
class StaleFlows {
 public:
  using Lock = std::unique_lock<std::mutex>;
  /// To be held from before a change is written until add() has been told of it. Waits for no more
  /// than the piece at hand.
  [[nodiscard]] Lock hold();
  /// `held`: by hold(). True: run() is to be called by somebody.
  bool add(const Lock& held, const FlowTargets& targets, std::vector<Ip> node_addresses);
  /// Returns when nothing is left to close. One call at a time.
  void run(std::span<fl_bucket4> flows4, std::span<fl_bucket6> flows6);

 private:
  template <class Bucket>
  void close_in_pieces(std::span<Bucket> buckets);
  /// A mutex keeps no order: who lets go of it and wants it again is first.
  [[nodiscard]] Lock hold_after_changes();

  std::atomic<std::uint32_t> changes_ = 0;  // those that wait for mutex_
  std::mutex mutex_;
  FlowTargets targets_;             // these are guarded by it
  std::vector<Ip> node_addresses_;  // sorted
  std::uint64_t additions_ = 0;
  bool running_ = false;
};

}  // namespace fairlead::ebpf
