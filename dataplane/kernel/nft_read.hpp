// Reads back what a table holds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/nft_objects.hpp"
#include "model/result.hpp"

namespace fairlead::nft {

struct ChainContent {
  Chain chain;
  std::vector<std::optional<std::uint64_t>>
      fingerprints;  // one a rule, in order; none: not a rule of ours
};

struct TableContent {
  std::map<std::string, ChainContent, std::less<>> chains;
  std::map<std::string, Set, std::less<>> sets;
  bool consistent = true;  // false: somebody committed while we read
};

/// Chains, rules and sets of table inet `table`, without elements. nullopt: there is no such table.
Result<std::optional<TableContent>> read_table(NetlinkSocket& socket, const std::string& table);

/// Calls `on_element` for each. What a view borrows lives as long as the call. False: somebody
/// committed meanwhile.
Result<bool> read_elements(NetlinkSocket& socket, const std::string& table, const std::string& set,
                           const std::function<void(const ElementView&)>& on_element);

}  // namespace fairlead::nft
