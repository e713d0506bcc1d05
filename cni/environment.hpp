// The environment that a runtime gives a plugin.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cni/failure.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::cni {

/// CNI_COMMAND and so on, as given; empty: missing, as for the Go plugins.
struct Environment {
  std::string command = {};
  std::string container = {};
  std::string netns = {};
  std::string interface = {};
  std::string args = {};
  std::string path = {};
  bool operator==(const Environment&) const = default;
};

/// The variable of each member, in the order of the members.
struct Variable {
  const char* name;
  std::string Environment::*value;
};
inline constexpr Variable kVariables[] = {
    {"CNI_COMMAND", &Environment::command}, {"CNI_CONTAINERID", &Environment::container},
    {"CNI_NETNS", &Environment::netns},     {"CNI_IFNAME", &Environment::interface},
    {"CNI_ARGS", &Environment::args},       {"CNI_PATH", &Environment::path},
};

Outcome<Command> parse_command(const Environment& environment);
/// All that `command` needs is there, and is what it should be. Names all that is missing.
Outcome<> check_variables(const Environment& environment, Command command);

/// CNI_ARGS: what Kubernetes' runtimes and libcni's users say.
struct Args {
  podnet::PodIdentity pod;
  std::string ips, mac;  // "" where not said; ips: separated by commas
};
/// "KEY=VALUE;…" in any order. A key that is not ours is an error unless IgnoreUnknown is true, as
/// for the Go plugins.
Outcome<Args> parse_args(std::string_view text);

}  // namespace fairlead::cni
