// The kernel's settings without which packets to and from pods would not be forwarded.
#pragma once

#include <string>
#include <vector>

#include "dataplane/podnet/overlay.hpp"

namespace fairlead::podnet {

/// Forwarding in the families of the cluster's pods; of flvx0: no router advertisements, packets
/// whatever way the answer takes. Router advertisements that the underlay's link obeyed go on being
/// obeyed. Returns what was changed, "net/ipv4/ip_forward = 1"; what cannot be set is appended to
/// `problems`. In the calling thread's network namespace.
std::vector<std::string> apply_settings(const Overlay& overlay, const std::string& underlay,
                                        std::vector<std::string>& problems);

}  // namespace fairlead::podnet
