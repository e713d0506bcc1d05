// Numbers -> plans, as plan() makes them of Services with both traffic policies Cluster.
#include "bench/support/services.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::bench {
namespace {

constexpr Verdict kPods{Action::kForward, BackendGroup::kCluster, false};
constexpr Verdict kOthers{Action::kForward, BackendGroup::kCluster, true};

}  // namespace

Ip address(std::uint8_t network, std::uint32_t number) {
  return ip_from_v4({network, static_cast<std::uint8_t>(number >> 16),
                     static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

ServicePlan cluster_ip_service(std::uint32_t number, std::uint32_t endpoints, std::uint32_t first) {
  ServicePlan plan;
  plan.name = {{"bench", fmt::format("service-{}", number)}, "http", Protocol::kTcp, Family::kIpv4};
  plan.frontends.push_back(
      {FrontendKind::kClusterIp, address(11, number + 1), {80}, {kPods, kOthers, kOthers}, {}});
  for (std::uint32_t i = 0; i < endpoints; ++i)
    plan.cluster_backends.push_back(
        {address(10, number * 7 + first + i), {8080}, i == 0, BackendState::kActive});
  std::ranges::sort(plan.cluster_backends);
  return plan;
}

ServicePlan measured_service(const Measured& measured) {
  ServicePlan plan;
  const Family family = measured.cluster_ip.family();
  plan.name = {{"measured", "service"}, "http", measured.protocol, family};
  plan.frontends = {{FrontendKind::kClusterIp,
                     measured.cluster_ip,
                     measured.cluster_ip_port,
                     {kPods, kOthers, kOthers},
                     {}},
                    {FrontendKind::kNodePort,
                     any_address(family),
                     measured.node_port,
                     {kOthers, kOthers, kOthers},
                     {}}};
  plan.cluster_backends = measured.backends;
  std::ranges::copy_if(measured.backends, std::back_inserter(plan.local_backends), &Backend::local);
  std::ranges::sort(plan.frontends);
  std::ranges::sort(plan.cluster_backends);
  std::ranges::sort(plan.local_backends);
  return plan;
}

Plan plan_of(std::uint32_t services, std::uint32_t endpoints) {
  Plan plan;
  for (std::uint32_t i = 0; i < services; ++i) add(plan, cluster_ip_service(i, endpoints, 0));
  return plan;
}

void add(Plan& plan, ServicePlan service) {
  plan.services[service.name.service].push_back(std::move(service));
}

}  // namespace fairlead::bench
