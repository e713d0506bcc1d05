// Plans of Services that look alike, and what is counted in a text.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "model/plan.hpp"

namespace fairlead::bench {

inline constexpr Verdict kPods{Action::kForward, BackendGroup::kCluster, false};
inline constexpr Verdict kOthers{Action::kForward, BackendGroup::kCluster, true};
inline constexpr Verdict kRefuse{Action::kReject, BackendGroup::kCluster, false};

inline Ip ip(std::string_view text) { return parse_ip(text).value(); }

/// As in the tests of Kubernetes itself: namespace ns1, port p80.
inline ServicePlan service_of(const std::string& name, const Ip& address,
                              std::vector<Backend> backends) {
  ServicePlan service;
  service.name = {{"ns1", name}, "p80", Protocol::kTcp, address.family()};
  const Verdict pods = backends.empty() ? kRefuse : kPods,
                others = backends.empty() ? kRefuse : kOthers;
  service.frontends = {{FrontendKind::kClusterIp, address, {80}, {pods, others, others}, {}}};
  std::ranges::sort(backends);
  service.cluster_backends = backends;
  std::ranges::copy_if(backends, std::back_inserter(service.local_backends), &Backend::local);
  return service;
}

inline void open_node_port(ServicePlan& service, std::uint16_t port) {
  const Verdict verdict = service.cluster_backends.empty() ? kRefuse : kOthers;
  service.frontends.push_back({FrontendKind::kNodePort,
                               any_address(service.name.family),
                               {port},
                               {verdict, verdict, verdict},
                               {}});
}

inline void add(Plan& plan, ServicePlan service) {
  plan.services[service.name.service].push_back(std::move(service));
}

inline Plan empty_plan() {
  Plan plan;
  plan.node.detect_local = {DetectLocal::Mode::kCidr, {parse_cidr("10.0.0.0/8").value()}, {}};
  plan.node.node_port_addresses = {ip("198.18.0.1")};
  return plan;
}

/// One Service, ClusterIP 172.30.0.41:80, of `endpoints` 10.180.0.1:80, 10.180.0.2:80, ...
inline Plan small_plan(const std::vector<std::string>& endpoints) {
  std::vector<Backend> backends;
  for (const std::string& endpoint : endpoints) backends.push_back({ip(endpoint), {80}});
  Plan plan = empty_plan();
  add(plan, service_of("svc1", ip("172.30.0.41"), std::move(backends)));
  return plan;
}

/// The first endpoint of each Service is on this node.
inline Plan large_plan(std::uint32_t services, std::uint32_t endpoints, bool node_ports) {
  Plan plan = empty_plan();
  for (std::uint32_t i = 0; i < services; ++i) {
    std::vector<Backend> backends;
    for (std::uint32_t j = 0; j < endpoints; ++j)
      backends.push_back({ip(fmt::format("10.{}.{}.{}", j + 1, i / 256, i % 256)), {8080}, j == 0});
    ServicePlan service = service_of(fmt::format("svc{}", i),
                                     ip(fmt::format("172.30.{}.{}", i / 256, i % 256)), backends);
    if (node_ports) open_node_port(service, static_cast<std::uint16_t>(30000 + i));
    add(plan, std::move(service));
  }
  return plan;
}

/// Lines of `text` that begin with `start`.
inline std::size_t lines_with(std::string_view text, std::string_view start) {
  std::size_t count = 0;
  while (!text.empty()) {
    if (text.starts_with(start)) ++count;
    text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  }
  return count;
}

struct Size {
  std::uint32_t services = 0, endpoints = 0;
};
inline std::vector<Size> sizes() {
  std::vector<Size> all;
  for (const std::uint32_t services : {1, 10, 1000})
    for (const std::uint32_t endpoints : {1, 3, 10}) all.push_back({services, endpoints});
  return all;
}

}  // namespace fairlead::bench
