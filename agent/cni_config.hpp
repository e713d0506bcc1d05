// The file by which runtimes find fairlead-cni.
#pragma once

#include <string>

#include "model/result.hpp"

namespace fairlead {

inline constexpr const char* kCniConfigName = "05-fairlead.conflist";

/// A CNI network configuration list, for all versions that the plugin speaks. The directories are
/// the agent's, so that the plugin finds its socket.
std::string cni_config(const std::string& runtime_directory, const std::string& state_directory);

/// Writes it into `directory`, which is made if it is missing, in one step; nothing if it is there
/// as it should be.
Result<> write_cni_config(const std::string& directory, const std::string& config);
/// Success if there is none.
Result<> remove_cni_config(const std::string& directory);

}  // namespace fairlead
