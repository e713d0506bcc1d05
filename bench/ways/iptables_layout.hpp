// The rules of kube-proxy's iptables mode, as text for iptables-restore and ip6tables-restore.
// After kube-proxy 1.34.
#pragma once

#include <string>

#include "model/plan.hpp"

namespace fairlead::bench {

/// For a namespace without rules, by `--noflush`: the jumps from the kernel's chains too, which
/// kube-proxy makes with a process each.
std::string iptables_load(const Plan& plan, Family family);

/// What kube-proxy restores when `service` had the plans `before` and has those of `plan` now: all
/// rules of its chains that all Services share, and the chains of the changed one. Chains that no
/// rule leads to any more are removed at once, as kube-proxy does up to 1,000 endpoints; with more
/// it leaves them for later, and names no Service in comments of its chains.
std::string iptables_change(const Plan& plan, const ObjectName& service, const ServicePlans& before,
                            Family family);

/// "KUBE-SVC-..." of policy Cluster, "KUBE-SEP-...": where one looks for a Service of a real one.
std::string iptables_service_chain(const ServicePlan& service);
std::string iptables_endpoint_chain(const ServicePlan& service, const Backend& endpoint);

}  // namespace fairlead::bench
