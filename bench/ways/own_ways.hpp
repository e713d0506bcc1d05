// The ways that need no tool: none at all, and our datapaths.
#pragma once

#include <memory>
#include <string>

#include "bench/ways/way.hpp"

namespace fairlead::bench {

/// Programs nothing.
std::unique_ptr<Way> make_direct_way(std::string name);
/// With the defaults that an agent has, but for pins and cgroup, which are the place's.
std::unique_ptr<Way> make_ebpf_way(const Place& place, Report report);
std::unique_ptr<Way> make_nftables_way(Report report);

}  // namespace fairlead::bench
