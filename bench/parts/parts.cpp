// The parts in the order in which they are measured.
#include <array>

#include "bench/parts/part.hpp"

namespace fairlead::bench {
namespace {

constexpr std::array kParts{
    Part{"paths", "connections, requests, streams and datagrams by each way", measure_paths},
    Part{"packets", "packets through the eBPF programs, by BPF_PROG_RUN", measure_packets},
    Part{"programming", "Services into the kernel: all of them, and one change",
         measure_programming},
    Part{"disruption", "what is lost while endpoints, agent and datapath change",
         measure_disruption},
    Part{"agent", "the process: its start, its memory, and changes from the API to the kernel",
         measure_agent},
    Part{"controlplane", "writes, lists and watches of the built-in control plane",
         measure_controlplane},
    Part{"cni", "ADD and DEL of CNI plugins", measure_cni},
    Part{"pods", "requests and streams between two pods", measure_pods},
    Part{"bgp", "speakers of BGP: a table, a withdrawal, a mesh at rest", measure_bgp}};

}  // namespace

std::span<const Part> parts() { return kParts; }

}  // namespace fairlead::bench
