// A configuration file and the command line -> AgentConfig. Every mistake names where it was made
// and the field.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config.hpp"
#include "model/result.hpp"

namespace fairlead {

/// A configuration in the making: options from several places, later ones outweigh earlier ones.
class ConfigBuilder {
 public:
  /// `text` is an AgentConfiguration or a KubeProxyConfiguration in YAML or JSON; `file` is what
  /// errors call it. Unknown and doubled fields are refused. "node.yaml:7:3: detectLocal.mode: …"
  Result<> read_file(std::string_view file, std::string_view text);

  /// A flag's value as it was written; a list has commas. `flag` without --.
  Result<> set_flag(std::string_view flag, const std::string& value);

  /// Checks what concerns several options at once, and fills in `default_node_name` where none was
  /// given.
  Result<AgentConfig> finish(const std::string& default_node_name) &&;

  /// What was set but has no effect, ready to be logged.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend class ConfigReader;
  AgentConfig config_;
  std::map<std::string, std::string, std::less<>>
      origins_;  // field -> "file:line:column" or "--flag", for finish()
  std::vector<std::string> warnings_;
};

/// The configuration as an AgentConfiguration file that reads back to the same.
std::string to_yaml(const AgentConfig& config);

/// $NODE_NAME if set, else the host's name in lower case.
std::string default_node_name();

}  // namespace fairlead
