// The one table of the agent's options: it drives both kinds of configuration file, the command
// line, --help, the effective configuration that is printed, and docs/agent-options.md.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.hpp"

namespace fairlead {

/// What is wrong with one value. `index` says which of several; 0 for a single one.
struct ValueError {
  std::size_t index = 0;
  std::string message;
};

enum class Shape : std::uint8_t { kText, kBool, kNumber, kDuration, kList };

/// What becomes of an option. kIgnored: kube-proxy's, without a meaning here; a warning names it.
/// kRefused: kube-proxy's, and whoever sets it expects something that does not happen here.
enum class Support : std::uint8_t { kFull, kIgnored, kRefused };

struct Option {
  std::string_view
      field;  // in AgentConfiguration, a dot between levels; "": kube-proxy's name only
  std::string_view kube_proxy;  // in KubeProxyConfiguration; "": none
  std::string_view flag;        // on the command line, without --; "": none
  Shape shape = Shape::kText;
  std::string_view help;
  Support support = Support::kFull;
  /// A list has any number of values, all else exactly one. nullptr unless kFull.
  tl::expected<void, ValueError> (*set)(AgentConfig&, std::span<const std::string>) = nullptr;
  /// nullptr where `field` is "". Empty for an option that is not set.
  std::vector<std::string> (*get)(const AgentConfig&) = nullptr;
};

/// In the order in which they are documented.
std::span<const Option> options();

/// "a, b" -> {"a", "b"}; "" -> {}. How a list is written as a flag, and by kube-proxy's
/// clusterCIDR.
std::vector<std::string> split_list(std::string_view text);

/// The table as Markdown: docs/agent-options.md.
std::string options_markdown();

}  // namespace fairlead
