// Numbers the members of a group 0 to n - 1 so that few numbers change when members come and go.
// Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace fairlead {

/// `have`: the members by slot; empty slots are tolerated. `want`: sorted, no duplicates. The
/// result holds each of `want` once: whoever stays keeps the slot, unless it lies beyond the end;
/// new ones and those fill the holes in order. So adding one changes one slot, and removing one
/// changes at most two: the last member moves into its place.
template <class T>
std::vector<T> assign_slots(std::span<const std::optional<T>> have, std::span<const T> want) {
  std::vector<std::optional<T>> slots(want.size());
  std::vector<bool> placed(want.size(), false);
  const auto index_of = [&](const T& member) -> std::optional<std::size_t> {
    const auto at = std::ranges::lower_bound(want, member);
    if (at == want.end() || *at != member) return std::nullopt;
    return static_cast<std::size_t>(at - want.begin());
  };
  for (std::size_t slot = 0; slot < std::min(have.size(), want.size()); ++slot) {
    if (!have[slot]) continue;
    const auto index = index_of(*have[slot]);
    if (!index || placed[*index]) continue;
    slots[slot] = *have[slot];
    placed[*index] = true;
  }
  std::vector<T> result;
  result.reserve(want.size());
  std::size_t next = 0;
  for (auto& slot : slots) {
    if (!slot) {
      while (placed[next]) ++next;
      slot = want[next];
      placed[next] = true;
    }
    result.push_back(std::move(*slot));
  }
  return result;
}

}  // namespace fairlead
