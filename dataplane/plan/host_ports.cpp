// Pod -> the addresses and ports that it wants --claims--> those that it has -> one ServicePlan for
// each mapping and family, which has the pod as its only backend.
//
//               an address of the node     loopback
//   internal    pod                        dropped: nobody but the node has a loopback of its own
//   host        pod, masq                  pod, masq
//   external    pod                        dropped
//
// Who comes from outside is not masqueraded: pod and port are on the same node. What a pod sends to
// itself the datapaths masquerade in any case.
#include "dataplane/plan/host_ports.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace fairlead {
namespace {

constexpr std::string_view kNamePrefix = "pod@";

std::optional<Ip> address_of(const PodHostPorts& pod, Family family) {
  const auto found = std::ranges::find(pod.addresses, family, &Ip::family);
  return found == pod.addresses.end() ? std::nullopt : std::optional(*found);
}

bool is_anywhere(const HostPort& port) { return !port.host_ip || port.host_ip->is_unspecified(); }

Problem problem(const PodHostPorts& pod, std::string message) {
  return {"Pod " + to_string(pod.pod), std::string(field_of(FrontendKind::kHostPort)),
          std::move(message) + "; it is left out"};
}

/// The addresses of one family at which the mapping asks to be open.
std::vector<Ip> places_of(const HostPort& port, Family family, const std::vector<Ip>& local) {
  if (port.host_ip && port.host_ip->family() != family) return {};
  std::vector<Ip> places;
  if (is_anywhere(port)) {
    std::ranges::copy_if(local, std::back_inserter(places),
                         [&](const Ip& ip) { return ip.family() == family; });
  } else if (port.host_ip->is_loopback() || std::ranges::binary_search(local, *port.host_ip)) {
    places.push_back(*port.host_ip);
  }
  return places;
}

/// Why a mapping that names an address gets nothing; "" if it may.
std::string why_unusable(const PodHostPorts& pod, const HostPort& port,
                         const std::vector<Ip>& local) {
  if (!port.host_ip) return {};
  const Family family = port.host_ip->family();
  if (!address_of(pod, family)) return "is of a family in which the pod has no address";
  if (places_of(port, family, local).empty()) return "is no address of this node";
  return {};
}

bool has_node_ports(const NodeSettings& node, const Ip& ip) {
  const auto mode = ip.is_v4() ? node.node_ports_v4 : node.node_ports_v6;
  if (mode == NodeSettings::NodePorts::kAnyLocal) return !ip.is_loopback();
  return std::ranges::binary_search(node.node_port_addresses, ip);
}

Frontend make_frontend(const WantedFrontend& wanted) {
  const Verdict plain{Action::kForward, BackendGroup::kCluster, false};
  const Verdict masqueraded{Action::kForward, BackendGroup::kCluster, true};
  const Verdict dropped{Action::kDrop, BackendGroup::kCluster, false};
  const bool loopback = wanted.address.is_loopback();
  Frontend frontend;
  frontend.kind = FrontendKind::kHostPort;
  frontend.address = wanted.address;
  frontend.port = wanted.port;
  frontend.verdicts = {loopback ? dropped : plain, masqueraded, loopback ? dropped : plain};
  return frontend;
}

ServicePlan make_plan(ServicePortName name, const Backend& backend) {
  ServicePlan plan;
  plan.name = std::move(name);
  plan.cluster_backends = {backend};
  if (plan.name.protocol == Protocol::kUdp) plan.serving = {backend.address};
  return plan;
}

std::string port_name(const HostPort& port) {
  return is_anywhere(port) ? std::to_string(port.port.host) : to_string(*port.host_ip, port.port);
}

std::optional<std::string> why_lost(const ObjectName& name, const PodHostPorts& pod,
                                    const WantedFrontend& wanted, const NodeView& view,
                                    const Claims& claims) {
  if (auto why = claims.why_lost({name, pod.created}, wanted)) return why;
  if (!has_node_ports(view.settings, wanted.address)) return std::nullopt;
  const ObjectName* owner =
      claims.node_port_owner(wanted.address.family(), wanted.port, wanted.protocol);
  if (owner == nullptr) return std::nullopt;
  return "is a NodePort of Service " + to_string(*owner);
}

/// What a pod lost, one Problem for each mapping and reason.
class Losses {
 public:
  void add(const WantedFrontend& wanted, std::string why) {
    std::string& places = places_[{wanted.port_index, std::move(why)}];
    places += (places.empty() ? "" : ", ") + to_string(wanted.address, wanted.port);
  }
  void report(const PodHostPorts& pod, std::vector<Problem>& problems) const {
    for (const auto& [of, places] : places_) {
      const std::string protocol(to_string(pod.ports[of.first].protocol));
      problems.push_back(problem(pod, places + ' ' + protocol + ' ' + of.second));
    }
  }

