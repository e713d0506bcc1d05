// Table `inet fairlead-pods` in the kernel.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/kernel/netlink.hpp"
#include "dataplane/podnet/rules.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

inline constexpr const char* kPodsTable = "fairlead-pods";

class RulesTable {
 public:
  static Result<RulesTable> open();

  /// Makes the table as `rules` say, in one transaction. Returns how many elements, rules and sets
  /// were written; 0: all was in place.
  Result<std::size_t> apply(const Rules& rules);
  /// Removes the table.
  Result<> remove();

  [[nodiscard]] const NetlinkSocket& socket() const { return socket_; }

 private:
  explicit RulesTable(NetlinkSocket socket) : socket_(std::move(socket)) {}
  Result<std::size_t> apply_once(const Rules& rules, bool guarded);

  NetlinkSocket socket_;
  // What was written last, and the ruleset's generation after it: while nobody commits, nothing
  // need be read.
  std::optional<Rules> written_;
  std::uint32_t generation_ = 0;
};

}  // namespace fairlead::podnet
