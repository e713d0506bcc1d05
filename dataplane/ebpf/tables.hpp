// What a Service port is in the maps: everything in them that is its own follows from this.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <vector>

#include "bpf/abi/frontends.h"
#include "model/plan.hpp"

namespace fairlead::ebpf {

/// Plain structures of the contract, ordered and equal by their bytes.
template <class T>
struct ByBytes {
  bool operator()(const T& a, const T& b) const { return std::memcmp(&a, &b, sizeof(T)) < 0; }
};
template <class T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}
/// For unordered containers of them.
template <class T>
struct HashOfBytes {
  std::size_t operator()(const T& key) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof(T)});
  }
};
template <class T>
struct EqualBytes {
  bool operator()(const T& a, const T& b) const { return same_bytes(a, b); }
};

/// Header, groups, backends, Maglev tables: fl_header.next is 0.
using Block = std::vector<fl_record>;

struct FrontendRow {
  fl_frontend_key key{};
  std::uint32_t low = 0;  // of the word: tag, bits, verdicts
  bool is_cluster_ip = false;
};

/// All but the block, of which the kernel's own memory has the only copy.
struct PortTables {
  ServicePortName name;
  std::uint64_t service = 0;           // identity: fl_header.service
  std::vector<FrontendRow> rows;       // sorted by key, no key twice
  std::vector<fl_member_key> members;  // sorted; empty without affinity
  std::vector<fl_range_key> ranges;    // sorted
  std::vector<Ip> serving;             // see ServicePlan; sorted
};

}  // namespace fairlead::ebpf
