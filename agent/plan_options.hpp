// Configuration, the Node object and the kernel's addresses -> what a plan depends on beside the
// cluster's objects.
#pragma once

#include <vector>

#include "agent/config.hpp"
#include "dataplane/plan/plan.hpp"
#include "model/object.hpp"

namespace fairlead {

/// `node`: this node's own; nullptr while it is unknown. `local_addresses`: of this node's
/// interfaces, sorted.
PlanOptions plan_options(const AgentConfig& config, const Node* node,
                         std::vector<Ip> local_addresses);

}  // namespace fairlead
