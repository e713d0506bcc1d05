// Equal values become one value.
#pragma once

#include <algorithm>
#include <set>

#include "model/shared.hpp"

namespace fairlead {

/// Holds each value once, for as long as somebody else does.
template <class T>
class Interner {
 public:
  /// The value that equal ones share.
  Shared<T> intern(const Shared<T>& value) {
    if (value.is_default()) return value;
    if (values_.size() >= sweep_at_) sweep();
    return *values_.insert(value).first;
  }

 private:
  struct ByContent {
    bool operator()(const Shared<T>& a, const Shared<T>& b) const { return a.get() < b.get(); }
  };

  // Sweeping when twice as many are held as after the last time costs a constant for each
  // insertion.
  void sweep() {
    std::erase_if(values_, [](const Shared<T>& value) { return value.is_last(); });
    sweep_at_ = std::max<std::size_t>(kSmall, 2 * values_.size());
  }

  static constexpr std::size_t kSmall = 1024;
  std::set<Shared<T>, ByContent> values_;
  std::size_t sweep_at_ = kSmall;
};

}  // namespace fairlead
