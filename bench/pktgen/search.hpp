// RFC 2544, 26.1: the highest rate at which nothing is lost, by halving. A pure machine: it says
// which rate to try next and is told what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/result.hpp"

namespace fairlead::bench::pktgen {

struct SearchOptions {
  double highest = 0;            // packets/s; tried first
  double lowest = 0;             // packets/s; what is not searched below. 0: down to `resolution`
  double resolution = 0;         // packets/s; it ends when the answer is known to this
  double loss_tolerance = 0;     // part of what was sent that may be lost in a trial that passes
  double sending_tolerance = 0;  // part of what was asked for that the generator may fall short
  std::uint32_t tries = 1;       // a rate fails when that many trials in a row had losses
};
/// Errors name the option.
Result<> check(const SearchOptions& options);

/// What came of a trial, after the time that late packets are waited for.
struct Trial {
  double rate = 0;  // as asked for, packets/s
  std::uint64_t sent = 0, received = 0;
  double seconds = 0;        // in which it was sent
  std::uint64_t missed = 0;  // came to the sink's port, and the sink was too slow to take them
  [[nodiscard]] double sent_rate() const { return static_cast<double>(sent) / seconds; }
  [[nodiscard]] double loss() const;  // part, 0 to 1
};

enum class Verdict : std::uint8_t {
  kPassed,
  kLost,
  kTryAgain,  // lost, but tries are left
  // The generator did not reach the rate, or the sink not what came, and nothing of what was sent
  // was lost by the device: says nothing against it, and for it only up to what was sent and
  // seen.
  kTesterSlow
};
const char* to_string(Verdict verdict);

struct Throughput {
  /// A rate that was sent and passed; 0 where none did.
  double passed = 0;
  /// The lowest rate above it that did not. None where the highest passed.
  std::optional<double> failed;
  enum class Limit : std::uint8_t { kDevice, kTester, kHighest } limit = Limit::kDevice;
};

class Search {
 public:
  /// `options` as check() accepts them.
  explicit Search(const SearchOptions& options) : options_(options) {}
  /// None: it is over.
  [[nodiscard]] std::optional<double> next() const;
  /// Of the rate that next() said. Loss at less than what has passed before, because the
  /// generator fell short, counts against the rate that was asked for.
  Verdict add(const Trial& trial);
  /// After the end; before it, what is known so far.
  [[nodiscard]] Throughput result() const;

 private:
  [[nodiscard]] bool is_over() const;
  SearchOptions options_;
  double passed_ = 0;
  std::optional<double> failed_;
  bool highest_passed_ = false, failed_by_tester_ = false;
  std::uint32_t losses_ = 0;  // in a row, at the rate that is tried
};

}  // namespace fairlead::bench::pktgen
