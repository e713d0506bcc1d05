// LocalPod, Cidr -> pods, pod_networks -> epoch of the configuration.
#include "dataplane/ebpf/pods.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <atomic>
#include <string_view>
#include <unordered_map>

#include "dataplane/ebpf/services.hpp"

namespace fairlead::ebpf {
namespace {

class LinkIndices {
 public:
  explicit LinkIndices(std::span<const NetworkLink> links) {
    for (const NetworkLink& link : links)
      known_.emplace(link.name, static_cast<std::uint32_t>(link.index));
  }
  /// 0: there is none.
  [[nodiscard]] std::uint32_t find(const std::string& name) const {
    const auto found = known_.find(name);
    return found == known_.end() ? ::if_nametoindex(name.c_str()) : found->second;
  }

 private:
  std::unordered_map<std::string_view, std::uint32_t> known_;
};

TableOf<fl_address, fl_pod> pods_of(std::span<const LocalPod> pods, const LinkIndices& links) {
  TableOf<fl_address, fl_pod> wanted;
  for (const LocalPod& pod : pods) {
    const std::uint32_t interface = links.find(pod.link);
    if (interface == 0) continue;
    for (const Ip& ip : pod.ips)
      wanted[address_of(ip)] = {
          .interface = interface,
          .flags = pod.is_shaped ? static_cast<__u32>(FL_POD_SHAPED) : 0,
      };
  }
  return wanted;
}

TableOf<fl_pod_network, __u8> networks_of(std::span<const Cidr> networks) {
  constexpr __u32 kV4Prefix = 96;
  TableOf<fl_pod_network, __u8> wanted;
  for (const Cidr& cidr : networks)
    wanted[{.prefix_length = (cidr.base.is_v4() ? kV4Prefix : 0) + cidr.length,
            .address = address_of(cidr.base)}] = 1;
  return wanted;
}

__be32 v4_bytes(const Ip& ip) { return address_of(ip).word[3]; }

const std::vector<std::pair<Tunnel::Mac, Ip>> kNoNodes;

TableOf<fl_tunnel_node, __be32> tunnel_nodes_of(const std::optional<Tunnel>& tunnel) {
  TableOf<fl_tunnel_node, __be32> wanted;
  for (const auto& [mac, ip] : tunnel ? tunnel->nodes : kNoNodes) {
    if (!ip.is_v4()) continue;
    fl_tunnel_node key{};
    std::ranges::copy(mac, key.mac);
    wanted[key] = v4_bytes(ip);
  }
  return wanted;
}

/// All zero where the device has to do its work itself.
fl_tunnel tunnel_of(const std::optional<Tunnel>& tunnel, const LinkIndices& links) {
  fl_tunnel wanted{};
  if (!tunnel || !tunnel->local.is_v4() || tunnel->underlay <= 0) return wanted;
  wanted.interface = links.find(tunnel->device);
  wanted.underlay = static_cast<__u32>(tunnel->underlay);
  wanted.local = v4_bytes(tunnel->local);
  wanted.vni = htonl(tunnel->vni << 8);
  wanted.port = htons(tunnel->port.host);
  std::ranges::copy(tunnel->mac, wanted.mac);
  return wanted;
}

/// Returns how many elements were written.
Result<std::size_t> write_tunnel(BpfMap<__u32, fl_tunnel>& map, const fl_tunnel& wanted) {
  TRY(const auto have, map.read());
  if (!have.empty() && same_bytes(have.front().second, wanted)) return 0;
  TRY_VOID(map.update(0, wanted));
  return 1;
}

/// Returns how many elements were written or erased.
template <class Key, class Value>
Result<std::size_t> write_difference(BpfMap<Key, Value>& map, TableOf<Key, Value> wanted) {
  TRY(const auto have, map.read());
  std::vector<Key> gone;
  for (const auto& [key, value] : have) {
    const auto found = wanted.find(key);
    if (found == wanted.end())
      gone.push_back(key);
    else if (same_bytes(found->second, value))
      wanted.erase(found);
  }
  TRY_VOID(map.erase(gone));
  for (const auto& [key, value] : wanted) TRY_VOID(map.update(key, value));
  return gone.size() + wanted.size();
}

}  // namespace

void PodNetwork::set(ClusterPods pods) {
  const auto others = [&] {
    return pods.networks != pods_.networks || (pods.tunnel ? pods.tunnel->nodes : kNoNodes) !=
                                                  (pods_.tunnel ? pods_.tunnel->nodes : kNoNodes);
  };
  if (others()) networks_written_ = false;
  pods_ = std::move(pods);
}

Result<std::size_t> PodNetwork::write_networks(Maps& maps) {
  if (networks_written_) return 0;
  TRY(const std::size_t networks, write_difference(maps.pod_networks, networks_of(pods_.networks)));
  TRY(const std::size_t nodes, write_difference(maps.tunnel_nodes, tunnel_nodes_of(pods_.tunnel)));
  networks_written_ = true;
  return networks + nodes;
}

Result<std::size_t> PodNetwork::write(Maps& maps, std::span<const NetworkLink> links) {
  const LinkIndices indices(links);
  const auto networks = write_networks(maps);
  const auto tunnel = write_tunnel(maps.tunnel, tunnel_of(pods_.tunnel, indices));
  const auto pods = write_difference(maps.pods, pods_of(pods_.local, indices));
  // Counted even if only a part was written: no flow is to go on as it was judged before.
  const std::atomic_ref<__u16> epoch(maps.config().pods_epoch);
  const bool is_needed = !pods_.networks.empty();
  const bool is_changed = !pods || !networks || !tunnel || *pods + *networks + *tunnel > 0;
  if (!is_needed)
    epoch.store(0);
  else if (is_changed || epoch.load() == 0)
    epoch.store(std::max<__u16>(1, static_cast<__u16>(epoch.load() + 1)));
  if (!pods) return prefix("pods of this node", pods.error());
  if (!networks) return prefix("networks of pods", networks.error());
  if (!tunnel) return prefix("tunnel to other nodes", tunnel.error());
  return *pods + *networks + *tunnel;
}

}  // namespace fairlead::ebpf
