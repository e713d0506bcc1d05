// `fairlead bench`: what Services cost on this node, with every datapath that it can have and with
// what kube-proxy would program, in network namespaces of its own.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace fairlead::bench {

struct BuildInfo {
  std::string version, commit;
};
void add_bench_command(CLI::App& app, const BuildInfo& build, int& exit_code);

}  // namespace fairlead::bench
