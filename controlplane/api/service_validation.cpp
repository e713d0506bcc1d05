// What a Service may be, after defaults and allocation; in the order in which Kubernetes complains.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> kTypes{"ClusterIP", "ExternalName", "LoadBalancer",
                                                 "NodePort"};
constexpr std::int64_t kKubeletPort = 10250;
constexpr std::int64_t kMostAffinitySeconds = 86400;
constexpr std::string_view kBalancersOnly = "may only be used when `type` is 'LoadBalancer'";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> choices) {
  return std::ranges::find(choices, text) != choices.end();
}

/// A text that must be one of `choices`; missing is `Required`.
void check_choice(const json::object& object, std::string_view key, const std::string& field,
                  std::initializer_list<std::string_view> choices, FieldErrors& errors) {
  std::string_view text = text_at(object, {key});
  if (text.empty()) {
    errors.push_back(required(field));
  } else if (!is_one_of(text, choices)) {
    errors.push_back(not_supported(field, json::value(text), choices));
  }
}

void check_target_port(const json::value* target, const std::string& field, FieldErrors& errors) {
  if (target == nullptr) return;
  if (target->is_string()) {
    add_invalid(errors, field, *target, check_port_name(text_of(*target)));
  } else {
    add_invalid(errors, field, *target, check_port_number(integer_of(*target).value_or(0)));
  }
}

void check_port(const json::object& port, const std::string& field, bool name_needed,
                std::set<std::string>& names, FieldErrors& errors) {
  std::string name(text_at(port, {"name"}));
  if (name.empty()) {
    if (name_needed) errors.push_back(required(field + ".name"));
  } else {
    add_invalid(errors, field + ".name", json::value(name), check_dns1123_label(name));
    if (!names.insert(name).second) {
      errors.push_back(duplicate(field + ".name", json::value(name)));
    }
  }
  std::int64_t number = integer_at(port, {"port"}).value_or(0);
  add_invalid(errors, field + ".port", number, check_port_number(number));
  check_choice(port, "protocol", field + ".protocol", {"TCP", "UDP", "SCTP"}, errors);
  check_target_port(port.if_contains("targetPort"), field + ".targetPort", errors);
  if (const json::value* protocol = port.if_contains("appProtocol")) {
    add_invalid(errors, field + ".appProtocol", *protocol,
                check_qualified_name(text_of(*protocol)));
  }
}

/// How Kubernetes prints a duplicated port: its own struct, of which only these two fields are set.
json::value shown_port(std::string_view protocol, std::int64_t number) {
  return json::object{{"Name", ""},     {"Protocol", protocol}, {"AppProtocol", nullptr},
                      {"Port", number}, {"TargetPort", 0},      {"NodePort", 0}};
}

void check_duplicate_ports(const json::array& ports, FieldErrors& errors) {
  using Key = std::pair<std::string, std::int64_t>;
  std::set<Key> node_ports, numbers;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const json::object& port = object_of(ports[i]);
    std::string protocol(text_at(port, {"protocol"}));
    std::int64_t node_port = integer_at(port, {"nodePort"}).value_or(0);
    if (node_port != 0 && !node_ports.insert({protocol, node_port}).second) {
      errors.push_back(duplicate(indexed("spec.ports", i) + ".nodePort", node_port));
    }
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const json::object& port = object_of(ports[i]);
    std::string protocol(text_at(port, {"protocol"}));
    std::int64_t number = integer_at(port, {"port"}).value_or(0);
    if (!numbers.insert({protocol, number}).second) {
      errors.push_back(duplicate(indexed("spec.ports", i), shown_port(protocol, number)));
    }
  }
}

void check_external_name(const json::object& spec, FieldErrors& errors) {
  constexpr std::string_view kNotForExternal = "may not be set for ExternalName services";
  for (std::string_view key : {"clusterIPs", "ipFamilies"}) {
    if (!array_at(spec, {key}).empty()) {
      errors.push_back(forbidden_value("spec." + std::string(key), kNotForExternal));
    }
  }
  if (spec.contains("ipFamilyPolicy")) {
    errors.push_back(forbidden_value("spec.ipFamilyPolicy", kNotForExternal));
  }
  std::string_view name = text_at(spec, {"externalName"});
  if (name.empty()) {
    errors.push_back(required("spec.externalName"));
    return;
  }
  std::string_view host = name;
  if (host.ends_with('.')) host.remove_suffix(1);
  add_invalid(errors, "spec.externalName", json::value(host), check_dns1123_subdomain(host));
}

