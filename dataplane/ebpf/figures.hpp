// How full the tables are, and what the programs counted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bpf/abi/config.h"
#include "bpf/abi/flows.h"
#include "dataplane/datapath.hpp"

namespace fairlead::ebpf {

/// Entries of a flow table; a flow has two.
struct FlowEntries {
  std::uint64_t live = 0;  // whose own time is not over
  std::uint64_t over =
      0;  // still there, free for whoever needs the place once the partner is over too
  std::uint64_t spilled = 0;  // buckets that are marked: look-ups go on to the next place
};
/// `now`: coarse monotonic time in ticks.
FlowEntries count_flows(std::span<const fl_bucket4> buckets, const fl_timeouts& timeouts,
                        std::uint32_t now);
FlowEntries count_flows(std::span<const fl_bucket6> buckets, const fl_timeouts& timeouts,
                        std::uint32_t now);

/// How long an entry of this protocol and state is kept, in ticks.
std::uint32_t lifetime(const fl_timeouts& timeouts, std::uint8_t protocol, std::uint8_t state);
std::uint32_t now_ticks();

/// Map `counters`, added up over all CPUs.
Result<std::vector<CounterFigure>> read_counters(int map_fd);

}  // namespace fairlead::ebpf
