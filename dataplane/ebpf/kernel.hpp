// The maps of one generation, and the order in which they are written.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/config.h"
#include "bpf/abi/flows.h"
#include "bpf/abi/frontends.h"
#include "bpf/abi/pods.h"
#include "bpf/abi/sockets.h"
#include "dataplane/kernel/bpf_map.hpp"
#include "model/result.hpp"

namespace fairlead::ebpf {

/// What the agent reads and writes.
struct Maps {
  BpfMap<fl_frontend_key, fl_frontend_word> frontends;
  BpfMap<fl_member_key, __u8> members;
  BpfMap<fl_range_key, __u8> source_ranges;
  BpfMap<__u32, fl_interface> interfaces;
  BpfMap<fl_foreign_key, __u8> foreign_flows;
  BpfMap<fl_address, fl_pod> pods;
  BpfMap<fl_pod_network, __u8> pod_networks;
  BpfMap<__u32, fl_tunnel> tunnel;
  BpfMap<fl_tunnel_node, __be32> tunnel_nodes;
  BpfMapping records_memory, filter_memory, node_ports_memory, config_memory, flows4_memory,
      flows6_memory;

  [[nodiscard]] std::span<fl_record> records() const {
    return records_memory.elements<fl_record>();
  }
  [[nodiscard]] std::span<std::uint64_t> filter() const {
    return filter_memory.elements<std::uint64_t>();
  }
  [[nodiscard]] fl_config& config() const { return config_memory.elements<fl_config>().front(); }
  [[nodiscard]] __u8& node_port(std::uint16_t port) const {
    return reinterpret_cast<__u8&>(
        node_ports_memory.bytes()[std::size_t{port} * BpfMapping::kStride]);
  }

  /// `fd_of` a map by its name, borrowed.
  static Result<Maps> open(const std::function<int(const std::string& map)>& fd_of);
};

/// What is to be written, of all maps of Services.
struct Writes {
  using Frontend = std::pair<fl_frontend_key, fl_frontend_word>;
  std::vector<Frontend> put_frontends;
  std::vector<Frontend> put_addresses;  // the entries of addresses
  std::vector<fl_frontend_key> erase_frontends, erase_addresses;
  std::vector<fl_member_key> put_members, erase_members;
  std::vector<fl_range_key> put_ranges, erase_ranges;
  std::vector<std::uint32_t> set_filter, clear_filter;  // numbers of bits
  /// Port (host byte order), new bits.
  std::vector<std::pair<std::uint16_t, __u8>> open_ports, close_ports;

  [[nodiscard]] std::size_t added() const;
  [[nodiscard]] std::size_t removed() const;
};

/// Blocks are complete already. What a frontend refers to is there before it, and goes after it; an
/// address is of interest once its frontends are there.
Result<> write(Maps& maps, const Writes& writes);

/// Bit of an address in a filter of `words`.
std::uint32_t filter_bit(const fl_address& address, std::size_t words);
/// Bit of a protocol in map node_ports.
__u8 node_port_bit(__u8 protocol);

/// Returns when no program that runs now runs any more.
void wait_for_programs();

}  // namespace fairlead::ebpf
