// The executable: one subcommand per folder that has one.
#include <CLI/CLI.hpp>

#include "cli/plan_command.hpp"
#include "controlplane/controlplane.hpp"

int main(int argc, char** argv) {
  CLI::App app("Fairlead: Services and pod networking for one node");
  app.require_subcommand(1);
  int exit_code = 0;
  fairlead::cli::add_plan_command(app, exit_code);
  fairlead::controlplane::add_command(app, exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
