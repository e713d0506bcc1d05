// The packet generator: pktgen [EAL OPTIONS] -- offer|sink|search OPTIONS. README.md is its page.
//
// arguments -> the EAL's, before `--`, and ours -> the EAL is started -> the command runs.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/pktgen/dpdk/commands.hpp"

namespace {

using namespace fairlead::bench::pktgen;

// A signal's handler reaches nothing else.
Stop stop = false;

struct CommandLine {
  std::vector<std::string> eal, ours;
  std::string all;
};

CommandLine split(int argc, char** argv) {
  CommandLine line{{argv[0]}, {}, argv[0]};
  bool is_ours = false, has_separator = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    line.all += " " + argument;
    if (!has_separator && argument == "--") {
      is_ours = has_separator = true;
      continue;
    }
    (is_ours ? line.ours : line.eal).push_back(argument);
  }
  // `pktgen --help` means ours.
  if (!has_separator) {
    line.ours.assign(line.eal.begin() + 1, line.eal.end());
    line.eal.resize(1);
  }
  return line;
}

int fail(const fairlead::Error& error) {
  fmt::print(stderr, "pktgen: {}\n", error.doing);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const CommandLine line = split(argc, argv);
  const Parsed parsed = parse_options(line.ours);
  if (!parsed.options) return parsed.status;
  const auto eal = Eal::start(line.eal);
  if (!eal) return fail(eal.error());
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { stop = true; });
  const auto done = run_command(*parsed.options, line.all, stop);
  return done ? 0 : fail(done.error());
}
