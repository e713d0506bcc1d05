// What has to change so that what is there becomes what is wanted. Pure.
#pragma once

#include <algorithm>
#include <iterator>
#include <span>
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

}  // namespace fairlead
