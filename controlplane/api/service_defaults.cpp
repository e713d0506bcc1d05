// What a Service gets without asking, and what follows from changing its type: the fields of the
// old type go, unless the client has just set them.
#include <map>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t kAffinitySeconds = 10800;

json::object& spec_of(json::object& service) { return ensure_object(service, "spec"); }

void set_default(json::object& object, std::string_view key, json::value value) {
  const json::value* found = object.if_contains(key);
  bool missing = found == nullptr || (found->is_string() && found->get_string().empty());
  if (missing) object[key] = std::move(value);
}

void default_ports(json::object& spec) {
  json::value* ports = spec.if_contains("ports");
  if (ports == nullptr || !ports->is_array()) return;
  for (json::value& entry : ports->get_array()) {
    json::object& port = entry.get_object();
    set_default(port, "protocol", "TCP");
    json::value* target = port.if_contains("targetPort");
    bool unset = target == nullptr || (target->is_int64() && target->get_int64() == 0) ||
                 (target->is_string() && target->get_string().empty());
    if (unset && port.contains("port")) port["targetPort"] = port["port"];
  }
}

void default_affinity(json::object& spec) {
  set_default(spec, "sessionAffinity", "None");
  if (text_at(spec, {"sessionAffinity"}) == "None") spec.erase("sessionAffinityConfig");
  if (text_at(spec, {"sessionAffinity"}) != "ClientIP") return;
  json::object& client = ensure_object(ensure_object(spec, "sessionAffinityConfig"), "clientIP");
  set_default(client, "timeoutSeconds", kAffinitySeconds);
}

void default_status(json::object& service) {
  json::object& load_balancer = ensure_object(ensure_object(service, "status"), "loadBalancer");
  json::value* ingress = load_balancer.if_contains("ingress");
  if (ingress == nullptr || !ingress->is_array()) return;
  for (json::value& entry : ingress->get_array()) {
    json::object& one = entry.get_object();
    if (!text_at(one, {"ip"}).empty()) set_default(one, "ipMode", "VIP");
  }
}

/// Keeps clusterIP and clusterIPs[0] the same, from whichever of them the client has set.
void mirror_cluster_ips(const json::object* old, json::object& spec) {
  std::string one(text_at(spec, {"clusterIP"}));
  const json::array& all = array_at(spec, {"clusterIPs"});
  bool one_changed = false, all_changed = !all.empty();
  if (old != nullptr) {
    one_changed = one != text_at(*old, {"spec", "clusterIP"});
    all_changed = all != array_at(*old, {"spec", "clusterIPs"});
  }
  if (!one.empty() && (all.empty() || (one_changed && !all_changed))) {
    spec["clusterIPs"] = json::array{one};
  } else if (one.empty() && !all.empty() && one_changed && !all_changed) {
    spec.erase("clusterIPs");  // the client cleared clusterIP alone
  } else if (one.empty() && !all.empty()) {
    spec["clusterIP"] = all.front();
  }
}

using PortKey = std::pair<std::string, std::int64_t>;

PortKey key_of(const json::value& port) {
  return {std::string(text_at(object_of(port), {"protocol"})),
          integer_at(object_of(port), {"port"}).value_or(0)};
}

std::int64_t node_port(const json::value& port) {
  return integer_at(object_of(port), {"nodePort"}).value_or(0);
}

/// A port that the client sends without its node port keeps the one it has.
void keep_node_ports(const json::object& old, json::object& spec) {
  json::value* ports = spec.if_contains("ports");
  if (ports == nullptr) return;
  std::map<PortKey, std::int64_t> before;
  for (const json::value& port : array_at(old, {"spec", "ports"}))
    before[key_of(port)] = node_port(port);
  std::map<std::pair<std::string, std::int64_t>, int> used;
  for (const json::value& port : ports->get_array()) ++used[{key_of(port).first, node_port(port)}];
  for (json::value& port : ports->get_array()) {
    auto found = before.find(key_of(port));
    if (node_port(port) != 0 || found == before.end() || found->second == 0) continue;
    if (used[{key_of(port).first, found->second}]++ > 0) continue;
    port.get_object()["nodePort"] = found->second;
  }
}

void keep_allocated(const json::object& old, json::object& service) {
  json::object& spec = spec_of(service);
  const json::object& before = object_at(old, {"spec"});
  if (needs_cluster_ip(old) && needs_cluster_ip(service)) {
    if (text_at(spec, {"clusterIP"}).empty() && array_at(spec, {"clusterIPs"}).empty() &&
        before.contains("clusterIP")) {
      spec["clusterIP"] = before.at("clusterIP");
    }
    if (array_at(spec, {"clusterIPs"}).empty() && before.contains("clusterIPs") &&
        text_at(spec, {"clusterIP"}) == text_at(before, {"clusterIP"})) {
      spec["clusterIPs"] = before.at("clusterIPs");
    }
  }
  if (needs_node_ports(old) && needs_node_ports(service)) keep_node_ports(old, spec);
  if (needs_health_check_port(old) && needs_health_check_port(service) &&
      !spec.contains("healthCheckNodePort") && before.contains("healthCheckNodePort")) {
    spec["healthCheckNodePort"] = before.at("healthCheckNodePort");
  }
}

