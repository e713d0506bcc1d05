// The three things that the generator does, with their ports open.
#pragma once

#include "bench/pktgen/dpdk/engine.hpp"
#include "bench/pktgen/dpdk/options.hpp"

namespace fairlead::bench::pktgen {

/// `command_line` is for the results. Text goes to stdout.
Result<> run_command(const Options& options, const std::string& command_line, const Stop& stop);

}  // namespace fairlead::bench::pktgen
