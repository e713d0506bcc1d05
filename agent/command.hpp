// `fairlead agent` on the command line.
#pragma once

#include <CLI/App.hpp>

#include "agent/metrics.hpp"

namespace fairlead {

/// Adds the subcommand; it runs where it is called for, and leaves its exit code.
void add_agent_command(CLI::App& app, const BuildInfo& build, int& exit_code);

}  // namespace fairlead
