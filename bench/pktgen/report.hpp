// What a run says at its end: for people, as JSON, and as results of the bench.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/pktgen/search.hpp"
#include "bench/pktgen/tally.hpp"
#include "bench/results/results.hpp"

namespace fairlead::bench::pktgen {

/// What was sent. asked_for = sent + given_up.
struct Sent {
  double rate = 0;              // packets/s, as asked for
  std::uint64_t asked_for = 0;  // what the rate makes of the time
  std::uint64_t packets = 0;    // what the port took
  std::uint64_t given_up = 0;   // what the generator was too late for
  double seconds = 0;           // from the first to the end of the time
  [[nodiscard]] double achieved() const {
    return seconds > 0 ? static_cast<double>(packets) / seconds : 0;
  }
  bool operator==(const Sent&) const = default;
};

/// Of one end, or of both where one process has both.
struct Run {
  std::uint16_t id = 0;
  std::optional<Sent> sent;
  std::optional<Counts> received;
  std::uint64_t gaps = 0;
  /// Of the lost: came to the sink's port, and were not taken in time. As far as the driver knows.
  std::uint64_t missed = 0;
  Histogram latency;
};

/// Lost of what was sent; where only the sink is known, the gaps.
std::uint64_t lost(const Run& run);
std::string text(const Run& run);
std::string json(const Run& run);

/// One frame size (or mix): the answers of all searches, and the latencies at a part of the lowest.
struct SizeResult {
  std::string frame;  // "64", "imix"
  std::vector<Throughput> searches;
  double latency_rate = 0;  // packets/s; 0: not measured
  Histogram latency;
};
struct SearchReport {
  std::string traffic, way;  // "UDP, 1 flow"; as the user calls what is measured
  std::vector<SizeResult> sizes;
};
std::string text(const SearchReport& report);
/// Part "pktgen". A search that only the generator or the highest rate ended is in `not_measured`:
/// its figure is a lower bound.
Results to_results(const SearchReport& report, Setting setting);

}  // namespace fairlead::bench::pktgen
