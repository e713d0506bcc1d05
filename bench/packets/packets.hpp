// What the packet path costs a packet, by BPF_PROG_RUN: nanoseconds of CPU time, less those of an
// empty program that is run the same way just before.
//
//   Services -> flows are opened -> rounds of all cases in turn -> a sample of each
//
// No figure without proof: after each run the programs' own counters and the verdict must say that
// every packet took the way that the case is named after (packet_cases.hpp). The strawman is what
// the machine can do with the kernel's own tables (strawman.h), and what that consists of
// (primitives.h). With katran's object the same is measured of katran, built by the caller
// (katran.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "bench/results/results.hpp"

namespace fairlead::bench {

struct PacketsOptions {
  std::uint32_t services = 10;
  unsigned rounds = 9;
  std::string directory;  // on a bpffs; is made
  std::string katran;     // the object's file; empty: none
};

/// The calling process gets a network namespace of its own; it is to end after it. What goes wrong
/// ends it at once.
Results measure_packets(const PacketsOptions& options,
                        const std::function<void(unsigned round)>& progress);

}  // namespace fairlead::bench
