// Writes -> members, ranges | frontends, addresses, ports, filter | removals in reverse.
#include "dataplane/ebpf/kernel.hpp"

#include <linux/membarrier.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace fairlead::ebpf {
namespace {

Result<> put(BpfMap<fl_frontend_key, fl_frontend_word>& map,
             const std::vector<Writes::Frontend>& elements) {
  std::vector<fl_frontend_key> keys;
  std::vector<fl_frontend_word> words;
  keys.reserve(elements.size());
  words.reserve(elements.size());
  for (const auto& [key, word] : elements) {
    keys.push_back(key);
    words.push_back(word);
  }
  return map.update(keys, words);
}

template <class Key>
Result<> put(BpfMap<Key, __u8>& map, const std::vector<Key>& keys) {
  const std::vector<__u8> ones(keys.size(), 1);
  return map.update(keys, ones);
}

void set_filter_bit(const Maps& maps, std::uint32_t bit, bool on) {
  const std::atomic_ref<std::uint64_t> word(maps.filter()[bit / 64]);
  const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
  if (on)
    word.fetch_or(mask);
  else
    word.fetch_and(~mask);
}

void set_node_port(const Maps& maps, const std::pair<std::uint16_t, __u8>& change) {
  std::atomic_ref<__u8>(maps.node_port(change.first)).store(change.second);
}

}  // namespace

Result<Maps> Maps::open(const std::function<int(const std::string& map)>& fd_of) {
  const auto handle = [&](const char* map) { return BpfMapHandle::duplicate(fd_of(map), map); };
  const auto mapping = [&](const char* map, std::size_t element_bytes) -> Result<BpfMapping> {
    TRY(const BpfMapHandle of, handle(map));
    return BpfMapping::map(of, element_bytes);
  };
  Maps maps;
  TRY(maps.frontends, handle("frontends").map([](BpfMapHandle&& of) {
    return BpfMap<fl_frontend_key, fl_frontend_word>(std::move(of));
  }));
  TRY(maps.members, handle("members").map([](BpfMapHandle&& of) {
    return BpfMap<fl_member_key, __u8>(std::move(of));
  }));
  TRY(maps.source_ranges, handle("source_ranges").map([](BpfMapHandle&& of) {
    return BpfMap<fl_range_key, __u8>(std::move(of));
  }));
  TRY(maps.interfaces, handle("interfaces").map([](BpfMapHandle&& of) {
    return BpfMap<__u32, fl_interface>(std::move(of));
  }));
  TRY(maps.foreign_flows, handle("foreign_flows").map([](BpfMapHandle&& of) {
    return BpfMap<fl_foreign_key, __u8>(std::move(of));
  }));
  TRY(maps.pods, handle("pods").map(
                     [](BpfMapHandle&& of) { return BpfMap<fl_address, fl_pod>(std::move(of)); }));
  TRY(maps.pod_networks, handle("pod_networks").map([](BpfMapHandle&& of) {
    return BpfMap<fl_pod_network, __u8>(std::move(of));
  }));
  TRY(maps.tunnel, handle("tunnel").map(
                       [](BpfMapHandle&& of) { return BpfMap<__u32, fl_tunnel>(std::move(of)); }));
  TRY(maps.tunnel_nodes, handle("tunnel_nodes").map([](BpfMapHandle&& of) {
    return BpfMap<fl_tunnel_node, __be32>(std::move(of));
  }));
  TRY(maps.records_memory, mapping("records", sizeof(fl_record)));
  TRY(maps.filter_memory, mapping("address_filter", sizeof(std::uint64_t)));
  TRY(maps.node_ports_memory, mapping("node_ports", sizeof(__u8)));
  TRY(maps.config_memory, mapping("config", sizeof(fl_config)));
  TRY(maps.flows4_memory, mapping("flows4", sizeof(fl_bucket4)));
  TRY(maps.flows6_memory, mapping("flows6", sizeof(fl_bucket6)));
  return maps;
}

std::size_t Writes::added() const {
  return put_frontends.size() + put_addresses.size() + put_members.size() + put_ranges.size() +
         open_ports.size();
}

std::size_t Writes::removed() const {
  return erase_frontends.size() + erase_addresses.size() + erase_members.size() +
         erase_ranges.size() + close_ports.size();
}

Result<> write(Maps& maps, const Writes& writes) {
  std::atomic_thread_fence(std::memory_order_release);  // the blocks
  TRY_VOID(put(maps.members, writes.put_members));
  TRY_VOID(put(maps.source_ranges, writes.put_ranges));
  TRY_VOID(put(maps.frontends, writes.put_frontends));
  TRY_VOID(put(maps.frontends, writes.put_addresses));
  for (const auto& port : writes.open_ports) set_node_port(maps, port);
  for (const std::uint32_t bit : writes.set_filter) set_filter_bit(maps, bit, true);

  for (const auto& port : writes.close_ports) set_node_port(maps, port);
  TRY_VOID(maps.frontends.erase(writes.erase_frontends));
  TRY_VOID(maps.frontends.erase(writes.erase_addresses));
  for (const std::uint32_t bit : writes.clear_filter) set_filter_bit(maps, bit, false);
  TRY_VOID(maps.source_ranges.erase(writes.erase_ranges));
  TRY_VOID(maps.members.erase(writes.erase_members));
  return {};
}

std::uint32_t filter_bit(const fl_address& address, std::size_t words) {
  const std::uint32_t hash = fl_address_hash(&address);
  return static_cast<std::uint32_t>((hash >> 6) & (words - 1)) * 64 + (hash & 63);
}

__u8 node_port_bit(__u8 protocol) {
  return protocol == IPPROTO_TCP   ? FL_NODE_PORT_TCP
         : protocol == IPPROTO_UDP ? FL_NODE_PORT_UDP
                                   : FL_NODE_PORT_SCTP;
}

void wait_for_programs() {
  // MEMBARRIER_CMD_GLOBAL is synchronize_rcu(), and programs run inside of RCU's read side. A
  // kernel without it (nohz_full) is given longer than any program takes.
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

}  // namespace fairlead::ebpf
