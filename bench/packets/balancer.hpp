// A program that translates packets, as the measurement sees it.
#pragma once

#include <cstdint>
#include <string>

#include "bench/packets/replay.hpp"
#include "model/ip.hpp"

namespace fairlead::bench {

/// What a program says that it has done, in packets.
struct Work {
  std::uint64_t forwarded = 0;  // translated, and sent out of the link that they came by
  std::uint64_t created = 0;    // flows
  std::uint64_t other = 0;      // anything else that it counts
  bool operator==(const Work&) const = default;
};

/// A failure ends the process.
class Balancer {
 public:
  virtual ~Balancer() = default;
  [[nodiscard]] virtual int program(Hook hook) const = 0;
  [[nodiscard]] virtual Work work() const = 0;
  /// Returns when what it has beside its program is up to date: a measurement keeps the CPU, and
  /// threads that share it wait as long.
  virtual void wait_until_ready() {}
  /// All that it counts, for a message: "; drops 3: 1".
  [[nodiscard]] virtual std::string details() const { return {}; }
  /// The tables of flows are put aside, and are empty; then they are as before.
  virtual void forget_flows(Family family) = 0;
  virtual void recall_flows(Family family) = 0;
};

}  // namespace fairlead::bench
