// The addresses of this node's interfaces, as the kernel has them.
#pragma once

#include <vector>

#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead {

/// All of the calling thread's network namespace, loopback too. Sorted, no duplicates.
Result<std::vector<Ip>> read_local_addresses();

}  // namespace fairlead
