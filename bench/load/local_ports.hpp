// Whether this host's local ports become scarce, which connect() says only when there is none left.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/result.hpp"

namespace fairlead::bench {

/// Error: so many ports of this network namespace rest in TIME_WAIT that connect() takes longer
/// for it.
Result<> check_local_ports();

/// Of /proc/net/sockstat: how many connections are in TIME_WAIT.
Result<std::uint64_t> parse_time_wait(std::string_view sockstat);

}  // namespace fairlead::bench
