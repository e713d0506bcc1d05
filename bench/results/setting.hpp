// The machine that figures are from.
#pragma once

#include <string>

#include "bench/results/results.hpp"

namespace fairlead::bench {

/// All of Setting but commit and version.
Setting read_setting();

}  // namespace fairlead::bench
