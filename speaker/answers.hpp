// The table for people, part by part: it is as long as the table, and the agent may read slowly.
#pragma once

#include <functional>
#include <vector>

#include "dataplane/bgp/control/messages.hpp"
#include "dataplane/bgp/routing_table.hpp"

namespace fairlead::speaker {

/// To one Ask of routes.
class Answers {
 public:
  using NameOf = std::function<std::string(bgp::PeerId)>;

  /// `table` may be null: there are no routes yet.
  Answers(const bgp::control::Ask& ask, const bgp::RoutingTable* table);

  /// Each prefix as it is now; those that are gone meanwhile are left out.
  bgp::control::Answer next(const bgp::RoutingTable* table, const NameOf& name_of);

 private:
  std::uint64_t id_;
  std::vector<bgp::Prefix> prefixes_;  // sorted
  std::size_t told_ = 0;               // of them
};

}  // namespace fairlead::speaker
