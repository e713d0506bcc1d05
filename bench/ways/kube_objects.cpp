// Frontends -> a Service; lists of backends -> EndpointSlices or Endpoints.
#include "bench/ways/kube_objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

namespace json = boost::json;

constexpr std::size_t kSliceEndpoints = 1000;  // the API's limit

json::object metadata(const ObjectName& name) {
  json::object result{{"name", name.name}};
  if (!name.ns.empty()) result["namespace"] = name.ns;
  return result;
}

std::string in_namespace(std::string_view group, const ObjectName& name, std::string_view plural) {
  return fmt::format("/{}/namespaces/{}/{}", group, name.ns, plural);
}

/// What a Service says of one of its ports.
struct ServicePortSpec {
  std::uint16_t port = 0, node_port = 0;
};
using PortKey = std::pair<std::string, Protocol>;

struct ServiceParts {
  std::map<PortKey, ServicePortSpec> ports;
  std::set<std::string> external_ips, balancer_ips, source_ranges;
  std::map<Family, std::string> cluster_ips;
  bool internal_local = false, external_local = false, has_node_port = false;
  std::chrono::seconds affinity{0};
};

ServiceParts parts_of(const ServicePlans& plans) {
  ServiceParts parts;
  for (const ServicePlan& plan : plans) {
    const PeerService peer(plan);
    parts.internal_local |= peer.internal_local;
    parts.external_local |= peer.external_local;
    parts.affinity = plan.affinity;
    ServicePortSpec& port = parts.ports[{plan.name.port, plan.name.protocol}];
    for (const Frontend& frontend : plan.frontends) {
      const std::string address = to_string(frontend.address);
      for (const Cidr& range : frontend.source_ranges) parts.source_ranges.insert(to_string(range));
      if (frontend.kind == FrontendKind::kHostPort) continue;
      if (frontend.kind == FrontendKind::kNodePort) {
        port.node_port = frontend.port.host;
        parts.has_node_port = true;
        continue;
      }
      port.port = frontend.port.host;
      if (frontend.kind == FrontendKind::kClusterIp) parts.cluster_ips[plan.name.family] = address;
      if (frontend.kind == FrontendKind::kExternalIp) parts.external_ips.insert(address);
      if (frontend.kind == FrontendKind::kLoadBalancer) parts.balancer_ips.insert(address);
    }
  }
  return parts;
}

json::array ports_of(const ServiceParts& parts) {
  json::array ports;
  for (const auto& [key, spec] : parts.ports) {
    json::object port{{"protocol", to_string(key.second)}, {"port", spec.port}};
    if (!key.first.empty()) port["name"] = key.first;
    if (spec.node_port != 0) port["nodePort"] = spec.node_port;
    ports.push_back(std::move(port));
  }
  return ports;
}

template <class Range>
json::array array_of(const Range& texts) {
  json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

/// With those that only one of the lists has; sorted.
std::vector<Backend> all_backends(const ServicePlan& plan) {
  std::set<Backend> all(plan.cluster_backends.begin(), plan.cluster_backends.end());
  all.insert(plan.local_backends.begin(), plan.local_backends.end());
  return {all.begin(), all.end()};
}

json::object slice_endpoint(const Backend& backend) {
  const bool terminating = backend.state == BackendState::kTerminating;
  return {
      {"addresses", json::array{to_string(backend.address)}},
      {"nodeName", backend.local ? kNodeName : "elsewhere"},
      {"conditions", {{"ready", !terminating}, {"serving", true}, {"terminating", terminating}}}};
}

json::array port_of(const ServicePlan& plan, std::uint16_t number) {
  json::object port{{"port", number}, {"protocol", to_string(plan.name.protocol)}};
  if (!plan.name.port.empty()) port["name"] = plan.name.port;
  return {std::move(port)};
}

std::map<std::uint16_t, std::vector<Backend>> by_port(const ServicePlan& plan) {
  std::map<std::uint16_t, std::vector<Backend>> groups;
  for (const Backend& backend : all_backends(plan)) groups[backend.port.host].push_back(backend);
  return groups;
}

ApiObject slice_of(const ServicePlan& plan, std::uint16_t port, std::size_t number,
                   std::span<const Backend> backends) {
  const bool is_v4 = plan.name.family == Family::kIpv4;
  ObjectName name = plan.name.service;
  name.name = fmt::format("{}-{}-{}-{}-{}-{}", name.name, plan.name.port,
                          plan.name.protocol == Protocol::kTcp ? "tcp" : "udp", is_v4 ? "v4" : "v6",
                          port, number);
  json::object meta = metadata(name);
  meta["labels"] = {{"kubernetes.io/service-name", plan.name.service.name}};
  json::array endpoints;
  for (const Backend& backend : backends) endpoints.push_back(slice_endpoint(backend));
  return {in_namespace("apis/discovery.k8s.io/v1", name, "endpointslices"),
          name.name,
          {{"apiVersion", "discovery.k8s.io/v1"},
           {"kind", "EndpointSlice"},
           {"metadata", std::move(meta)},
           {"addressType", is_v4 ? "IPv4" : "IPv6"},
           {"endpoints", std::move(endpoints)},
           {"ports", port_of(plan, port)}}};
}

ApiObject endpoints_object(const ServicePlans& plans) {
  const ObjectName& name = plans.front().name.service;
  json::array subsets;
  for (const ServicePlan& plan : plans)
    for (const auto& [port, backends] : by_port(plan)) {
      json::array addresses;
      for (const Backend& backend : backends)
        addresses.push_back(json::object{{"ip", to_string(backend.address)},
                                         {"nodeName", backend.local ? kNodeName : "elsewhere"}});
      subsets.push_back(
          json::object{{"addresses", std::move(addresses)}, {"ports", port_of(plan, port)}});
    }
  return {in_namespace("api/v1", name, "endpoints"),
          name.name,
          {{"apiVersion", "v1"},
           {"kind", "Endpoints"},
           {"metadata", metadata(name)},
           {"subsets", std::move(subsets)}}};
}

std::set<Ip> cluster_ips(const Plan& plan, Family family) {
  std::set<Ip> addresses;
  for (const auto& [name, plans] : plan.services)
    for (const ServicePlan& service : plans)
      for (const Frontend& frontend : service.frontends)
        if (frontend.kind == FrontendKind::kClusterIp && service.name.family == family)
          addresses.insert(frontend.address);
  return addresses;
}

/// The smallest that contains all; `spare_first`: but none is its first address.
std::string range_of(const std::set<Ip>& addresses, bool spare_first) {
  // Smaller ones the API server does not take.
  for (int length = addresses.begin()->is_v4() ? 28 : 124; length > 0; --length) {
    const Cidr range =
        parse_cidr(fmt::format("{}/{}", to_string(*addresses.begin()), length)).value();
    Ip first = range.base;
    ++first.bytes.back();
    if (range.contains(*addresses.rbegin()) && !(spare_first && addresses.contains(first)))
      return to_string(range);
  }
  return addresses.begin()->is_v4() ? "0.0.0.0/0" : "::/0";  // refused, with a reason
}

}  // namespace

