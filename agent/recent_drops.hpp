// The last packets that the datapath dropped, for `fairlead drops`.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
#include <vector>

#include "agent/health.hpp"
#include "dataplane/datapath.hpp"

namespace fairlead {

class RecentDrops {
 public:
  static constexpr std::size_t kKept = 200;

  /// The oldest first.
  void add(std::vector<DropRecord> drops);
  /// {"drops": [{"time", "source", …}]}, the oldest first.
  [[nodiscard]] boost::json::object json(const Now& now) const;

 private:
  std::deque<DropRecord> drops_;
};

}  // namespace fairlead