 private:
  std::map<std::pair<std::size_t, std::string>, std::string> places_;
};

}  // namespace

ObjectName host_ports_name(const ObjectName& pod) {
  return {pod.ns, std::string(kNamePrefix) + pod.name};
}

bool is_host_ports_name(const ObjectName& name) { return name.name.starts_with(kNamePrefix); }

HostPortPods by_name(std::vector<PodHostPorts> pods) {
  HostPortPods named;
  for (PodHostPorts& pod : pods) {
    ObjectName name = host_ports_name(pod.pod);
    named.try_emplace(std::move(name), std::move(pod));
  }
  return named;
}

std::vector<Ip> host_port_addresses(const std::map<std::string, Node>& nodes,
                                    const PlanOptions& options) {
  std::vector<Ip> addresses = options.local_addresses;
  if (const auto self = nodes.find(options.node); addresses.empty() && self != nodes.end())
    addresses = self->second.addresses;
  std::erase_if(addresses, [](const Ip& ip) { return ip.is_link_local() || ip.is_loopback(); });
  addresses.push_back(ip_from_v4({127, 0, 0, 1}));
  Ip loopback6;
  loopback6.bytes[15] = 1;
  addresses.push_back(loopback6);
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

std::vector<WantedFrontend> wanted_host_ports(const PodHostPorts& pod, const std::vector<Ip>& local,
                                              std::vector<Problem>& problems) {
  std::vector<WantedFrontend> wanted;
  std::set<std::tuple<Ip, Port, Protocol>> seen;
  for (std::size_t i = 0; i < pod.ports.size(); ++i) {
    const HostPort& port = pod.ports[i];
    if (const std::string why = why_unusable(pod, port, local); !why.empty()) {
      problems.push_back(problem(pod, to_string(*port.host_ip) + ' ' + why));
      continue;
    }
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      if (!address_of(pod, family)) continue;
      const auto places = places_of(port, family, local);
      bool is_twin = false;
      for (const Ip& ip : places) {
        if (seen.emplace(ip, port.port, port.protocol).second)
          wanted.push_back({FrontendKind::kHostPort, ip, port.port, port.protocol, i});
        else
          is_twin = true;
      }
      if (is_twin)
        problems.push_back(problem(pod, port_name(port) + ' ' +
                                            std::string(to_string(port.protocol)) +
                                            " is already another port's of this pod"));
      if (!places.empty())
        wanted.push_back(
            {FrontendKind::kHostPort, any_address(family), port.port, port.protocol, i});
    }
  }
  return wanted;
}

ServicePlans plan_host_ports(const ObjectName& name, const PodHostPorts& pod,
                             const std::vector<Ip>& local, const NodeView& view,
                             const Claims& claims, std::vector<Problem>& problems) {
  std::map<ServicePortName, ServicePlan> by_port;
  Losses losses;
  for (const WantedFrontend& wanted : wanted_host_ports(pod, local, problems)) {
    if (wanted.address.is_unspecified()) continue;
    if (auto why = why_lost(name, pod, wanted, view, claims)) {
      losses.add(wanted, *std::move(why));
      continue;
    }
    const HostPort& port = pod.ports[wanted.port_index];
    const Family family = wanted.address.family();
    ServicePortName port_of_pod{name, port_name(port), port.protocol, family};
    const Backend backend{*address_of(pod, family), port.pod_port, true, BackendState::kActive, 1};
    auto [plan, is_new] = by_port.try_emplace(port_of_pod);
    if (is_new) plan->second = make_plan(std::move(port_of_pod), backend);
    plan->second.frontends.push_back(make_frontend(wanted));
  }
  losses.report(pod, problems);
  ServicePlans plans;
  for (auto& [port, plan] : by_port) {
    std::ranges::sort(plan.frontends);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace fairlead
