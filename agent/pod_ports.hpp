// Attachments -> the host ports that the plan has of them. Pure.
#pragma once

#include <span>
#include <vector>

#include "dataplane/plan/pod_host_ports.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead {

/// Those that have any. A pod whose runtime gives it no name is called by network and container.
std::vector<PodHostPorts> host_ports_of(std::span<const podnet::Attachment> attachments);

}  // namespace fairlead
