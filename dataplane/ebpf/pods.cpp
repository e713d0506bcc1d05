// LocalPod, Cidr -> pods, pod_networks -> epoch of the configuration.
#include "dataplane/ebpf/pods.hpp"

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

void PodNetwork::set(std::vector<LocalPod> pods, std::vector<Cidr> networks) {
  pods_ = std::move(pods);
  if (networks_ != networks) networks_written_ = false;
  networks_ = std::move(networks);
}

Result<std::size_t> PodNetwork::write(Maps& maps, std::span<const NetworkLink> links) {
  const auto pods = write_difference(maps.pods, pods_of(pods_, LinkIndices(links)));
  const auto networks = networks_written_
                            ? Result<std::size_t>(0)
                            : write_difference(maps.pod_networks, networks_of(networks_));
  networks_written_ = networks.has_value();
  // Counted even if only a part was written: no flow is to go on as it was judged before.
  const std::atomic_ref<__u16> epoch(maps.config().pods_epoch);
  const bool is_needed = !networks_.empty();
  const bool is_changed = !pods || !networks || *pods + *networks > 0;
  if (!is_needed)
    epoch.store(0);
  else if (is_changed || epoch.load() == 0)
    epoch.store(std::max<__u16>(1, static_cast<__u16>(epoch.load() + 1)));
  if (!pods) return prefix("pods of this node", pods.error());
  if (!networks) return prefix("networks of pods", networks.error());
  return *pods + *networks;
}

}  // namespace fairlead::ebpf
