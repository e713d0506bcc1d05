// What a real kube-proxy is told on its command line, and how one sees that it has done it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/plan.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// The 20 of "Kubernetes v1.20.2", as `--version` says it.
Result<int> minor_version(const std::string& kube_proxy);

/// How local clients are recognised, and where NodePorts are open; of the families that have a
/// Service, because an old one takes no other.
std::vector<std::string> detection_arguments(const Plan& plan);

/// The tool that shows the rules of a --proxy-mode. Error: no such mode.
Result<std::string> tool_for_rules(std::string_view mode);

/// In the calling thread's namespace: the first plan with a ClusterIP leads to all of its endpoints
/// and to none that only `before` had, or refuses where it has none. The tool is asked for that one
/// Service.
Result<bool> rules_are_there(std::string_view mode, const ServicePlans& wanted,
                             const ServicePlans& before);

}  // namespace fairlead::bench
