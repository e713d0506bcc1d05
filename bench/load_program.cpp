// The load generator as a program of its own: `load server --port P`, `load client ADDRESS:PORT`.
#include <CLI/CLI.hpp>

#include "bench/load/command.hpp"

int main(int argc, char** argv) {
  CLI::App app("Load for the way between a client and a server");
  int exit_code = 0;
  fairlead::bench::add_server_and_client(app, exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
