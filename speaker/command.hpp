// `fairlead bgp-speaker`, which the agent starts.
#pragma once

namespace CLI {
class App;
}

namespace fairlead::speaker {

void add_command(CLI::App& app, int& exit_code);

}  // namespace fairlead::speaker
