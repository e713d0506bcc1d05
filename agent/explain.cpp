// packet -> scope of its source -> frontend of its destination -> source ranges -> verdict ->
// backends.
#include "agent/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/plan_json.hpp"

namespace fairlead {
namespace {

bool contains(const std::vector<Ip>& addresses, const Ip& ip) {
  return std::ranges::find(addresses, ip) != addresses.end();
}
bool contains(const std::vector<Cidr>& cidrs, const Ip& ip) {
  return std::ranges::any_of(cidrs, [&ip](const Cidr& cidr) { return cidr.contains(ip); });
}

Scope find_scope(const Plan& plan, const std::vector<Ip>& local_addresses, const Ip& source,
                 std::vector<std::string>& reasons) {
  if (contains(local_addresses, source) || source.is_loopback()) {
    reasons.push_back(fmt::format("{} is an address of this node: scope host", to_string(source)));
    return Scope::kHost;
  }
  const DetectLocal& detect = plan.node.detect_local;
  switch (detect.mode) {
    case DetectLocal::Mode::kCidr:
      if (contains(detect.cidrs, source)) {
        reasons.push_back(
            fmt::format("{} lies in the local pods' prefixes: scope internal", to_string(source)));
        return Scope::kInternal;
      }
      break;
    case DetectLocal::Mode::kInterface:
    case DetectLocal::Mode::kInterfacePrefix:
      reasons.push_back(
          fmt::format("the interface decides what a local pod is (\"{}\"), an address cannot tell: "
                      "taken for external",
                      detect.interface));
      return Scope::kExternal;
    case DetectLocal::Mode::kNone:
      break;
  }
  reasons.push_back(fmt::format("{} is neither this node's nor a local pod's: scope external",
                                to_string(source)));
  return Scope::kExternal;
}

bool is_node_port_address(const Plan& plan, const std::vector<Ip>& local_addresses, const Ip& ip) {
  const auto mode = ip.is_v4() ? plan.node.node_ports_v4 : plan.node.node_ports_v6;
  if (mode == NodeSettings::NodePorts::kListed) return contains(plan.node.node_port_addresses, ip);
  return contains(local_addresses, ip) && !ip.is_loopback();
}

bool matches(const Frontend& frontend, const Packet& packet, bool to_node_port_address) {
  if (frontend.port != packet.port || frontend.address.family() != packet.destination.family())
    return false;
  if (frontend.kind == FrontendKind::kNodePort) return to_node_port_address;
  return frontend.address == packet.destination;
}

/// The frontend of the destination; one with an address of its own goes before a NodePort, as in
/// the datapaths.
void find_frontend(const Plan& plan, const Packet& packet, bool to_node_port_address,
                   Explanation& found) {
  for (const auto& [name, ports] : plan.services) {
    for (const ServicePlan& port : ports) {
      if (port.name.protocol != packet.protocol) continue;
      for (const Frontend& frontend : port.frontends) {
        if (!matches(frontend, packet, to_node_port_address)) continue;
        found.service = &port;
        found.frontend = &frontend;
        if (frontend.kind != FrontendKind::kNodePort) return;
      }
    }
  }
}

/// The Service that has this address as a ClusterIP, on whatever port.
const ServicePlan* find_cluster_ip(const Plan& plan, const Ip& ip) {
  for (const auto& [name, ports] : plan.services) {
    for (const ServicePlan& port : ports) {
      for (const Frontend& frontend : port.frontends) {
        if (frontend.kind == FrontendKind::kClusterIp && frontend.address == ip) return &port;
      }
    }
  }
  return nullptr;
}

void explain_miss(const Plan& plan, const Packet& packet, Explanation& result) {
  if (const ServicePlan* owner = find_cluster_ip(plan, packet.destination)) {
    result.outcome = Outcome::kReject;
    result.reasons.push_back(fmt::format(
        "{} is a ClusterIP of {}, which has no port {}/{}", to_string(packet.destination),
        to_string(owner->name.service), packet.port.host, to_string(packet.protocol)));
  } else if (contains(plan.node.service_cidrs, packet.destination)) {
    result.outcome = Outcome::kDrop;
    result.reasons.push_back(
        fmt::format("{} lies in the ClusterIPs' prefixes, but no Service has it",
                    to_string(packet.destination)));
  } else {
    result.reasons.push_back(
        "no Service has this address, port and protocol: the packet is left alone");
  }
}

/// A pod's port of the node.
void explain_host_port(const Verdict& verdict, Explanation& result) {
  if (verdict.action != Action::kForward) {
    result.outcome = Outcome::kDrop;
    result.reasons.emplace_back("loopback addresses are the node's own: nobody else reaches them");
    return;
  }
  result.outcome = Outcome::kForward;
  result.backends = result.service->backends(verdict.group);
  result.reasons.emplace_back("a port of the node that leads to one pod on it");
}

void explain_verdict(const Verdict& verdict, Explanation& result) {
  result.masquerade = verdict.masquerade && verdict.action == Action::kForward;
  if (result.frontend->kind == FrontendKind::kHostPort) return explain_host_port(verdict, result);
  switch (verdict.action) {
    case Action::kReject:
      result.outcome = Outcome::kReject;
      result.reasons.emplace_back("the Service has no endpoint that may be used");
      return;
    case Action::kDrop:
      result.outcome = Outcome::kDrop;
      result.reasons.emplace_back("the traffic policy is Local, and no endpoint is on this node");
      return;
    case Action::kForward:
      break;
  }
  result.outcome = Outcome::kForward;
  result.backends = result.service->backends(verdict.group);
  result.reasons.emplace_back(verdict.group == BackendGroup::kLocal
                                  ? "the traffic policy is Local: only endpoints on this node"
                                  : "any endpoint of the cluster that topology hints allow");
  const bool terminating = std::ranges::any_of(result.backends, [](const Backend& backend) {
    return backend.state == BackendState::kTerminating;
  });
  if (terminating)
    result.reasons.emplace_back("no endpoint is ready: terminating ones that still serve are used");
  if (verdict.masquerade)
    result.reasons.emplace_back("masqueraded: the backend sees an address of this node");
  if (result.service->affinity.count() > 0) {
    result.reasons.push_back(fmt::format("session affinity: a client keeps its backend for {} s",
                                         result.service->affinity.count()));
  }
}

}  // namespace

std::string to_string(const Packet& packet) {
  return fmt::format("{} -> {}/{}", to_string(packet.source),
                     to_string(packet.destination, packet.port), to_string(packet.protocol));
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kForward:
      return "forward";
    case Outcome::kReject:
      return "reject";
    case Outcome::kDrop:
      return "drop";
    case Outcome::kNotAService:
      return "not a Service";
  }
  return "";
}

