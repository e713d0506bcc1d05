// Numbers of Service ports, 1 to kIdLimit - 1, each used once at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/nftables/tables.hpp"
#include "model/result.hpp"

namespace fairlead::nftables {

class IdPool {
 public:
  /// False: it is taken already, or out of range.
  bool take(std::uint32_t id) {
    if (id == 0 || id >= kIdLimit) return false;
    if (id >= taken_.size()) taken_.resize(id + 1);
    if (taken_[id]) return false;
    taken_[id] = true;
    return true;
  }

  /// A free one, as long after its last use as possible: clients that are remembered for it shall
  /// have been forgotten.
  Result<std::uint32_t> take_any() {
    for (std::uint32_t tries = 1; tries < kIdLimit; ++tries) {
      last_ = last_ + 1 < kIdLimit ? last_ + 1 : 1;
      if (take(last_)) return last_;
    }
    return invalid("more than a million Service ports");
  }

  void give_back(std::uint32_t id) { taken_[id] = false; }

 private:
  std::vector<bool> taken_;
  std::uint32_t last_ = 0;
};

}  // namespace fairlead::nftables
