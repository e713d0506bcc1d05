// `load server` and `load client`: the load generator by hand.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

#include "bench/load/load.hpp"

namespace fairlead::bench {

/// Adds the subcommand `load`. `exit_code` becomes 1 where an argument is wrong or the load fails.
void add_load_command(CLI::App& parent, int& exit_code);

/// Adds what `load` has: `server` and `client`.
void add_server_and_client(CLI::App& load, int& exit_code);

/// "10.0.0.1:80" or "[fd00::1]:80".
Result<ServerAddress> parse_server_address(const std::string& text);

/// For people: a line a figure.
std::string to_table(const LoadResult& result, const LoadOptions& options);

}  // namespace fairlead::bench
