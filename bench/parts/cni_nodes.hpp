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
/// Ranges are for 60,000 pods.
std::vector<PluginWay> plugin_ways();

}  // namespace fairlead::bench
