// The pod's network namespace: opened, and cleared of our interface when no agent does it.
#pragma once

#include <cstdint>
#include <string>

#include "model/result.hpp"

namespace fairlead::cni {

/// A descriptor of the network namespace at `path`. Errors: nothing there, no network namespace, or
/// the one that this process runs in, which is the node's.
Result<int> open_pod_namespace(const std::string& path);

/// Enters the namespace for good and removes the interface if it is an end of a veth pair, and the
/// other end with it. As far as it gets: the namespace is about to be deleted anyhow. Returns the
/// namespace's cookie; 0: unknown.
std::uint64_t clear_pod_namespace(int netns, const std::string& interface);

}  // namespace fairlead::cni
