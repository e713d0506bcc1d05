// build/<preset>/bin/bench/results: the commands on results alone, without a bench.
#include <CLI/CLI.hpp>

#include "bench/results/command.hpp"

int main(int argc, char** argv) {
  CLI::App app("Show, draw and compare the results of a bench");
  app.require_subcommand(1);
  int exit_code = 0;
  fairlead::bench::add_results_commands(app, exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
