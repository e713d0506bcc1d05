// The modes that name something which only the cluster or the kernel knows are resolved here.
#include "agent/plan_options.hpp"

#include <algorithm>

namespace fairlead {
namespace {

DetectLocal detect_local(const AgentConfig& config, const Node* node) {
  using Mode = DetectLocal::Mode;
  switch (config.detect_local) {
    case DetectLocalMode::kAuto:
    case DetectLocalMode::kClusterCidr:
      if (config.cluster_cidrs.empty()) return {};
      return {.mode = Mode::kCidr, .cidrs = config.cluster_cidrs, .interface = {}};
    case DetectLocalMode::kNodeCidr:
      if (node == nullptr || node->pod_cidrs.empty()) return {};
      return {.mode = Mode::kCidr, .cidrs = node->pod_cidrs, .interface = {}};
    case DetectLocalMode::kBridgeInterface:
      return {.mode = Mode::kInterface, .cidrs = {}, .interface = config.bridge_interface};
    case DetectLocalMode::kInterfaceNamePrefix:
      return {
          .mode = Mode::kInterfacePrefix, .cidrs = {}, .interface = config.interface_name_prefix};
    case DetectLocalMode::kNone:
      return {};
  }
  return {};
}

/// `primary` beside prefixes: the Node's first address of each family as a prefix of its own.
std::vector<Cidr> node_port_cidrs(const NodePortAddresses& wanted, const Node* node) {
  std::vector<Cidr> cidrs = wanted.cidrs;
  if (!wanted.primary || cidrs.empty() || node == nullptr) return cidrs;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto first = std::ranges::find(node->addresses, family, &Ip::family);
    const std::uint8_t length = family == Family::kIpv4 ? 32 : 128;
    if (first != node->addresses.end()) cidrs.push_back({.base = *first, .length = length});
  }
  return cidrs;
}

/// Nobody reaches a NodePort on the others.
std::vector<Ip> reachable(std::vector<Ip> addresses) {
  std::erase_if(addresses, [](const Ip& ip) { return ip.is_loopback() || ip.is_link_local(); });
  return addresses;
}

}  // namespace

PlanOptions plan_options(const AgentConfig& config, const Node* node,
                         std::vector<Ip> local_addresses) {
  return {.node = config.node_name,
          .detect_local = detect_local(config, node),
          .masquerade_all = config.masquerade_all,
          .node_port_cidrs = node_port_cidrs(config.node_port_addresses, node),
          .service_cidrs = config.service_cidrs,
          .cluster_cidrs = config.cluster_cidrs,
          .local_addresses = reachable(std::move(local_addresses)),
          .allowed_external_ips = config.allowed_external_ips};
}

}  // namespace fairlead
