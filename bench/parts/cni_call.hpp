// One call of a CNI plugin, as a runtime makes it.
#pragma once

#include <string>

#include "bench/parts/cni_nodes.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

struct PluginCall {
  const PluginNode& plugin;
  const char* verb;       // "ADD", "DEL"
  std::string container;  // its id
  std::string pod;        // path of its network namespace
};

struct PluginAnswer {
  double milliseconds = 0;  // from the start of the process to its end
  std::string said;         // at most 4 KiB
};

/// In the calling thread's network namespace, which is to be the node's. Errors have the plugin's
/// words.
Result<PluginAnswer> call_plugin(const PluginCall& call);

}  // namespace fairlead::bench
