// Changes of some Services, gathered before anything is written.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "dataplane/ebpf/services.hpp"

namespace fairlead::ebpf {

/// A Service that has no place; `want` is the caller's.
struct Refused {
  ObjectName name;
  const ServicePlans* want = nullptr;
  Error error;
};

struct Services::Batch {
  struct Wanted {
    std::optional<fl_frontend_word> word;  // nullopt: gone
    std::uint64_t owner = 0;
  };
  struct AddressDelta {
    std::int64_t frontends = 0, cluster_ips = 0;
    std::optional<bool> is_node;
  };

  bool is_resync = false;
  std::vector<std::pair<ObjectName, std::vector<PlacedPort>>> services;
  std::vector<Refused> refused;

  TableOf<fl_frontend_key, Wanted> frontends;
  TableOf<fl_member_key, bool> members;
  TableOf<fl_range_key, bool> ranges;
  TableOf<fl_address, AddressDelta> addresses;
  std::unordered_map<std::uint32_t, std::int32_t> ports;  // port << 8 | bit: how many more

  std::vector<std::pair<std::uint32_t, std::uint32_t>> new_blocks;  // index, records
  /// Of the kernel's frontends, and nobody's yet.
  std::unordered_map<std::uint32_t, std::uint32_t> found_blocks;
  /// What found_blocks had in it of UDP.
  std::vector<fl_dead_key> found_backends;

  // To see in time that a map gets full.
  std::unordered_set<fl_frontend_key, HashOfBytes<fl_frontend_key>, EqualBytes<fl_frontend_key>>
      counted;  // new ones
  std::uint64_t new_members = 0, new_ranges = 0;
  std::unordered_map<std::uint64_t, ServicePortName> ids;
};

/// The backends of both groups, each once; none unless the block is a UDP Service's.
std::vector<fl_dead_key> udp_backends(std::span<const fl_record> block);

}  // namespace fairlead::ebpf
