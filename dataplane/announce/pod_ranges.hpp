// Which addresses are pods', and on which node: what a node announces, and what it believes of
// others.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/announce/announce.hpp"

namespace fairlead::announce {

/// No two overlap. Sorted.
struct PodRanges {
  std::vector<Cidr> own{};
  std::map<std::string, std::vector<Cidr>> others{};  // by node; those that have any

  [[nodiscard]] std::vector<Cidr> all_others() const;
};

/// Left out, with a Problem: ranges outside of Options::cluster_cidrs; ranges that hold a node's
/// address or ClusterIPs; ranges that overlap this node's, or a node's that comes before by name. A
/// Node is written by its own node, which must not draw others' traffic by it.
PodRanges pod_ranges(const Options& options, const std::map<std::string, Node>& nodes,
                     std::vector<Problem>& problems);

}  // namespace fairlead::announce
