// Services -> addresses of Layer2 pools -> nodes that may answer -> ranking.
#include "dataplane/layer2/election.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string_view>

namespace fairlead::layer2 {
namespace {

constexpr std::string_view kExcluded = "node.kubernetes.io/exclude-from-external-load-balancers";
constexpr std::array<std::string_view, 4> kUnreadyTaints{
    "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable",
    "node.kubernetes.io/network-unavailable", "node.kubernetes.io/out-of-service"};

using Names = std::set<std::string>;

/// FNV-1a, and the last steps of splitmix64, because names that differ in their last letter only
/// must not get neighbouring weights.
std::uint64_t weight(const Ip& address, std::string_view node) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : address.bytes) hash = (hash ^ byte) * kPrime;
  for (const char byte : node) hash = (hash ^ static_cast<std::uint8_t>(byte)) * kPrime;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

bool is_ready(const Node& node) {
  return std::ranges::none_of(node.taint_keys, [](const std::string& key) {
    return std::ranges::find(kUnreadyTaints, key) != kUnreadyTaints.end();
  });
}

bool is_candidate(const Node& node) {
  return !node.being_deleted && !node.labels.contains(kExcluded);
}

/// Nodes with an endpoint that takes connections: ready ones, else those that still serve while
/// they terminate, as in the plan.
Names nodes_with_endpoints(const Snapshot& cluster, const ObjectName& service, Family family) {
  Names ready, serving;
  const auto slices = cluster.slices.find(service);
  if (slices == cluster.slices.end()) return ready;
  for (const auto& [name, slice] : slices->second) {
    if (slice.family != family || slice.handled_elsewhere) continue;
    for (const Endpoint& endpoint : slice.endpoints) {
      if (endpoint.ready && !endpoint.terminating) ready.insert(*endpoint.node);
      if (endpoint.serving) serving.insert(*endpoint.node);
    }
  }
  return ready.empty() ? serving : ready;
}

/// What the Services of one address ask of its node.
struct Demand {
  bool any_node = false;  // some Service has policy Cluster
  bool is_local = false;  // some Service has policy Local, and endpoints:
  Names local;            // where all of those have one
};

void add(Demand& demand, const Snapshot& cluster, const Service& service, const Ip& address) {
  if (service.external_traffic_policy == TrafficPolicy::kCluster) {
    demand.any_node = true;
    return;
  }
  Names nodes = nodes_with_endpoints(cluster, service.name, address.family());
  if (nodes.empty()) return;
  if (demand.is_local)
    std::erase_if(nodes, [&](const auto& n) { return !demand.local.contains(n); });
  demand.is_local = true;
  demand.local = std::move(nodes);
}

std::map<Ip, Demand> demands(const Snapshot& cluster,
                             const std::map<std::string, AddressPool>& pools) {
  std::map<Ip, Demand> found;
  for (const auto& [name, service] : cluster.services) {
    if (service.type != ServiceType::kLoadBalancer || service.handled_elsewhere) continue;
    for (const Ip& address : service.load_balancer_ips) {
      const bool is_ours = std::ranges::any_of(pools, [&](const auto& pool) {
        return pool.second.announce == Announce::kLayer2 && pool.second.contains(address);
      });
      if (is_ours) add(found[address], cluster, service, address);
    }
  }
  return found;
}

}  // namespace

Ranking rank(const Ip& address, std::vector<std::string> nodes) {
  std::ranges::sort(nodes, [&](const std::string& a, const std::string& b) {
    const std::uint64_t weight_a = weight(address, a), weight_b = weight(address, b);
    return weight_a != weight_b ? weight_a > weight_b : a < b;
  });
  return nodes;
}

std::map<Ip, Ranking> rank_addresses(const Snapshot& cluster,
                                     const std::map<std::string, AddressPool>& pools) {
  std::map<Ip, Ranking> rankings;
  for (const auto& [address, demand] : demands(cluster, pools)) {
    std::vector<std::string> ready, unready;
    for (const auto& [name, node] : cluster.nodes) {
      const bool serves = demand.is_local ? demand.local.contains(name) : demand.any_node;
      if (serves && is_candidate(node)) (is_ready(node) ? ready : unready).push_back(name);
    }
    Ranking ranking = rank(address, std::move(ready));
    for (std::string& name : rank(address, std::move(unready))) ranking.push_back(std::move(name));
    if (!ranking.empty()) rankings.emplace(address, std::move(ranking));
  }
  return rankings;
}

}  // namespace fairlead::layer2
