// Pod -> its address of the family, its ports as the Service names them, its conditions, node, zone
// and hints.
#include "controlplane/api/slice_endpoints.hpp"

#include <algorithm>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "model/ip.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

bool has_ended(const json::object& pod) {
  std::string_view phase = text_at(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

std::string address_of(const json::object& pod, std::string_view address_type) {
  Family wanted = address_type == "IPv6" ? Family::kIpv6 : Family::kIpv4;
  std::vector<std::string_view> candidates;
  for (const json::value& ip : array_at(pod, {"status", "podIPs"})) {
    candidates.push_back(text_at(object_of(ip), {"ip"}));
  }
  if (candidates.empty()) candidates.push_back(text_at(pod, {"status", "podIP"}));
  for (std::string_view text : candidates) {
    auto ip = parse_ip(text);
    if (ip && ip->family() == wanted) return std::string(text);
  }
  return {};
}

/// The number that a named port has in the Pod; 0 if it has none of that name and protocol.
std::int64_t named_port(const json::object& pod, std::string_view name, std::string_view protocol) {
  for (const json::value& container : array_at(pod, {"spec", "containers"})) {
    for (const json::value& entry : array_at(object_of(container), {"ports"})) {
      const json::object& port = object_of(entry);
      std::string_view its_protocol = text_at(port, {"protocol"});
      if (its_protocol.empty()) its_protocol = "TCP";
      if (text_at(port, {"name"}) == name && its_protocol == protocol) {
        return integer_at(port, {"containerPort"}).value_or(0);
      }
    }
  }
  return 0;
}

json::array resolve_ports(const json::object& service, const json::object& pod) {
  json::array ports;
  for (const json::value& entry : array_at(service, {"spec", "ports"})) {
    const json::object& port = object_of(entry);
    std::string_view protocol = text_at(port, {"protocol"});
    const json::value* target = port.if_contains("targetPort");
    std::int64_t number = integer_at(port, {"port"}).value_or(0);
    if (target != nullptr && target->is_string()) {
      number = named_port(pod, text_of(*target), protocol);
    } else if (target != nullptr) {
      number = integer_of(*target).value_or(number);
    }
    if (number == 0) continue;  // this Pod does not serve this port
    json::object resolved{{"name", json::value(text_at(port, {"name"}))},
                          {"port", number},
                          {"protocol", json::value(protocol)}};
    if (const json::value* app = port.if_contains("appProtocol")) resolved["appProtocol"] = *app;
    ports.push_back(std::move(resolved));
  }
  return ports;
}

bool is_ready(const json::object& pod) {
  for (const json::value& condition : array_at(pod, {"status", "conditions"})) {
    if (text_at(object_of(condition), {"type"}) == "Ready") {
      return text_at(object_of(condition), {"status"}) == "True";
    }
  }
  return false;
}

json::object conditions_of(const json::object& service, const json::object& pod) {
  bool serving = is_ready(pod);
  bool terminating = !text_at(pod, {"metadata", "deletionTimestamp"}).empty();
  bool ready = true_at(service, {"spec", "publishNotReadyAddresses"}) || (serving && !terminating);
  return {{"ready", ready}, {"serving", serving}, {"terminating", terminating}};
}

/// spec.trafficDistribution as hints: whom the endpoint is meant for.
json::object hints_of(const json::object& service, std::string_view node, std::string_view zone) {
  std::string_view distribution = text_at(service, {"spec", "trafficDistribution"});
  json::object hints;
  if (distribution.empty()) return hints;
  if (!zone.empty()) hints["forZones"] = json::array{json::object{{"name", json::value(zone)}}};
  if (distribution == "PreferSameNode" && !node.empty()) {
    hints["forNodes"] = json::array{json::object{{"name", json::value(node)}}};
  }
  return hints;
}

json::object make_endpoint(const SliceInputs& inputs, const json::object& pod,
                           const std::string& address) {
  const json::object& service = *inputs.service;
  json::object endpoint{
      {"addresses", json::array{json::value(address)}},
      {"conditions", conditions_of(service, pod)},
      {"targetRef",
       json::object{{"kind", "Pod"},
                    {"namespace", json::value(text_at(pod, {"metadata", "namespace"}))},
                    {"name", json::value(text_at(pod, {"metadata", "name"}))},
                    {"uid", json::value(text_at(pod, {"metadata", "uid"}))}}}};
  std::string_view host = text_at(pod, {"spec", "hostname"});
  if (!host.empty() &&
      text_at(pod, {"spec", "subdomain"}) == text_at(service, {"metadata", "name"})) {
    endpoint["hostname"] = json::value(host);
  }
  std::string_view node_name = text_at(pod, {"spec", "nodeName"});
  if (node_name.empty()) return endpoint;
  endpoint["nodeName"] = json::value(node_name);
  const json::object* node = inputs.node ? inputs.node(node_name) : nullptr;
  std::string_view zone =
      node == nullptr ? std::string_view()
                      : text_at(*node, {"metadata", "labels", "topology.kubernetes.io/zone"});
  if (!zone.empty()) endpoint["zone"] = json::value(zone);
  json::object hints = hints_of(service, node_name, zone);
  if (!hints.empty()) endpoint["hints"] = std::move(hints);
  return endpoint;
}

}  // namespace

std::string ports_key(const json::array& ports) {
  std::set<std::string> keys;
  for (const json::value& entry : ports) {
    const json::object& port = object_of(entry);
    keys.insert(std::string(text_at(port, {"name"})) + '/' +
                std::string(text_at(port, {"protocol"})) + '/' +
                std::to_string(integer_at(port, {"port"}).value_or(0)) + '/' +
                std::string(text_at(port, {"appProtocol"})));
  }
  std::string all;
  for (const std::string& key : keys) all += key + ' ';
  return all;
}

std::string endpoint_id(const json::object& endpoint) {
  const json::array& addresses = array_at(endpoint, {"addresses"});
  std::string id(addresses.empty() ? std::string_view() : text_of(addresses[0]));
  return id + ' ' + std::string(text_at(endpoint, {"targetRef", "uid"})) + ' ' +
         std::string(text_at(endpoint, {"targetRef", "name"}));
}

std::map<std::string, SliceGroup> group_endpoints(const SliceInputs& inputs,
                                                  std::string_view address_type) {
  std::map<std::string, SliceGroup> groups;
  bool service_has_ports = !array_at(*inputs.service, {"spec", "ports"}).empty();
  for (const json::object* pod : inputs.pods) {
    if (!selects(*inputs.service, *pod) || has_ended(*pod)) continue;
    std::string address = address_of(*pod, address_type);
    if (address.empty()) continue;
    json::array ports = resolve_ports(*inputs.service, *pod);
    if (ports.empty() && service_has_ports) continue;
    SliceGroup& group = groups[ports_key(ports)];
    group.ports = std::move(ports);
    json::object endpoint = make_endpoint(inputs, *pod, address);
    std::string id = endpoint_id(endpoint);
    if (group.endpoints.emplace(id, std::move(endpoint)).second) group.order.push_back(id);
  }
  return groups;
}

}  // namespace fairlead::api
