// The executable: one subcommand per folder that has one.
#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
  CLI::App app("Fairlead: Services and pod networking for one node");
  app.require_subcommand(1);
  CLI11_PARSE(app, argc, argv);
  return 0;
}
