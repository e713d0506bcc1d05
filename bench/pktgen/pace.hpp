// When packets are due. All is counted from the start, so that nothing adds up however long it
// runs.
#pragma once

#include <cstdint>

namespace fairlead::bench::pktgen {

/// Thousandths of a packet a second, so that 0.1 % of a small rate is still a rate.
struct Rate {
  std::uint64_t millipackets = 0;
  [[nodiscard]] double a_second() const { return static_cast<double>(millipackets) / 1000; }
};
Rate rate_of(double packets_a_second);

/// Packet n (from 0) is due n / rate after the start. Exact for centuries.
class Pacer {
 public:
  Pacer(Rate rate, std::uint64_t ticks_a_second, std::uint64_t start);
  /// How many are due until `now`, the first one at the start itself.
  [[nodiscard]] std::uint64_t due(std::uint64_t now) const;

 private:
  Rate rate_;
  std::uint64_t ticks_a_second_, start_;
};

/// What may be sent now. A sender that was held up makes up for what it missed, burst by burst, but
/// only for the last `backlog` packets: older ones are given up, and counted, because to send
/// them late would be another rate than the one that was asked for.
class Allowance {
 public:
  Allowance(Pacer pacer, std::uint64_t backlog) : pacer_(pacer), backlog_(backlog) {}
  [[nodiscard]] std::uint64_t now(std::uint64_t ticks);
  /// At most as many as were allowed.
  void sent(std::uint64_t packets) { done_ += packets; }
  [[nodiscard]] std::uint64_t given_up() const { return given_up_; }
  /// At the end: what was due and neither sent nor given up is given up.
  void finish(std::uint64_t ticks) { given_up_ += pacer_.due(ticks) - done_ - given_up_; }

 private:
  Pacer pacer_;
  std::uint64_t backlog_, done_ = 0, given_up_ = 0;
};

}  // namespace fairlead::bench::pktgen
