// Options + Nodes -> NodeView. The rules of NodePort addresses are kube-proxy's nodePortAddresses.
#include "dataplane/plan/node_view.hpp"

#include <algorithm>
#include <iterator>

namespace fairlead {
namespace {

constexpr std::array kFamilies{Family::kIpv4, Family::kIpv6};

std::optional<Ip> first_of(const std::vector<Ip>& addresses, Family family) {
  const auto found = std::find_if(addresses.begin(), addresses.end(),
                                  [&](const Ip& ip) { return ip.family() == family; });
  return found == addresses.end() ? std::nullopt : std::optional(*found);
}

bool can_detect_local(const DetectLocal& detect, Family family) {
  switch (detect.mode) {
    case DetectLocal::Mode::kNone:
      return false;
    case DetectLocal::Mode::kCidr:
      return std::any_of(detect.cidrs.begin(), detect.cidrs.end(),
                         [&](const Cidr& cidr) { return cidr.family() == family; });
    case DetectLocal::Mode::kInterface:
    case DetectLocal::Mode::kInterfacePrefix:
      return true;
  }
  return false;
}

/// Where the NodePorts of one family are open; what is listed is added to `listed`.
NodeSettings::NodePorts place_node_ports(const PlanOptions& options, const std::vector<Ip>& own,
                                         Family family, std::vector<Ip>& listed) {
  if (options.node_port_cidrs.empty()) {
    if (const auto primary = first_of(own, family)) listed.push_back(*primary);
    return NodeSettings::NodePorts::kListed;
  }
  std::vector<Cidr> cidrs;
  for (const Cidr& cidr : options.node_port_cidrs) {
    if (cidr.family() == family) cidrs.push_back(cidr);
  }
  const bool has_all =
      std::any_of(cidrs.begin(), cidrs.end(), [](const Cidr& c) { return c.length == 0; });
  if (cidrs.empty() || has_all) return NodeSettings::NodePorts::kAnyLocal;
  for (const Ip& ip : options.local_addresses.empty() ? own : options.local_addresses) {
    if (!ip.is_loopback() && is_in_any(cidrs, ip)) listed.push_back(ip);
  }
  return NodeSettings::NodePorts::kListed;
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

/// Not: a whole private block given to --cluster-cidr, in which external addresses lie as well.
bool names_pods(const Cidr& cluster_cidr) {
  return cluster_cidr.length > (cluster_cidr.family() == Family::kIpv4 ? 8 : 32);
}

}  // namespace

bool is_in_any(const std::vector<Cidr>& cidrs, const Ip& ip) {
  return std::any_of(cidrs.begin(), cidrs.end(),
                     [&](const Cidr& cidr) { return cidr.contains(ip); });
}

NodeView view_node(const std::map<std::string, Node>& nodes, const PlanOptions& options) {
  NodeView view;
  view.node = options.node;
  view.masquerade_all = options.masquerade_all;
  view.allowed_external_ips = options.allowed_external_ips;
  std::copy_if(options.cluster_cidrs.begin(), options.cluster_cidrs.end(),
               std::back_inserter(view.pod_cidrs), names_pods);
  for (const auto& [name, node] : nodes) {
    view.node_addresses.insert(view.node_addresses.end(), node.addresses.begin(),
                               node.addresses.end());
    view.pod_cidrs.insert(view.pod_cidrs.end(), node.pod_cidrs.begin(), node.pod_cidrs.end());
  }
  sort_unique(view.node_addresses);
  sort_unique(view.pod_cidrs);

  std::vector<Ip> own;
  if (const auto self = nodes.find(options.node); self != nodes.end()) {
    view.zone = self->second.zone;
    own = self->second.addresses;
  }
  NodeSettings& settings = view.settings;
  settings.detect_local = options.detect_local;
  settings.service_cidrs = options.service_cidrs;
  settings.node_ports_v4 =
      place_node_ports(options, own, Family::kIpv4, settings.node_port_addresses);
  settings.node_ports_v6 =
      place_node_ports(options, own, Family::kIpv6, settings.node_port_addresses);
  sort_unique(settings.node_port_addresses);
  for (const Family family : kFamilies) {
    view.primary[index_of(family)] = first_of(own, family);
    view.can_detect_local[index_of(family)] = can_detect_local(options.detect_local, family);
  }
  return view;
}

}  // namespace fairlead
