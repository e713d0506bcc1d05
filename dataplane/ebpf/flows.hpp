// The agent's part in the flow tables: UDP flows whose backend serves no more.
#pragma once

#include <cstdint>
#include <span>

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

}  // namespace fairlead::ebpf
