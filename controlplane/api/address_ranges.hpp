// Which ranges of addresses belong to which AddressPool, so that none belongs to two.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ip_range.hpp"

namespace fairlead::api {

class AddressRanges {
 public:
  struct Entry {
    std::string pool;
    IpRange range;
  };

  /// A range of another pool than `pool` that overlaps with `range`.
  [[nodiscard]] std::optional<Entry> conflict(std::string_view pool, const IpRange& range) const;
  void add(std::string pool, const IpRange& range);
  /// Undoes one add().
  void remove(std::string_view pool, const IpRange& range);

 private:
  std::vector<Entry> entries_;  // a pool that is being changed has its old and its new ranges
};

}  // namespace fairlead::api
