// What this node brings to every Service's plan: who it is, which of its addresses matter, which
// sources it can tell apart.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/plan/plan.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead {

/// The options together with the Nodes, digested once. Equal views give equal plans, so a Node
/// whose heartbeat alone changed costs nothing.
struct NodeView {
  std::string node;
  std::string zone;  // "": none
  bool masquerade_all = false;
  NodeSettings settings;
  std::array<std::optional<Ip>, 2> primary;  // by Family
  std::array<bool, 2> can_detect_local{};    // by Family: Scope::kInternal exists
  std::vector<Ip> node_addresses;            // of every Node that is known, sorted
  std::vector<Cidr> pod_cidrs;               // of every Node that is known, and cluster_cidrs
  std::optional<std::vector<Cidr>> allowed_external_ips;
  bool operator==(const NodeView&) const = default;
};

NodeView view_node(const std::map<std::string, Node>& nodes, const PlanOptions& options);

inline std::size_t index_of(Family family) { return static_cast<std::size_t>(family); }
bool is_in_any(const std::vector<Cidr>& cidrs, const Ip& ip);

}  // namespace fairlead
