// Nodes whose pods are connected by one CNI plugin each: containernetworking's, ours with its
// agent, and the least that could be done.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/parts/part.hpp"
#include "bench/world/namespace.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// A network namespace of its own, and what a runtime needs to call the plugin in it.
class PluginNode {
 public:
  virtual ~PluginNode() = default;
  [[nodiscard]] virtual const std::string& way() const = 0;
  [[nodiscard]] virtual const Namespace& node() const = 0;
  /// The executable and its arguments.
  [[nodiscard]] virtual const std::vector<std::string>& words() const = 0;
  [[nodiscard]] virtual const std::string& config() const = 0;
};

struct PluginWay {
  std::string name;
  std::function<Result<std::unique_ptr<PluginNode>>(const BenchOptions&)> make;
};
struct NodeOfCluster {
  std::string name, address, pods;  // pods: its CIDR, within 10.200.0.0/16
};
/// Fairlead's agent on `node`, one of `nodes`, with a control plane of its own that knows them all.
struct OwnNode {
  std::string way, datapath, name;
  std::string directory;  // of its files, below the scratch directory, and of its pins
  std::string mode;       // podNetwork.mode
  std::string more = {};  // further lines of podNetwork, in YAML
  std::vector<NodeOfCluster> nodes;
};
Result<std::unique_ptr<PluginNode>> make_own_node(const BenchOptions& options, Namespace node,
                                                  const OwnNode& own);

/// Ranges are for 60,000 pods.
std::vector<PluginWay> plugin_ways();

}  // namespace fairlead::bench
