// The loops: send on one lcore and receive on another, or both in turn where there is only one.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/pktgen/dpdk/sender.hpp"
#include "bench/pktgen/tally.hpp"

namespace fairlead::bench::pktgen {

/// Set by signals; ends whatever runs.
using Stop = std::atomic<bool>;

/// Takes packets from a port into a tally, and answers who asks for the addresses of the sink.
class Receiver {
 public:
  Receiver(Port& port, Tally& tally, std::span<const Ip> own)
      : port_(port), tally_(tally), own_(own), mac_(port.mac()) {}
  /// How many packets came.
  std::uint16_t step();

 private:
  void take(const rte_mbuf& buffer, std::uint64_t now);

  Port& port_;
  Tally& tally_;
  std::span<const Ip> own_;
  Mac mac_;
};

/// Ends that a process may have.
struct Ends {
  Port* sender = nullptr;
  Port* receiver = nullptr;      // may be the same
  std::span<const Ip> own;       // addresses that the receiver answers for
  std::uint32_t sink_flows = 0;  // of a sink alone: more are damaged packets
};

/// Sends `load`, waits `settle_seconds` for what is late, and says what came of it. Without a
/// sender it receives, `load.seconds` long (0: until `stop`).
Run run(const Ends& ends, const Load& load, double settle_seconds, const Stop& stop);

/// The MAC address that belongs to `wanted`, asked for from `own` once a `seconds` / 10.
Result<Mac> resolve(Port& port, const Ip& wanted, const Ip& own, double seconds);

}  // namespace fairlead::bench::pktgen
