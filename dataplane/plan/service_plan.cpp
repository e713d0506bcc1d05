// One Service -> its plans.
//
//   wanted frontends --claims--> those it has --by port and family--> ServicePlan
//   endpoints of that port ----> cluster and local backends ---------/
//
// The verdicts are kube-proxy's table of source x destination x policy:
//
//                 ClusterIP (internalTrafficPolicy)      NodePort, LB, external IP
//                 (externalTrafficPolicy) Cluster          Local                 Cluster Local
//   internal      cluster          local                 cluster, masq     cluster
//   host          cluster, masq    local, masq           cluster, masq     cluster, masq
//   external      cluster, masq    local, masq           cluster, masq     local
//
// Without a way to tell local pods (detect-local) the first row is the last, and nothing to a
// ClusterIP is masqueraded.
#include "dataplane/plan/service_plan.hpp"

#include <algorithm>
#include <map>

#include "dataplane/plan/frontends.hpp"

namespace fairlead {
namespace {

bool is_masqueraded_to_cluster_ip(const NodeView& view, Family family, Scope scope) {
  if (view.masquerade_all) return true;
  return scope != Scope::kInternal && view.can_detect_local[index_of(family)];
}

/// Who may use which backends if there are any.
Verdict forward(const Service& service, FrontendKind kind, Family family, Scope scope,
                const NodeView& view) {
  Verdict verdict{Action::kForward, BackendGroup::kCluster, false};
  // A node that cannot tell its pods from others treats them as outsiders.
  if (scope == Scope::kInternal && !view.can_detect_local[index_of(family)])
    scope = Scope::kExternal;
  if (kind == FrontendKind::kClusterIp) {
    if (service.internal_traffic_policy == TrafficPolicy::kLocal)
      verdict.group = BackendGroup::kLocal;
    verdict.masquerade = is_masqueraded_to_cluster_ip(view, family, scope);
    return verdict;
  }
  if (service.external_traffic_policy == TrafficPolicy::kCluster) {
    verdict.masquerade = true;  // the answer must come back through this node
    return verdict;
  }
  switch (scope) {
    case Scope::kInternal:
      break;
    case Scope::kHost:
      verdict.masquerade = true;
      break;
    case Scope::kExternal:
      verdict.group = BackendGroup::kLocal;
      break;
  }
  return verdict;
}

Verdict decide(const Verdict& wanted, const EndpointChoice& endpoints) {
  if (!endpoints.has_any) return {Action::kReject, BackendGroup::kCluster, false};
  const auto& backends =
      wanted.group == BackendGroup::kCluster ? endpoints.cluster : endpoints.local;
  if (backends.empty()) return {Action::kDrop, BackendGroup::kCluster, false};
  return wanted;
}

/// Those of the frontend's family; ranges of the other family alone filter nothing. A load
/// balancer's address itself may come in as a source where the node may: so does what the node
/// sends to it.
std::vector<Cidr> source_ranges(const Service& service, const Ip& address, const NodeView& view) {
  const Family family = address.family();
  std::vector<Cidr> ranges;
  for (const Cidr& range : service.source_ranges) {
    if (range.family() == family) ranges.push_back(range);
  }
  const auto& node = view.primary[index_of(family)];
  if (!ranges.empty() && node && is_in_any(ranges, *node)) {
    const std::uint8_t whole = family == Family::kIpv4 ? 32 : 128;
    for (const Ip& ip : service.load_balancer_ips) {
      if (ip.family() == family && !is_in_any(ranges, ip)) ranges.push_back({ip, whole});
    }
  }
  std::sort(ranges.begin(), ranges.end());
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
  ranges.shrink_to_fit();
  return ranges;
}

Frontend make_frontend(const Service& service, const WantedFrontend& wanted,
                       const EndpointChoice& endpoints, const NodeView& view) {
  Frontend frontend;
  frontend.kind = wanted.kind;
  frontend.address = wanted.address;
  frontend.port = wanted.port;
  for (const Scope scope : kScopes) {
    const Verdict verdict = forward(service, wanted.kind, wanted.address.family(), scope, view);
    frontend.verdicts[static_cast<std::size_t>(scope)] = decide(verdict, endpoints);
  }
  if (wanted.kind == FrontendKind::kLoadBalancer) {
    frontend.source_ranges = source_ranges(service, wanted.address, view);
  }
  return frontend;
}

bool uses(const std::vector<Frontend>& frontends, BackendGroup group) {
  return std::any_of(frontends.begin(), frontends.end(), [&](const Frontend& frontend) {
    return std::any_of(frontend.verdicts.begin(), frontend.verdicts.end(),
                       [&](const Verdict& verdict) {
                         return verdict.action == Action::kForward && verdict.group == group;
                       });
  });
}

ServicePlan plan_port(const Service& service, ServicePortName name,
                      const std::vector<WantedFrontend>& wanted, const Slices* slices,
                      const NodeView& view) {
  EndpointChoice endpoints = choose_endpoints(name, slices, view, service.node_weights);
  ServicePlan plan;
  plan.name = std::move(name);
  plan.affinity = service.affinity;
  plan.algorithm = service.algorithm;
  plan.frontends.reserve(wanted.size());
  for (const WantedFrontend& frontend : wanted) {
    plan.frontends.push_back(make_frontend(service, frontend, endpoints, view));
  }
  std::sort(plan.frontends.begin(), plan.frontends.end());
  if (uses(plan.frontends, BackendGroup::kCluster))
    plan.cluster_backends = std::move(endpoints.cluster);
  if (uses(plan.frontends, BackendGroup::kLocal)) plan.local_backends = std::move(endpoints.local);
  plan.serving = std::move(endpoints.serving);
  return plan;
}

void report_loss(const Service& service, const WantedFrontend& wanted, const std::string& why,
                 std::vector<Problem>& problems) {
  const bool is_node_port = wanted.kind == FrontendKind::kNodePort;
  const std::string what =
      is_node_port ? std::to_string(wanted.port.host) : to_string(wanted.address, wanted.port);
  const std::string field = is_node_port
                                ? "spec.ports[" + std::to_string(wanted.port_index) + "].nodePort"
                                : std::string(field_of(wanted.kind));
  problems.push_back(
      {"Service " + to_string(service.name), field,
       what + ' ' + std::string(to_string(wanted.protocol)) + ' ' + why + "; it is left out"});
}

/// Those of the wanted frontends that no other Service has, by port and family.
std::map<ServicePortName, std::vector<WantedFrontend>> held_frontends(
    const Service& service, const NodeView& view, const Claims& claims,
    std::vector<Problem>& problems) {
  std::map<ServicePortName, std::vector<WantedFrontend>> by_port;
  for (const WantedFrontend& wanted : wanted_frontends(service, view, problems)) {
    if (const auto why = claims.why_lost(claimant(service), wanted)) {
      report_loss(service, wanted, *why, problems);
      continue;
    }
    const ServicePort& port = service.ports[wanted.port_index];
    by_port[{service.name, port.name, port.protocol, wanted.address.family()}].push_back(wanted);
  }
  return by_port;
}

}  // namespace

ServicePlans plan_service(const Service& service, const Slices* slices, const NodeView& view,
                          const Claims& claims, std::vector<Problem>& problems) {
  const auto by_port = held_frontends(service, view, claims, problems);
  ServicePlans plans;
  plans.reserve(by_port.size());
  for (const auto& [name, wanted] : by_port)
    plans.push_back(plan_port(service, name, wanted, slices, view));
  return plans;
}

}  // namespace fairlead
