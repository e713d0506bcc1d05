// What has to change so that what is there becomes what is wanted. Pure.
#pragma once

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace fairlead {

template <class T>
struct Diff {
  std::vector<T> erase;  // first these: what is added may take the same key
  std::vector<T> add;
  [[nodiscard]] bool empty() const { return erase.empty() && add.empty(); }
  bool operator==(const Diff&) const = default;
};

/// Both sorted and without duplicates; so is what comes out. A value that changed under the same
/// key is in both lists.
template <class T>
Diff<T> diff(std::span<const T> have, std::span<const T> want) {
  Diff<T> changes;
  std::ranges::set_difference(have, want, std::back_inserter(changes.erase));
  std::ranges::set_difference(want, have, std::back_inserter(changes.add));
  return changes;
}

/// The same where much is there and all of it is wanted piece by piece: the two are never in memory
/// beside each other.
template <class T>
class Differ {
 public:
  /// `have` is sorted and without duplicates.
  explicit Differ(std::vector<T> have) : have_(std::move(have)), wanted_(have_.size()) {}

  /// In any order; what was wanted before may be again.
  void want(std::span<const T> values) {
    for (const T& value : values) {
      const auto at = std::ranges::lower_bound(have_, value);
      if (at != have_.end() && *at == value)
        wanted_[static_cast<std::size_t>(at - have_.begin())] = true;
      else
        add_.push_back(value);
    }
  }

  Diff<T> finish() && {
    std::ranges::sort(add_);
    add_.erase(std::unique(add_.begin(), add_.end()), add_.end());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < have_.size(); ++i)
      if (!wanted_[i]) std::swap(have_[kept++], have_[i]);
    have_.erase(have_.begin() + static_cast<std::ptrdiff_t>(kept), have_.end());
    return {std::move(have_), std::move(add_)};
  }

 private:
  std::vector<T> have_;
  std::vector<bool> wanted_;
  std::vector<T> add_;
};

}  // namespace fairlead
