// A container's labels, from the program that runs it: runtimes do not hand them to CNI plugins.
//
//   podman container inspect --format {{json .Config.Labels}} ID -> {"app": "web"}
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "model/result.hpp"

namespace fairlead {

/// Runs `command` with `container` as last argument, without a shell, and reads a JSON object of
/// texts (or null: none) from its standard output. Blocks; once `stopped` is true, for a tenth of a
/// second. Errors: it cannot be started or failed, with what it said; or no answer within `limit`
/// (std::errc::timed_out), which alone is a reason to ask again.
Result<std::map<std::string, std::string>> read_container_labels(
    const std::vector<std::string>& command, const std::string& container,
    std::chrono::milliseconds limit, const std::atomic<bool>& stopped);

}  // namespace fairlead