Explanation explain(const Plan& plan, const std::vector<Ip>& local_addresses,
                    const Packet& packet) {
  Explanation result;
  result.scope = find_scope(plan, local_addresses, packet.source, result.reasons);
  find_frontend(plan, packet, is_node_port_address(plan, local_addresses, packet.destination),
                result);
  if (result.frontend == nullptr) {
    explain_miss(plan, packet, result);
    return result;
  }
  result.reasons.push_back(
      fmt::format("{} is a {} of {}", to_string(packet.destination, packet.port),
                  name_of(result.frontend->kind), to_string(result.service->name)));
  const auto& ranges = result.frontend->source_ranges;
  if (!ranges.empty() && !contains(ranges, packet.source)) {
    result.outcome = Outcome::kDrop;
    result.reasons.push_back(
        fmt::format("{} lies in none of loadBalancerSourceRanges", to_string(packet.source)));
    return result;
  }
  explain_verdict(result.frontend->verdict(result.scope), result);
  return result;
}

boost::json::object to_json(const Packet& packet, const Explanation& explanation,
                            const Result<std::optional<Trace>>& trace) {
  boost::json::object json{{"packet", to_string(packet)},
                           {"scope", name_of(explanation.scope)},
                           {"outcome", name_of(explanation.outcome)}};
  json["service"] = explanation.service == nullptr ? "" : to_string(explanation.service->name);
  json["kind"] = explanation.frontend == nullptr ? "" : name_of(explanation.frontend->kind);
  json["masquerade"] = explanation.masquerade;
  json["backends"] = backends_json(explanation.backends);
  json["reasons"] = boost::json::array(explanation.reasons.begin(), explanation.reasons.end());
  if (!trace) {
    json["kernel"] = boost::json::object{{"error", trace.error().doing}};
  } else if (*trace) {
    boost::json::object kernel{
        {"decisions", boost::json::array((*trace)->decisions.begin(), (*trace)->decisions.end())}};
    if ((*trace)->backend)
      kernel["backend"] = to_string((*trace)->backend->address, (*trace)->backend->port);
    json["kernel"] = std::move(kernel);
  }
  return json;
}

}  // namespace fairlead
