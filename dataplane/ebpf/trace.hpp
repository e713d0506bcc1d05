// `fairlead explain`: the program itself, run once on a packet made for it.
#pragma once

#include "bpf/abi/counters.h"
#include "dataplane/datapath.hpp"

namespace fairlead::ebpf {

/// An Ethernet frame with the first packet of a connection: TCP a SYN, UDP an empty datagram.
/// Anything else is refused.
Result<std::vector<std::byte>> first_packet(const TracedPacket& packet);

/// Runs `program_fd` (fairlead_explain) by BPF_PROG_RUN in this thread's network namespace and
/// reads `map_fd` (trace).
Result<Trace> run_trace(int program_fd, int map_fd, const TracedPacket& packet);

/// One sentence for each decision about a packet from `source`.
Trace describe(const fl_trace& trace, const Ip& source);

}  // namespace fairlead::ebpf
