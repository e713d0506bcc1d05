// The plan has decided which endpoints a frontend may use, by its Service's traffic policy; here is
// only asked whether one of them is ready.
#include "dataplane/announce/served_addresses.hpp"

#include <algorithm>

namespace fairlead::announce {
namespace {

bool has(const std::vector<Ip>& ips, const Ip& ip) {
  return std::ranges::find(ips, ip) != ips.end();
}

bool has_ready(const std::vector<Backend>& backends) {
  return std::ranges::any_of(
      backends, [](const Backend& backend) { return backend.state == BackendState::kActive; });
}

bool is_announced_kind(FrontendKind kind) {
  return kind == FrontendKind::kClusterIp || kind == FrontendKind::kLoadBalancer ||
         kind == FrontendKind::kExternalIp;
}

}  // namespace

void collect_served(const Service& service, const ServicePlans& plans,
                    std::vector<ServedAddress>& served) {
  served.clear();
  for (const ServicePlan& plan : plans) {
    const bool cluster_ready = has_ready(plan.cluster_backends);
    const bool local_ready = has_ready(plan.local_backends);
    if (!cluster_ready && !local_ready) continue;
    for (const Frontend& frontend : plan.frontends) {
      const Verdict& verdict = frontend.verdict(Scope::kExternal);
      const bool is_local = verdict.group == BackendGroup::kLocal;
      if (!is_announced_kind(frontend.kind) || verdict.action != Action::kForward) continue;
      if (!(is_local ? local_ready : cluster_ready)) continue;
      const auto known = std::ranges::find(served, frontend.address, &ServedAddress::ip);
      if (known != served.end()) continue;
      // One address may be an external and a load balancer's; the plan names it once.
      served.push_back({.ip = frontend.address,
                        .is_cluster_ip = frontend.kind == FrontendKind::kClusterIp,
                        .is_external = has(service.external_ips, frontend.address),
                        .is_load_balancer = has(service.load_balancer_ips, frontend.address),
                        .is_local = is_local});
    }
  }
}

}  // namespace fairlead::announce
