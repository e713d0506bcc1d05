// The subcommands that ask a running agent, and `fairlead version`.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <vector>

namespace fairlead::cli {

/// status, drops, services and explain.
void add_admin_commands(CLI::App& app, int& exit_code);

struct VersionInfo {
  std::string version;
  std::string commit;
  std::vector<std::string> datapaths;
  struct Feature {
    std::string name;
    bool available = false;
    std::string detail;
  };
  /// Called only when it is shown: it tries things out.
  std::function<std::vector<Feature>()> probe_features;
};
void add_version_command(CLI::App& app, VersionInfo info, int& exit_code);

}  // namespace fairlead::cli
