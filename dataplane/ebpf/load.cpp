// Options, memory -> Sizes -> max_entries and constants -> verifier.
#include "dataplane/ebpf/load.hpp"

#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "bpf/abi/counters.h"
#include "bpf/object.hpp"

namespace fairlead::ebpf {
namespace {

constexpr std::uint32_t kKi = 1024;
constexpr std::uint64_t kGi = std::uint64_t{1} << 30;
constexpr std::uint32_t kMaxBuckets = 1U << 26;

struct MapSize {
  const char* map;
  std::uint32_t entries;
};

/// Rounded up to a power of two. A flow has two entries and a bucket two places, so there are as
/// many buckets as flows.
std::uint32_t buckets_for(std::uint32_t flows) {
  return std::bit_ceil(std::clamp(flows, 64U, kMaxBuckets));
}

/// `most` on nodes of 8 GiB and more, less in proportion on smaller ones, in powers of two.
std::uint32_t by_memory(std::uint32_t most, std::uint64_t memory_bytes) {
  std::uint32_t size = most;
  for (std::uint64_t memory = 8 * kGi; memory > memory_bytes && size > most / 16; memory /= 2)
    size /= 2;
  return size;
}

std::uint64_t fnv1a(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::byte byte : bytes)
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace

Sizes sizes_of(const Options& options, std::uint64_t memory_bytes) {
  const auto or_default = [](std::uint32_t wanted, std::uint32_t otherwise) {
    return wanted != 0 ? wanted : otherwise;
  };
  Sizes sizes;
  sizes.flow4_buckets =
      buckets_for(or_default(options.flows_v4, by_memory(512 * kKi, memory_bytes)));
  sizes.flow6_buckets =
      buckets_for(or_default(options.flows_v6, by_memory(128 * kKi, memory_bytes)));
  sizes.records =
      std::max(1 * kKi, or_default(options.records, by_memory(1024 * kKi, memory_bytes)));
  sizes.frontends =
      std::max(64U, or_default(options.frontends, by_memory(256 * kKi, memory_bytes)));
  sizes.affinities =
      std::max(64U, or_default(options.affinities, by_memory(64 * kKi, memory_bytes)));
  // 16 bits a frontend: one packet in sixteen of others asks in vain when the table is full.
  sizes.filter_words = std::bit_ceil(std::max(64U, sizes.frontends / 4));
  sizes.members = sizes.frontends;
  sizes.source_ranges = std::max(1 * kKi, sizes.frontends / 4);
  return sizes;
}

std::uint64_t memory_of_node() {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return 0;
  return std::uint64_t{info.totalram} * info.mem_unit;
}

std::string generation_name(const Sizes& sizes) {
  return fmt::format("abi{}-{:016x}", FL_ABI, fnv1a(std::as_bytes(std::span(&sizes, 1))));
}

fl_constants constants_of(const Sizes& sizes, const BpfFeatures& features) {
  fl_constants constants{};
  constants.flow4_buckets = sizes.flow4_buckets;
  constants.flow6_buckets = sizes.flow6_buckets;
  constants.record_count = sizes.records;
  constants.filter_words = sizes.filter_words;
  constants.has_set_retval = features.set_retval ? 1 : 0;
  constants.has_ct_lookup = features.ct_lookup ? 1 : 0;
  constants.jiffy_ns = features.jiffy_ns;
  constants.first_jiffy = features.first_jiffy;
  return constants;
}

Result<BpfObject> load(const Sizes& sizes, const BpfFeatures& features, const FindMap& find_map) {
  TRY(auto object, BpfObject::open(bpf_object(), "fairlead"));
  const MapSize map_sizes[] = {
      {"config", 1},
      {"interfaces", 16 * kKi},
      {"address_filter", sizes.filter_words},
      {"frontends", sizes.frontends},
      {"node_ports", 64 * kKi},
      {"members", sizes.members},
      {"source_ranges", sizes.source_ranges},
      {"foreign_flows", 64 * kKi},
      {"dead_backends", kDeadBackends},
      {"records", sizes.records},
      {"flows4", sizes.flow4_buckets},
      {"flows6", sizes.flow6_buckets},
      {"affinity", sizes.affinities},
      {"fragments", 8 * kKi},
      {"pods", 16 * kKi},
      {"pod_networks", 16 * kKi},
      {"tunnel", 1},
      {"tunnel_nodes", 16 * kKi},
      {"counters", FL_COUNT_MAX},
      {"drops", 256 * kKi},
  };
  for (const auto& [map, entries] : map_sizes) TRY_VOID(object.set_max_entries(map, entries));
  const fl_constants constants = constants_of(sizes, features);
  TRY_VOID(object.set_constants(std::as_bytes(std::span(&constants, 1))));
  for (const std::string& map : object.map_names())
    if (const int fd = find_map(map); fd >= 0) TRY_VOID(object.adopt_map(map, fd));
  TRY_VOID(object.load());
  return object;
}

}  // namespace fairlead::ebpf
