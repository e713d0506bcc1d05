// Kernel memory of what is pinned on a bpffs.
#pragma once

#include <cstdint>
#include <string>

#include "model/result.hpp"

namespace fairlead::bench {

/// Of all maps that are pinned below a directory, each counted once: what the kernel says as
/// `memlock` of their file descriptors.
Result<std::uint64_t> bytes_of_pinned_maps(const std::string& directory);

}  // namespace fairlead::bench
