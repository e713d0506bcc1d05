// Numbers -> ServicePlans, as plan() makes them.
#include "bench/world/plan.hpp"

#include <algorithm>

#include "bench/support/services.hpp"

namespace fairlead::bench {
namespace {

constexpr Verdict kPods{Action::kForward, BackendGroup::kCluster, false};
constexpr Verdict kOthers{Action::kForward, BackendGroup::kCluster, true};

ServicePlan measured_service(Protocol protocol, const std::vector<Backend>& backends) {
  const MeasuredAddress at = measured_address();
  ServicePlan plan;
  plan.name = {measured_name(), protocol == Protocol::kTcp ? "tcp" : "udp", protocol,
               Family::kIpv4};
  plan.frontends = {
      {FrontendKind::kClusterIp, at.cluster_ip, at.port, {kPods, kOthers, kOthers}, {}},
      {FrontendKind::kNodePort,
       any_address(Family::kIpv4),
       at.node_port,
       {kOthers, kOthers, kOthers},
       {}},
      {FrontendKind::kLoadBalancer, at.load_balancer, at.port, {kPods, kOthers, kOthers}, {}}};
  plan.cluster_backends = backends;
  std::ranges::copy_if(backends, std::back_inserter(plan.local_backends), &Backend::local);
  std::ranges::sort(plan.frontends);
  std::ranges::sort(plan.cluster_backends);
  std::ranges::sort(plan.local_backends);
  if (protocol == Protocol::kUdp)
    for (const Backend& backend : plan.cluster_backends) plan.serving.push_back(backend.address);
  return plan;
}

ServicePlan hairpin_service(const Backend& backend) {
  ServicePlan plan;
  plan.name = {{"measured", "hairpin"}, "tcp", Protocol::kTcp, Family::kIpv4};
  plan.frontends = {{FrontendKind::kClusterIp,
                     measured_address().hairpin,
                     measured_address().port,
                     {kPods, kOthers, kOthers},
                     {}}};
  plan.cluster_backends = {backend};
  if (backend.local) plan.local_backends = {backend};
  return plan;
}

}  // namespace

MeasuredAddress measured_address() {
  return {.cluster_ip = ip_from_v4({11, 15, 255, 1}),
          .load_balancer = ip_from_v4({203, 0, 113, 1}),
          .hairpin = ip_from_v4({11, 15, 255, 2}),
          .port = {80},
          .node_port = {30080}};
}

ObjectName measured_name() { return {"measured", "service"}; }

Plan plan_with(std::uint32_t services, std::uint32_t endpoints,
               const std::vector<Backend>& backends) {
  Plan plan = plan_of(services - 1, endpoints);
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
    add(plan, measured_service(protocol, backends));
  add(plan, hairpin_service(backends.front()));
  plan.node.detect_local = {DetectLocal::Mode::kCidr, {Cidr{ip_from_v4({10, 244, 0, 0}), 16}}, {}};
  plan.node.node_port_addresses = {ip_from_v4({198, 18, 0, 1})};
  return plan;
}

}  // namespace fairlead::bench
