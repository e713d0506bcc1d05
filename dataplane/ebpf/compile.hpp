// Plan -> tables. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/config.h"
#include "dataplane/ebpf/tables.hpp"
#include "model/plan.hpp"

namespace fairlead::ebpf {

fl_address address_of(const Ip& ip);
Ip ip_of(const fl_address& address);
__be16 port_of(Port port);
Port port_of(__be16 port);
/// `length` of the family's own address.
fl_prefix prefix_of(const Cidr& cidr);

/// Identity of a Service port: FNV-1a, 64 bits, of its namespace, name, port, protocol and family,
/// mixed. The same on every node and for ever; never 0. It protects against nobody who chooses
/// names to collide: two live names with one id are found, and the second is refused.
std::uint64_t service_id(const ServicePortName& name);

/// All but the block.
PortTables compile(const ServicePlan& plan);

/// How many places of a Maglev table a backend has; 0: no tables.
inline constexpr std::uint32_t kMaglevSlots = 100;

/// At most 65,521 backends a group: the rest is left out.
Block compile_block(const ServicePlan& plan, std::uint32_t slots_each);

/// The block that begins at `records[index]`, as far as it lies in them; empty if it is none.
std::span<const fl_record> block_at(std::span<const fl_record> records, std::uint32_t index);
/// Equal but for fl_header.next.
bool same_block(std::span<const fl_record> a, std::span<const fl_record> b);
/// All backends of both groups, some twice.
std::vector<fl_backend> backends_in(std::span<const fl_record> block);

/// The word of a frontend's row, published with this block.
fl_frontend_word word_of(const FrontendRow& row, std::uint32_t block);
/// The entry of an address: `bits` are enum fl_address_bits.
fl_frontend_key address_key(const fl_address& address);
fl_frontend_word address_word(const fl_frontend_key& key, std::uint32_t bits);
inline bool is_address_key(const fl_frontend_key& key) {
  return key.port == 0 && key.protocol == 0;
}
/// The frontend is found by its port alone, on the node's addresses.
bool is_by_port(const fl_frontend_key& key);

}  // namespace fairlead::ebpf