bool same(const json::object& old, const json::object& spec, std::string_view key) {
  const json::value* before = find_value(old, {"spec", key});
  const json::value* after = spec.if_contains(key);
  return before != nullptr && after != nullptr && *before == *after;
}

void drop_if_same(const json::object& old, json::object& spec, std::string_view key) {
  if (same(old, spec, key)) spec.erase(key);
}

bool same_node_ports(const json::object& old, const json::object& spec) {
  std::multiset<std::int64_t> before, after;
  for (const json::value& port : array_at(old, {"spec", "ports"})) before.insert(node_port(port));
  for (const json::value& port : array_at(spec, {"ports"})) after.insert(node_port(port));
  before.erase(0);
  after.erase(0);
  return before == after;
}

/// What only made sense for the old type goes, if it is as it was.
void drop_type_fields(const json::object& old, json::object& service) {
  json::object& spec = spec_of(service);
  if (needs_cluster_ip(old) && !needs_cluster_ip(service) && same(old, spec, "clusterIPs")) {
    for (std::string_view key : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
      spec.erase(key);
    }
  }
  if (needs_node_ports(old) && !needs_node_ports(service) && same_node_ports(old, spec) &&
      spec.contains("ports")) {
    for (json::value& port : spec["ports"].get_array()) port.get_object().erase("nodePort");
  }
  if (needs_health_check_port(old) && !needs_health_check_port(service)) {
    drop_if_same(old, spec, "healthCheckNodePort");
  }
  bool was_balanced = text_at(old, {"spec", "type"}) == "LoadBalancer";
  if (was_balanced && text_at(spec, {"type"}) != "LoadBalancer") {
    drop_if_same(old, spec, "allocateLoadBalancerNodePorts");
    drop_if_same(old, spec, "loadBalancerClass");
    service["status"] = json::object{{"loadBalancer", json::object{}}};
  }
  if (is_externally_accessible(old) && !is_externally_accessible(service)) {
    drop_if_same(old, spec, "externalTrafficPolicy");
  }
  if (text_at(spec, {"type"}) == "ExternalName") drop_if_same(old, spec, "internalTrafficPolicy");
}

}  // namespace

bool is_headless(const json::object& service) {
  const json::array& all = array_at(service, {"spec", "clusterIPs"});
  return all.size() == 1 ? text_of(all.front()) == "None"
                         : all.empty() && text_at(service, {"spec", "clusterIP"}) == "None";
}

bool needs_cluster_ip(const json::object& service) {
  std::string_view type = text_at(service, {"spec", "type"});
  return type == "ClusterIP" || type == "NodePort" || type == "LoadBalancer";
}

bool needs_node_ports(const json::object& service) {
  std::string_view type = text_at(service, {"spec", "type"});
  if (type == "NodePort") return true;
  const json::value* allocate = find_value(service, {"spec", "allocateLoadBalancerNodePorts"});
  return type == "LoadBalancer" && (allocate == nullptr || *allocate == json::value(true));
}

bool needs_health_check_port(const json::object& service) {
  return text_at(service, {"spec", "type"}) == "LoadBalancer" &&
         text_at(service, {"spec", "externalTrafficPolicy"}) == "Local";
}

bool is_externally_accessible(const json::object& service) {
  std::string_view type = text_at(service, {"spec", "type"});
  return type == "LoadBalancer" || type == "NodePort" ||
         (type == "ClusterIP" && !array_at(service, {"spec", "externalIPs"}).empty());
}

void default_service(json::object& service) {
  json::object& spec = spec_of(service);
  set_default(spec, "type", "ClusterIP");
  default_affinity(spec);
  default_ports(spec);
  if (is_externally_accessible(service)) set_default(spec, "externalTrafficPolicy", "Cluster");
  std::string_view type = text_at(spec, {"type"});
  if (type == "ClusterIP" || type == "NodePort" || type == "LoadBalancer") {
    set_default(spec, "internalTrafficPolicy", "Cluster");
  }
  if (type == "LoadBalancer") set_default(spec, "allocateLoadBalancerNodePorts", true);
  default_status(service);
}

void begin_service(json::object& service) {
  service["status"] = json::object{{"loadBalancer", json::object{}}};
  mirror_cluster_ips(nullptr, spec_of(service));
}

void update_service(const json::object& old, json::object& service) {
  keep_allocated(old, service);
  mirror_cluster_ips(&old, spec_of(service));
  drop_type_fields(old, service);
}

}  // namespace fairlead::api
