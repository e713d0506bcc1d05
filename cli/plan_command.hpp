// fairlead plan: what would the agent of one node do with these objects? Touches neither kernel nor
// network.
#pragma once

#include <CLI/App.hpp>
#include <iosfwd>

namespace fairlead::cli {

struct PlanStreams {
  std::istream& in;
  std::ostream& out;  // the plan
  std::ostream& err;  // problems, and why it failed
};
PlanStreams standard_streams();

/// Adds the subcommand. `exit_code` becomes 1 where a file cannot be read or parsed, or a flag's
/// value makes no sense.
void add_plan_command(CLI::App& app, int& exit_code, PlanStreams streams = standard_streams());

}  // namespace fairlead::cli
