// The agent's other part in the flow tables: marks (FL_FLOW_SPILLED) that nobody needs any more. A
// table that was full once would be looked through further than necessary for ever.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "bpf/abi/config.h"
#include "bpf/abi/flows.h"

namespace fairlead::ebpf {

struct MarkSweep {
  std::size_t marked = 0;   // buckets when it began
  std::size_t cleared = 0;  // of them
  std::size_t freed = 0;    // entries behind a mark whose flow's time was over
};

/// Takes away the marks of buckets that no flow is found by way of; the protocol is in
/// bpf/abi/flows.h. Entries behind them whose time is over are freed, as a new flow would do that
/// takes their place. Programs run meanwhile; one sweep at a time. `wait` returns when every
/// program that ran as it was called has ended: wait_for_programs(). Looks at one bucket after the
/// other if there is no mark, and at all flows if there is.
MarkSweep sweep_marks(std::span<fl_bucket4> buckets, const fl_timeouts& timeouts,
                      const std::function<void()>& wait);
MarkSweep sweep_marks(std::span<fl_bucket6> buckets, const fl_timeouts& timeouts,
                      const std::function<void()>& wait);

}  // namespace fairlead::ebpf
