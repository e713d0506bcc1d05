// The two ends of what is measured (bench/load) as children of their own.
#pragma once

#include "bench/load/load.hpp"
#include "bench/world/child.hpp"

namespace fairlead::bench {

/// Answers at `port` of every IPv4 address there; ready when this returns.
Result<Child> start_server(const ChildSetting& setting, Port port);
/// Its output() is a LoadResult as JSON.
Result<Child> start_load(const ChildSetting& setting, LoadOptions load);

}  // namespace fairlead::bench