std::vector<ApiObject> kube_places(const Plan& plan) {
  json::array addresses;
  for (const Ip& address : plan.node.node_port_addresses)
    addresses.push_back(json::object{{"type", "InternalIP"}, {"address", to_string(address)}});
  std::vector<ApiObject> objects{{"/api/v1/nodes",
                                  kNodeName,
                                  {{"apiVersion", "v1"},
                                   {"kind", "Node"},
                                   {"metadata", {{"name", kNodeName}}},
                                   {"status", {{"addresses", std::move(addresses)}}}}}};
  std::set<std::string> names;
  for (const auto& [name, plans] : plan.services) names.insert(name.ns);
  for (const std::string& name : names)
    if (name != "default")
      objects.push_back(
          {"/api/v1/namespaces",
           name,
           {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}}});
  return objects;
}

ApiObject kube_service(const ServicePlans& plans) {
  const ObjectName& name = plans.front().name.service;
  const ServiceParts parts = parts_of(plans);
  json::array cluster_ips, families;
  for (const auto& [family, address] : parts.cluster_ips) {
    cluster_ips.emplace_back(address);
    families.emplace_back(family == Family::kIpv4 ? "IPv4" : "IPv6");
  }
  json::object spec{{"ports", ports_of(parts)},
                    {"ipFamilyPolicy", families.size() > 1 ? "RequireDualStack" : "SingleStack"},
                    {"internalTrafficPolicy", parts.internal_local ? "Local" : "Cluster"}};
  const bool is_balanced = !parts.balancer_ips.empty();
  spec["type"] = is_balanced ? "LoadBalancer" : parts.has_node_port ? "NodePort" : "ClusterIP";
  if (!cluster_ips.empty()) spec["clusterIP"] = cluster_ips.front();
  spec["clusterIPs"] = std::move(cluster_ips);
  spec["ipFamilies"] = std::move(families);
  if (is_balanced && !parts.has_node_port) spec["allocateLoadBalancerNodePorts"] = false;
  if (is_balanced || parts.has_node_port || !parts.external_ips.empty())
    spec["externalTrafficPolicy"] = parts.external_local ? "Local" : "Cluster";
  if (!parts.external_ips.empty()) spec["externalIPs"] = array_of(parts.external_ips);
  if (!parts.source_ranges.empty())
    spec["loadBalancerSourceRanges"] = array_of(parts.source_ranges);
  if (parts.affinity.count() != 0) {
    spec["sessionAffinity"] = "ClientIP";
    spec["sessionAffinityConfig"] = {{"clientIP", {{"timeoutSeconds", parts.affinity.count()}}}};
  }
  ApiObject object{in_namespace("api/v1", name, "services"),
                   name.name,
                   {{"apiVersion", "v1"},
                    {"kind", "Service"},
                    {"metadata", metadata(name)},
                    {"spec", std::move(spec)}}};
  json::array ingress;
  for (const std::string& address : parts.balancer_ips)
    ingress.push_back(json::object{{"ip", address}});
  if (is_balanced) object.status = {{"loadBalancer", {{"ingress", std::move(ingress)}}}};
  return object;
}

std::vector<ApiObject> kube_endpoints(const ServicePlans& plans, EndpointsApi api) {
  if (api == EndpointsApi::kEndpoints) return {endpoints_object(plans)};
  std::vector<ApiObject> slices;
  for (const ServicePlan& plan : plans)
    for (const auto& [port, backends] : by_port(plan))
      for (std::size_t first = 0, number = 0; first < backends.size();
           first += kSliceEndpoints, ++number)
        slices.push_back(slice_of(plan, port, number,
                                  std::span(backends).subspan(
                                      first, std::min(kSliceEndpoints, backends.size() - first))));
  return slices;
}

std::string kube_service_ranges(const Plan& plan) {
  const std::set<Ip> v4 = cluster_ips(plan, Family::kIpv4), v6 = cluster_ips(plan, Family::kIpv6);
  // Of each family there may be one.
  if (v6.empty()) return "fd00:96::/112" + (v4.empty() ? "" : ',' + range_of(v4, false));
  if (v4.empty()) return "10.96.0.0/16," + range_of(v6, false);
  return range_of(v4, true) + ',' + range_of(v6, false);
}

}  // namespace fairlead::bench
