// The parts, put together and put in order.
#include "dataplane/announce/announce.hpp"

#include <endian.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "dataplane/announce/advertisements.hpp"
#include "dataplane/announce/mesh.hpp"
#include "dataplane/announce/peers.hpp"
#include "dataplane/announce/service_routes.hpp"

namespace fairlead::announce {
namespace {

using bgp::control::OwnRoute;

/// As OwnRoute's own order, a few times faster: there may be tens of thousands.
bool comes_before(const OwnRoute& a, const OwnRoute& b) {
  const auto words = [](const Ip& ip) {
    std::array<std::uint64_t, 2> pair{};
    std::memcpy(pair.data(), ip.bytes.data(), sizeof pair);
    return std::array{be64toh(pair[0]), be64toh(pair[1])};
  };
  const auto left = words(a.prefix.base), right = words(b.prefix.base);
  if (left[0] != right[0]) return left[0] < right[0];
  if (left[1] != right[1]) return left[1] < right[1];
  return std::tie(a.prefix.length, a.tag) < std::tie(b.prefix.length, b.tag);
}

void sort_unique(std::vector<OwnRoute>& routes) {
  std::ranges::sort(routes, comes_before);
  const auto rest = std::ranges::unique(routes);
  routes.erase(rest.begin(), rest.end());
}

void add_pod_routes(const std::vector<Cidr>& own, bgp::RouteTag tag,
                    std::vector<OwnRoute>& routes) {
  for (const Cidr& range : own) routes.push_back({range, tag});
}

/// `routes` sorted.
std::vector<Cidr> aggregates_of(const std::vector<OwnRoute>& routes, const std::vector<Cidr>& own) {
  std::vector<Cidr> aggregates;
  for (const OwnRoute& route : routes) {
    const Cidr& prefix = route.prefix;
    const bool is_whole = prefix.length == (prefix.family() == Family::kIpv4 ? 32 : 128);
    if (is_whole || std::ranges::find(own, prefix) != own.end()) continue;
    if (aggregates.empty() || aggregates.back() != prefix) aggregates.push_back(prefix);
  }
  return aggregates;
}

bgp::Speaker speaker_of(const Options& options, const Self& self) {
  return {.as = self.as,
          .router_id = self.router_id,
          .cluster_id = self.cluster_id.value_or(self.router_id),
          .max_paths = options.max_paths,
          .hash_seed = options.hash_seed};
}

}  // namespace

Wanted wanted(const Options& options, const Cluster& cluster, const Objects& objects) {
  Wanted wanted;
  const auto& nodes = cluster.snapshot.nodes;
  const auto found = nodes.find(options.node);
  if (found == nodes.end()) return wanted;
  const Self self = know_self(options, found->second);
  const PodRanges ranges = pod_ranges(options, nodes, wanted.problems);
  auto& [speaker, peers, routes, restart_wait] = wanted.settings;
  speaker = speaker_of(options, self);

  PeerAddresses addresses;
  for (const Ip& ip : found->second.addresses) addresses.take(ip, "Node " + options.node);
  if (options.full_mesh) {
    peers = mesh_peers(options, self, nodes, ranges, objects, addresses, wanted.problems);
    add_pod_routes(ranges.own, kMeshTag, routes);
  }
  auto others = configured_peers(self, ranges, objects, addresses, wanted.problems);
  const auto advertised = advertise(self, objects, others, wanted.problems);
  for (const Advertised& by : advertised)
    if (by.advertisement->pod_cidrs) add_pod_routes(ranges.own, by.tag, routes);
  add_service_routes(options, self, cluster, advertised, routes);

  peers.insert(peers.end(), std::make_move_iterator(others.begin()),
               std::make_move_iterator(others.end()));
  std::ranges::sort(peers, {}, &bgp::control::PeerSettings::name);
  sort_unique(routes);
  std::ranges::sort(wanted.problems);
  wanted.aggregates = aggregates_of(routes, ranges.own);
  return wanted;
}

std::set<ObjectName> secrets(const Options& options, const Snapshot& cluster,
                             const Objects& objects) {
  std::set<ObjectName> names;
  const auto self = cluster.nodes.find(options.node);
  if (self == cluster.nodes.end()) return names;
  if (options.full_mesh && options.mesh_password) names.insert(options.mesh_password->secret);
  for (const auto& [name, peer] : objects.peers)
    if (peer.password && peer.nodes.matches(self->second.labels))
      names.insert(peer.password->secret);
  return names;
}

}  // namespace fairlead::announce