void check_type(const json::object& service, FieldErrors& errors) {
  const json::object& spec = object_at(service, {"spec"});
  std::string_view type = text_at(spec, {"type"});
  const json::array& ports = array_at(spec, {"ports"});
  if (ports.empty() && !is_headless(service) && type != "ExternalName") {
    errors.push_back(required("spec.ports"));
  }
  for (std::size_t i = 0; type == "LoadBalancer" && i < ports.size(); ++i) {
    if (integer_at(object_of(ports[i]), {"port"}) == kKubeletPort) {
      errors.push_back(
          invalid_value(indexed("spec.ports", i), kKubeletPort,
                        "may not expose port 10250 externally since it is used by kubelet"));
    }
  }
  if ((type == "LoadBalancer" || type == "NodePort") && is_headless(service)) {
    errors.push_back(
        invalid_value("spec.clusterIPs[0]", "None",
                      "may not be set to 'None' for " + std::string(type) + " services"));
  }
  if (type == "ExternalName") check_external_name(spec, errors);
}

void check_affinity(const json::object& spec, FieldErrors& errors) {
  check_choice(spec, "sessionAffinity", "spec.sessionAffinity", {"ClientIP", "None"}, errors);
  if (text_at(spec, {"sessionAffinity"}) != "ClientIP") return;
  auto seconds =
      integer_at(spec, {"sessionAffinityConfig", "clientIP", "timeoutSeconds"}).value_or(0);
  if (seconds <= 0 || seconds > kMostAffinitySeconds) {
    errors.push_back(invalid_value("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds,
                                   "must be greater than 0 and less than 86400"));
  }
}

void check_external_ips(const json::array& ips, FieldErrors& errors) {
  for (std::size_t i = 0; i < ips.size(); ++i) {
    std::string field = indexed("spec.externalIPs", i);
    auto ip = parse_ip(text_of(ips[i]));
    if (!ip) {
      errors.push_back(invalid_value(field, ips[i], kBadIp));
    } else {
      add_invalid(errors, field, ips[i], check_non_special_ip(*ip));
    }
  }
}

void check_balancer_fields(const json::object& spec, FieldErrors& errors) {
  bool balanced = text_at(spec, {"type"}) == "LoadBalancer";
  const json::array& ranges = array_at(spec, {"loadBalancerSourceRanges"});
  if (!ranges.empty() && !balanced) {
    errors.push_back(forbidden_value("spec.LoadBalancerSourceRanges", kBalancersOnly));
  }
  for (std::size_t i = 0; balanced && i < ranges.size(); ++i) {
    if (!parse_cidr(text_of(ranges[i]))) {
      errors.push_back(
          invalid_value(indexed("spec.LoadBalancerSourceRanges", i), ranges[i],
                        "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"));
    }
  }
  for (std::string_view key : {"allocateLoadBalancerNodePorts", "loadBalancerClass"}) {
    if (spec.contains(key) && !balanced) {
      errors.push_back(forbidden_value("spec." + std::string(key), kBalancersOnly));
    }
  }
  std::string_view balancer_class = text_at(spec, {"loadBalancerClass"});
  if (balanced && spec.contains("loadBalancerClass")) {
    add_invalid(errors, "spec.loadBalancerClass", json::value(balancer_class),
                check_qualified_name(balancer_class));
  }
}

void check_traffic_policies(const json::object& service, FieldErrors& errors) {
  const json::object& spec = object_at(service, {"spec"});
  std::string_view external = text_at(spec, {"externalTrafficPolicy"});
  if (is_externally_accessible(service)) {
    check_choice(spec, "externalTrafficPolicy", "spec.externalTrafficPolicy", {"Cluster", "Local"},
                 errors);
  } else if (!external.empty()) {
    errors.push_back(invalid_value("spec.externalTrafficPolicy", json::value(external),
                                   "may only be set for externally-accessible services"));
  }
  auto port = integer_at(spec, {"healthCheckNodePort"}).value_or(0);
  if (!needs_health_check_port(service) && port != 0) {
    errors.push_back(invalid_value(
        "spec.healthCheckNodePort", port,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  }
  if (spec.contains("internalTrafficPolicy")) {
    check_choice(spec, "internalTrafficPolicy", "spec.internalTrafficPolicy", {"Cluster", "Local"},
                 errors);
  }
  if (spec.contains("trafficDistribution")) {
    check_choice(spec, "trafficDistribution", "spec.trafficDistribution",
                 {"PreferClose", "PreferSameNode", "PreferSameZone"}, errors);
  }
}

void check_ports(const json::object& service, FieldErrors& errors) {
  const json::array& ports = array_at(service, {"spec", "ports"});
  std::set<std::string> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    check_port(object_of(ports[i]), indexed("spec.ports", i), ports.size() > 1, names, errors);
  }
}

void check_no_node_ports(const json::object& spec, FieldErrors& errors) {
  const json::array& ports = array_at(spec, {"ports"});
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (integer_at(object_of(ports[i]), {"nodePort"}).value_or(0) == 0) continue;
    errors.push_back(forbidden_value(indexed("spec.ports", i) + ".nodePort",
                                     "may not be used when `type` is 'ClusterIP'"));
  }
}

}  // namespace

