// How long each way took to load, so that one which took long is not tried with more Services: some
// of kube-proxy's layouts take the square of the number.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace fairlead::bench {

class LoadingTimes {
 public:
  explicit LoadingTimes(bool quick) : most_(quick ? 0.2 : 6) {}

  void note(const std::string& way, std::uint32_t services, double seconds) {
    last_[way] = {services, seconds};
  }
  /// Why `services` are not tried; nothing where they are. Few Services say nothing of many.
  [[nodiscard]] std::optional<std::string> why_not(const std::string& way,
                                                   std::uint32_t services) const {
    const auto at = last_.find(way);
    if (at == last_.end()) return std::nullopt;
    const auto [before, seconds] = at->second;
    if (before < kLeast || before >= services || seconds <= most_) return std::nullopt;
    return fmt::format("{} took {:.1f} s to load", before, seconds);
  }

 private:
  static constexpr std::uint32_t kLeast = 100;
  double most_;
  std::map<std::string, std::pair<std::uint32_t, double>> last_;  // Services, seconds
};

}  // namespace fairlead::bench
