// frame -> packet -> stamp -> is it ours, whole, and new? -> counts and latency.
#include "bench/pktgen/tally.hpp"

namespace fairlead::bench::pktgen {

SequenceWindow::Seen SequenceWindow::see(std::uint32_t sequence) {
  // The 64-bit number that is nearest to what comes next and has these lower 32 bits. What would
  // be before the very first one is far ahead instead.
  const auto distance = static_cast<std::int32_t>(sequence - static_cast<std::uint32_t>(next_));
  const bool is_ahead =
      distance >= 0 || static_cast<std::uint64_t>(-std::int64_t{distance}) > next_;
  const std::uint64_t number = is_ahead
                                   ? next_ + static_cast<std::uint32_t>(distance)
                                   : next_ - static_cast<std::uint64_t>(-std::int64_t{distance});
  const auto word = [this](std::uint64_t n) -> std::uint64_t& {
    return bits_[n / 64 % bits_.size()];
  };
  const std::uint64_t bit = std::uint64_t{1} << number % 64;
  if (is_ahead) {
    // What the window moves over is not seen yet; by words, as all of one leave it together.
    const std::uint64_t first = (next_ + 63) / 64, last = number / 64;
    for (std::uint64_t i = first; i <= last && i < first + bits_.size(); ++i)
      bits_[i % bits_.size()] = 0;
    next_ = number + 1;
    word(number) |= bit;
    return Seen::kNew;
  }
  if (number / 64 + bits_.size() <= (next_ - 1) / 64) return Seen::kTooLate;
  if ((word(number) & bit) != 0) return Seen::kDuplicate;
  word(number) |= bit;
  return Seen::kReordered;
}

void Tally::take(Bytes frame, std::uint64_t now_ns) {
  const auto packet = parse_packet(frame);
  const auto stamp = packet ? read(packet->payload) : std::nullopt;
  if (!stamp) {
    ++counts_.foreign;
  } else if (stamp->run != run_) {
    ++counts_.foreign_run;
  } else if (!packet->ip_checksum_is_right) {
    ++counts_.wrong_ip_checksum;
  } else if (!packet->transport_checksum_is_right) {
    ++counts_.wrong_transport_checksum;
  } else if (stamp->flow >= flows_.size() || !is_filled(run_, packet->payload)) {
    ++counts_.damaged;
  } else {
    const auto seen = flows_[stamp->flow].see(stamp->sequence);
    if (seen == SequenceWindow::Seen::kDuplicate) {
      ++counts_.duplicates;
      return;
    }
    if (seen == SequenceWindow::Seen::kTooLate) {
      ++counts_.too_late;
      return;
    }
    if (seen == SequenceWindow::Seen::kReordered) ++counts_.reordered;
    ++counts_.received;
    latency_.record(std::chrono::nanoseconds(elapsed_ns(stamp->time_ns, now_ns)));
  }
}

std::uint64_t Tally::gaps() const {
  std::uint64_t expected = 0;
  for (const SequenceWindow& flow : flows_) expected += flow.expected();
  return expected > counts_.received ? expected - counts_.received : 0;
}

}  // namespace fairlead::bench::pktgen