void validate_service(const json::object& service, FieldErrors& errors) {
  const json::object& spec = object_at(service, {"spec"});
  check_type(service, errors);
  check_ports(service, errors);
  validate_labels(object_at(spec, {"selector"}), "spec.selector", errors);
  check_affinity(spec, errors);
  validate_cluster_ips(service, errors);
  check_external_ips(array_at(spec, {"externalIPs"}), errors);
  std::string_view type = text_at(spec, {"type"});
  if (std::ranges::find(kTypes, type) == kTypes.end()) {
    errors.push_back(not_supported("spec.type", json::value(type), {kTypes.begin(), kTypes.end()}));
  }
  if (type == "ClusterIP") check_no_node_ports(spec, errors);
  check_duplicate_ports(array_at(spec, {"ports"}), errors);
  check_balancer_fields(spec, errors);
  check_traffic_policies(service, errors);
}

void validate_service_update(const json::object& old, const json::object& service,
                             FieldErrors& errors) {
  const json::array& before = array_at(old, {"spec", "clusterIPs"});
  const json::array& after = array_at(service, {"spec", "clusterIPs"});
  bool kept_type = needs_cluster_ip(old) && needs_cluster_ip(service);
  if (kept_type && !before.empty()) {
    if (after.empty()) {
      errors.push_back(
          invalid_value("spec.clusterIPs[0]", after, "primary clusterIP can not be unset"));
    } else if (after[0] != before[0]) {
      errors.push_back(invalid_value("spec.clusterIPs[0]", after, "may not change once set"));
    } else if (after.size() == 2 && before.size() == 2 && after[1] != before[1]) {
      errors.push_back(invalid_value("spec.clusterIPs[1]", after, "may not change once set"));
    }
    const json::array& families = array_at(service, {"spec", "ipFamilies"});
    const json::array& old_families = array_at(old, {"spec", "ipFamilies"});
    if (!families.empty() && !old_families.empty() && families[0] != old_families[0]) {
      errors.push_back(invalid_value("spec.ipFamilies[0]", families, "may not change once set"));
    }
  }
  if (needs_health_check_port(old) && needs_health_check_port(service)) {
    validate_immutable(old, service, {"spec", "healthCheckNodePort"}, errors);
  }
  bool still_balanced = text_at(old, {"spec", "type"}) == "LoadBalancer" &&
                        text_at(service, {"spec", "type"}) == "LoadBalancer";
  if (still_balanced) {
    const json::value* old_class = find_value(old, {"spec", "loadBalancerClass"});
    const json::value* new_class = find_value(service, {"spec", "loadBalancerClass"});
    bool same = old_class == nullptr || new_class == nullptr ? old_class == new_class
                                                             : *old_class == *new_class;
    if (!same) {
      errors.push_back(invalid_value("spec.loadBalancerClass",
                                     new_class == nullptr ? json::value() : *new_class,
                                     "may not change once set"));
    }
  }
}

void validate_service_status(const json::object& service, FieldErrors& errors) {
  const json::array& ingress = array_at(service, {"status", "loadBalancer", "ingress"});
  if (!ingress.empty() && text_at(service, {"spec", "type"}) != "LoadBalancer") {
    errors.push_back(forbidden_value("status.loadBalancer.ingress",
                                     "may only be used when `spec.type` is \"LoadBalancer\""));
    return;
  }
  for (std::size_t i = 0; i < ingress.size(); ++i) {
    const json::object& one = object_of(ingress[i]);
    std::string field = indexed("status.loadBalancer.ingress", i);
    std::string_view ip = text_at(one, {"ip"});
    if (!ip.empty() && !parse_ip(ip)) {
      errors.push_back(invalid_value(field + ".ip", json::value(ip), kBadIp));
    }
    if (ip.empty() && one.contains("ipMode")) {
      errors.push_back(
          forbidden_value(field + ".ipMode", "may not be specified when `ip` is not set"));
    }
    if (!ip.empty()) check_choice(one, "ipMode", field + ".ipMode", {"Proxy", "VIP"}, errors);
    std::string_view host = text_at(one, {"hostname"});
    if (!host.empty()) {
      add_invalid(errors, field + ".hostname", json::value(host), check_dns1123_subdomain(host));
      if (parse_ip(host)) {
        errors.push_back(invalid_value(field + ".hostname", json::value(host),
                                       "must be a DNS name, not an IP address"));
      }
    }
  }
}

}  // namespace fairlead::api
