// Sizes of the tables, and the object loaded with them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "bpf/abi/config.h"
#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/kernel/bpf_object.hpp"
#include "dataplane/kernel/bpf_probe.hpp"

namespace fairlead::ebpf {

/// Of maps, in elements. What begins a new generation when it changes.
struct Sizes {
  std::uint32_t flow4_buckets = 0, flow6_buckets = 0;  // powers of two
  std::uint32_t records = 0;
  std::uint32_t frontends = 0;
  std::uint32_t affinities = 0;
  std::uint32_t filter_words = 0;  // power of two
  std::uint32_t members = 0;
  std::uint32_t source_ranges = 0;
  bool operator==(const Sizes&) const = default;
};

/// Of map dead_backends: as many as are looked for at a time.
inline constexpr std::uint32_t kDeadBackends = 16 * 1024;

/// What `options` leave open follows from the node's memory.
Sizes sizes_of(const Options& options, std::uint64_t memory_bytes);
/// Of this machine, or of the cgroup limit of nobody: what the kernel itself can use.
std::uint64_t memory_of_node();

/// "abi3-5f3a…": maps of one name may be used by programs of another.
std::string generation_name(const Sizes& sizes);

fl_constants constants_of(const Sizes& sizes, const BpfFeatures& features);

/// Opens `map` if it exists: a file descriptor that the callee keeps, or -1.
using FindMap = std::function<int(const std::string& map)>;

/// Loads every program of the object that this kernel can run. Maps that `find_map` knows are
/// adopted, all others are new.
Result<BpfObject> load(const Sizes& sizes, const BpfFeatures& features, const FindMap& find_map);

}  // namespace fairlead::ebpf
