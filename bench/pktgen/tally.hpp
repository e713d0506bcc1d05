// What has arrived: every packet of this run is looked at, and counted once under one name.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bench/pktgen/frame.hpp"
#include "bench/results/histogram.hpp"

namespace fairlead::bench::pktgen {

struct Counts {
  std::uint64_t received = 0;    // right in all, and for the first time
  std::uint64_t duplicates = 0;  // seen before
  std::uint64_t too_late = 0;    // so far behind that it is not known whether they were seen before
  std::uint64_t wrong_ip_checksum = 0, wrong_transport_checksum = 0;
  std::uint64_t damaged = 0;      // the payload is not what was sent
  std::uint64_t foreign_run = 0;  // of a generator, but not of this run
  std::uint64_t foreign = 0;      // of nobody we know: ARP, NDP, ...
  /// Of the received: behind one of its flow that was sent later (RFC 4737, Type-P-Reordered).
  std::uint64_t reordered = 0;
  bool operator==(const Counts&) const = default;
};

/// Which sequence numbers of a flow have been seen: exact for the last kWindow.
class SequenceWindow {
 public:
  static constexpr std::uint32_t kWindow = 1024;
  enum class Seen : std::uint8_t { kNew, kReordered, kDuplicate, kTooLate };
  Seen see(std::uint32_t sequence);
  /// How many have been sent at least: the highest that was seen, and 1.
  [[nodiscard]] std::uint64_t expected() const { return next_; }

 private:
  std::uint64_t next_ = 0;  // with the wraps that the 32 bits on the wire do not have
  std::array<std::uint64_t, kWindow / 64> bits_{};
};

class Tally {
 public:
  /// Packets of flows from `flows` on are damaged ones.
  Tally(std::uint16_t run, std::uint32_t flows) : run_(run), flows_(flows) {}
  void take(Bytes frame, std::uint64_t now_ns);
  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// Of the received ones.
  [[nodiscard]] const Histogram& latency() const { return latency_; }
  /// What is missing as seen from the sink alone: gaps in the sequences. What was lost behind the
  /// last packet of a flow that arrived is only known to who sent it.
  [[nodiscard]] std::uint64_t gaps() const;

 private:
  std::uint16_t run_;
  std::vector<SequenceWindow> flows_;
  Counts counts_;
  Histogram latency_;
};

}  // namespace fairlead::bench::pktgen
