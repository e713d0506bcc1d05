// trial -> verdict -> the bounds come closer -> the rate in their middle is next.
#include "bench/pktgen/search.hpp"

#include <algorithm>

namespace fairlead::bench::pktgen {

Result<> check(const SearchOptions& options) {
  if (!(options.highest > 0)) return invalid("highest rate: not above 0");
  if (!(options.lowest >= 0 && options.lowest < options.highest))
    return invalid("lowest rate: not below the highest");
  if (!(options.resolution > 0)) return invalid("resolution: not above 0");
  if (!(options.loss_tolerance >= 0 && options.loss_tolerance < 1))
    return invalid("loss tolerance: not within 0 and 1");
  if (!(options.sending_tolerance >= 0 && options.sending_tolerance < 1))
    return invalid("sending tolerance: not within 0 and 1");
  if (options.tries == 0) return invalid("tries: at least 1");
  return {};
}

double Trial::loss() const {
  const std::uint64_t arrived = received + missed;
  if (sent == 0 || arrived >= sent) return 0;
  return static_cast<double>(sent - arrived) / static_cast<double>(sent);
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kLost:
      return "lost";
    case Verdict::kTryAgain:
      return "lost, tried again";
    case Verdict::kTesterSlow:
      return "generator or sink too slow";
  }
  return "";
}

bool Search::is_over() const {
  if (highest_passed_) return true;
  if (!failed_) return false;
  return *failed_ - std::max(passed_, options_.lowest) <= options_.resolution;
}

std::optional<double> Search::next() const {
  if (is_over()) return std::nullopt;
  if (!failed_) return options_.highest;
  return (std::max(passed_, options_.lowest) + *failed_) / 2;
}

Verdict Search::add(const Trial& trial) {
  const bool is_short =
      trial.sent == 0 || trial.sent_rate() < trial.rate * (1 - options_.sending_tolerance);
  if (trial.loss() > options_.loss_tolerance) {
    if (++losses_ < options_.tries) return Verdict::kTryAgain;
    losses_ = 0;
    failed_ = is_short && trial.sent_rate() > passed_ ? trial.sent_rate() : trial.rate;
    failed_by_tester_ = false;
    return Verdict::kLost;
  }
  losses_ = 0;
  if (is_short || trial.missed > 0) {
    // What the sink has not seen may have been damaged.
    if (trial.sent > 0 && trial.missed == 0) passed_ = std::max(passed_, trial.sent_rate());
    failed_ = trial.rate;
    failed_by_tester_ = true;
    return Verdict::kTesterSlow;
  }
  passed_ = std::max(passed_, std::min(trial.sent_rate(), trial.rate));
  if (!failed_) highest_passed_ = true;
  return Verdict::kPassed;
}

Throughput Search::result() const {
  if (highest_passed_) return {passed_, std::nullopt, Throughput::Limit::kHighest};
  return {passed_, failed_,
          failed_by_tester_ ? Throughput::Limit::kTester : Throughput::Limit::kDevice};
}

}  // namespace fairlead::bench::pktgen
