// The executable: one subcommand per folder that has one.
#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "agent/command.hpp"
#include "agent/datapaths.hpp"
#include "agent/features.hpp"
#include "bench/command/command.hpp"
#include "cli/bgp_command.hpp"
#include "cli/commands.hpp"
#include "cli/plan_command.hpp"
#include "controlplane/controlplane.hpp"
#include "fairlead/build_info.hpp"
#include "speaker/command.hpp"

namespace fairlead {
namespace {

cli::VersionInfo version_info() {
  cli::VersionInfo info{
      .version = kVersion, .commit = kCommit, .datapaths = {}, .probe_features = {}};
  for (const std::string_view name : datapath_names()) info.datapaths.emplace_back(name);
  info.probe_features = [] {
    std::vector<cli::VersionInfo::Feature> features;
    for (Feature& feature : probe_features()) {
      features.push_back({std::move(feature.name), feature.available, std::move(feature.detail)});
    }
    return features;
  };
  return info;
}

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  CLI::App app("Fairlead: Services and pod networking for one node");
  app.require_subcommand(1);
  int exit_code = 0;
  fairlead::cli::add_plan_command(app, exit_code);
  fairlead::add_agent_command(app, {.version = fairlead::kVersion, .commit = fairlead::kCommit},
                              exit_code);
  fairlead::cli::add_admin_commands(app, exit_code);
  fairlead::cli::add_bgp_command(app, exit_code);
  fairlead::cli::add_version_command(app, fairlead::version_info(), exit_code);
  fairlead::controlplane::add_command(app, exit_code);
  fairlead::speaker::add_command(app, exit_code);
  fairlead::bench::add_bench_command(
      app, {.version = fairlead::kVersion, .commit = fairlead::kCommit}, exit_code);
  // People write `fairlead explain A -> B:80`; to the parser a lone arrow is an option of that
  // name.
  std::vector<char*> arguments(argv, argv + argc);
  std::erase_if(arguments, [](std::string_view word) { return word == "->"; });
  CLI11_PARSE(app, static_cast<int>(arguments.size()), arguments.data());
  return exit_code;
}
