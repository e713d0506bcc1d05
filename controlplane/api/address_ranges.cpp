// A list: there are few pools, and they change seldom.
#include "controlplane/api/address_ranges.hpp"

#include <algorithm>

namespace fairlead::api {

std::optional<AddressRanges::Entry> AddressRanges::conflict(std::string_view pool,
                                                            const IpRange& range) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.pool != pool && entry.range.overlaps(range);
  });
  if (found == entries_.end()) return std::nullopt;
  return *found;
}

void AddressRanges::add(std::string pool, const IpRange& range) {
  entries_.push_back({std::move(pool), range});
}

void AddressRanges::remove(std::string_view pool, const IpRange& range) {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.pool == pool && entry.range == range; });
  if (found != entries_.end()) entries_.erase(found);
}

}  // namespace fairlead::api
