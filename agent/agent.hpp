// The daemon of one node, put together.
#pragma once

#include "agent/config.hpp"
#include "agent/metrics.hpp"
#include "log/log.hpp"

namespace fairlead {

/// Runs until SIGTERM or SIGINT. An error means that it could not start; once it runs, it does not
/// end on errors.
Result<> run_agent(const AgentConfig& config, const BuildInfo& build, const log::Logger& log);

/// Removes everything of ours from the kernel. Fails while an agent runs on the same runtime
/// directory.
Result<> clean_up_node(const AgentConfig& config, const log::Logger& log);

}  // namespace fairlead
