// Nodes' podCIDRs -> those that can be believed, this node's first. All checks are searches in
// sorted sets: a cluster may have thousands of nodes.
#include "dataplane/announce/pod_ranges.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace fairlead::announce {
namespace {

bool is_within(const Cidr& inner, const Cidr& outer) {
  return inner.length >= outer.length && outer.contains(inner.base);
}

bool overlap(const Cidr& a, const Cidr& b) { return is_within(a, b) || is_within(b, a); }

/// Prefixes that do not overlap; sorted by their first address.
class Taken {
 public:
  /// Nothing: it is now taken.
  std::optional<Cidr> add(const Cidr& range) {
    const auto after = ranges_.lower_bound(range);
    if (after != ranges_.end() && overlap(range, *after)) return *after;
    if (after != ranges_.begin() && overlap(range, *std::prev(after))) return *std::prev(after);
    ranges_.insert(after, range);
    return std::nullopt;
  }

 private:
  std::set<Cidr> ranges_;
};

class Collector {
 public:
  Collector(const Options& options, const std::map<std::string, Node>& nodes,
            std::vector<Problem>& problems)
      : options_(options), problems_(problems) {
    for (const auto& [name, node] : nodes)
      addresses_.insert(addresses_.end(), node.addresses.begin(), node.addresses.end());
    std::ranges::sort(addresses_);
  }

  std::vector<Cidr> usable(const std::string& node, const std::vector<Cidr>& ranges) {
    std::vector<Cidr> result;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      if (std::ranges::find(result, ranges[i]) != result.end()) continue;
      if (const std::string why = why_not(ranges[i]); !why.empty()) {
        problems_.push_back({"Node " + node, "spec.podCIDRs[" + std::to_string(i) + ']',
                             to_string(ranges[i]) + ' ' + why + "; it is left out"});
        continue;
      }
      result.push_back(ranges[i]);
    }
    std::ranges::sort(result);
    return result;
  }

 private:
  std::string why_not(const Cidr& range) {
    if (!is_in_cluster(range)) return "lies outside of the cluster's pod ranges";
    const auto address = std::ranges::lower_bound(addresses_, range.base);
    if (address != addresses_.end() && range.contains(*address))
      return "holds the address " + to_string(*address) + " of a node";
    for (const Cidr& services : options_.service_cidrs)
      if (overlap(range, services)) return "overlaps the ClusterIPs " + to_string(services);
    if (const auto other = taken_.add(range))
      return "overlaps the pod range " + to_string(*other) + " of another";
    return {};
  }

  [[nodiscard]] bool is_in_cluster(const Cidr& range) const {
    bool is_limited = false;
    for (const Cidr& cluster : options_.cluster_cidrs) {
      if (cluster.family() != range.family()) continue;
      if (is_within(range, cluster)) return true;
      is_limited = true;
    }
    return !is_limited;
  }

  const Options& options_;
  std::vector<Problem>& problems_;
  std::vector<Ip> addresses_;
  Taken taken_;
};

}  // namespace

std::vector<Cidr> PodRanges::all_others() const {
  std::vector<Cidr> all;
  for (const auto& [node, ranges] : others) all.insert(all.end(), ranges.begin(), ranges.end());
  std::ranges::sort(all);
  return all;
}

PodRanges pod_ranges(const Options& options, const std::map<std::string, Node>& nodes,
                     std::vector<Problem>& problems) {
  PodRanges ranges;
  Collector collector(options, nodes, problems);
  if (const auto self = nodes.find(options.node); self != nodes.end()) {
    const auto& said = options.pod_cidrs.empty() ? self->second.pod_cidrs : options.pod_cidrs;
    ranges.own = collector.usable(options.node, said);
  }
  for (const auto& [name, node] : nodes) {
    if (name == options.node) continue;
    auto usable = collector.usable(name, node.pod_cidrs);
    if (!usable.empty()) ranges.others.emplace(name, std::move(usable));
  }
  return ranges;
}

}  // namespace fairlead::announce
