// One lcore that sends: what is due now, as one burst.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/pktgen/dpdk/port.hpp"
#include "bench/pktgen/mix.hpp"
#include "bench/pktgen/pace.hpp"
#include "bench/pktgen/report.hpp"

namespace fairlead::bench::pktgen {

/// What one trial sends.
struct Load {
  Flows flows;
  Mix mix;
  double rate = 0;     // packets/s
  double seconds = 1;  // that it is sent
  std::uint16_t run = 0;
  std::uint32_t burst = 32;       // packets at most at a time
  double backlog_seconds = 0.01;  // that a sender which was held up makes up for
};

class Sender {
 public:
  /// Begins at `start` (TSC).
  Sender(Port& port, const Load& load, std::uint64_t start);
  /// False when it is over.
  bool step();
  /// It is over now.
  void stop();
  /// After the end.
  [[nodiscard]] Sent sent() const;

 private:
  void send(std::uint64_t packets);
  void advance(std::uint64_t packets);

  Port& port_;
  Load load_;
  std::vector<FrameWriter> writers_;
  std::vector<std::uint32_t> order_;  // indices into writers_
  std::uint64_t start_, end_, grace_end_;
  Allowance allowance_;
  std::uint32_t flow_ = 0, sequence_ = 0;  // of the next packet
  std::uint64_t sent_ = 0;
  bool is_over_ = false;
};

}  // namespace fairlead::bench::pktgen
