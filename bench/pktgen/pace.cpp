// ticks since the start -> packets that are due -> what may be sent.
#include "bench/pktgen/pace.hpp"

#include <cmath>

namespace fairlead::bench::pktgen {

Rate rate_of(double packets_a_second) {
  return {static_cast<std::uint64_t>(std::llround(packets_a_second * 1000))};
}

Pacer::Pacer(Rate rate, std::uint64_t ticks_a_second, std::uint64_t start)
    : rate_(rate), ticks_a_second_(ticks_a_second), start_(start) {}

std::uint64_t Pacer::due(std::uint64_t now) const {
  __extension__ using Wide = unsigned __int128;  // 64 bits would be full after 0.5 s at 14 Mpps
  if (now < start_ || rate_.millipackets == 0) return 0;
  const Wide thousandths = Wide{now - start_} * rate_.millipackets;
  return static_cast<std::uint64_t>(thousandths / (Wide{ticks_a_second_} * 1000)) + 1;
}

std::uint64_t Allowance::now(std::uint64_t ticks) {
  const std::uint64_t open = pacer_.due(ticks) - done_ - given_up_;
  if (open <= backlog_) return open;
  given_up_ += open - backlog_;
  return backlog_;
}

}  // namespace fairlead::bench::pktgen
