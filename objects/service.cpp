// v1 Service: JSON -> model. A port or an address that is wrong is left out; the others stay.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "objects/decode.hpp"
#include "objects/fields.hpp"
#include "objects/metadata.hpp"
#include "objects/service_annotations.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostPorts =
    1000;  // the API server sets no limit, only that of an object's size
constexpr std::size_t kMostAddresses = 1000;                                // the same
constexpr std::size_t kLongestPortName = 63;                                // DNS label
constexpr std::int64_t kDefaultAffinity = 10800, kLongestAffinity = 86400;  // seconds

/// The value that `names` gives to the text of `key`; `fallback` where it is absent, or unknown
/// (with a Problem).
template <class T, std::size_t n>
T choice(const Fields& fields, std::string_view key,
         const std::array<std::pair<std::string_view, T>, n>& names, T fallback) {
  const auto text = fields.text(key);
  if (!text || text->empty()) return fallback;
  for (const auto& [name, value] : names) {
    if (*text == name) return value;
  }
  fields.problems().add(fields.path() / key, quoted(*text) + " is unknown");
  return fallback;
}

constexpr std::array kTypes{
    std::pair{std::string_view("ClusterIP"), ServiceType::kClusterIp},
    std::pair{std::string_view("NodePort"), ServiceType::kNodePort},
    std::pair{std::string_view("LoadBalancer"), ServiceType::kLoadBalancer},
    std::pair{std::string_view("ExternalName"), ServiceType::kExternalName},
};
constexpr std::array kPolicies{
    std::pair{std::string_view("Cluster"), TrafficPolicy::kCluster},
    std::pair{std::string_view("Local"), TrafficPolicy::kLocal},
};
enum class Affinity : std::uint8_t { kNone, kClientIp };
constexpr std::array kAffinities{
    std::pair{std::string_view("None"), Affinity::kNone},
    std::pair{std::string_view("ClientIP"), Affinity::kClientIp},
};

/// nullopt: absent, or wrong with a Problem.
std::optional<Port> port_number(const Fields& fields, std::string_view key) {
  const auto number = fields.integer(key);
  if (!number) return std::nullopt;
  auto port = make_port(*number);
  if (port) return *port;
  fields.problems().add(fields.path() / key, std::move(port.error().doing));
  return std::nullopt;
}

/// The same for fields in which Kubernetes writes 0 for "none".
std::optional<Port> optional_port(const Fields& fields, std::string_view key) {
  const auto* value = fields.find(key);
  if (value != nullptr && value->is_int64() && value->get_int64() == 0) return std::nullopt;
  return port_number(fields, key);
}

std::optional<Protocol> protocol_of(const Fields& port) {
  if (port.find("protocol") == nullptr) return Protocol::kTcp;
  const auto text = port.text("protocol");
  if (!text) return std::nullopt;
  auto protocol = parse_protocol(*text);
  if (protocol) return *protocol;
  port.problems().add(port.path() / "protocol", std::move(protocol.error().doing));
  return std::nullopt;
}

void decode_port(const Fields& fields, std::vector<ServicePort>& ports) {
  ServicePort port;
  if (fields.find("name") != nullptr) {
    const auto name = fields.short_text("name", kLongestPortName);
    if (!name) return;
    port.name = *name;
  }
  const auto protocol = protocol_of(fields);
  const auto number = port_number(fields, "port");
  if (fields.find("port") == nullptr) fields.problems().add(fields.path() / "port", "missing");
  if (!protocol || !number) return;
  port.protocol = *protocol;
  port.port = *number;
  port.node_port = optional_port(fields, "nodePort");
  for (const auto& other : ports) {
    if (other.protocol != port.protocol) continue;
    if (other.name == port.name) return fields.problems().add(fields.path() / "name", "used twice");
    if (other.port == port.port) return fields.problems().add(fields.path() / "port", "used twice");
  }
  ports.push_back(std::move(port));
}

void add_ip(std::string_view text, const Path& path, ProblemList& problems, std::vector<Ip>& ips) {
  auto ip = parse_ip(text);
  if (!ip) return problems.add(path, std::move(ip.error().doing));
  if (std::find(ips.begin(), ips.end(), *ip) == ips.end()) ips.push_back(*ip);
}

std::vector<Ip> decode_cluster_ips(const Fields& spec) {
  std::vector<Ip> ips;
  const auto add = [&](std::string_view text, const Path& path) {
    if (!text.empty() && text != "None") add_ip(text, path, spec.problems(), ips);
  };
  // Before dual-stack there was clusterIP alone; since then it is a copy of clusterIPs[0].
  const auto* list = spec.array("clusterIPs");
  if (list != nullptr && !list->empty()) {
    spec.for_each_text("clusterIPs", kMostAddresses, add);
  } else if (const auto single = spec.text("clusterIP")) {
    add(*single, spec.path() / "clusterIP");
  }
  return ips;
}

std::vector<Ip> decode_load_balancer_ips(const Fields& status) {
  std::vector<Ip> ips;
  const auto* balancer = status.object("loadBalancer");
  if (balancer == nullptr) return ips;
  const Path path = status.path() / "loadBalancer";
  Fields(*balancer, path, status.problems())
      .for_each_object("ingress", kMostAddresses, [&](const Fields& ingress) {
        const auto ip = ingress.text("ip");
        if (!ip || ip->empty()) return;  // a hostname is for clients' resolvers
        const bool is_vip = choice(ingress, "ipMode",
                                   std::array{std::pair{std::string_view("VIP"), true},
                                              std::pair{std::string_view("Proxy"), false}},
                                   ingress.find("ipMode") == nullptr);
        if (is_vip) add_ip(*ip, ingress.path() / "ip", ingress.problems(), ips);
      });
  return ips;
}

/// Fails closed: addresses whose every range was unreadable are not served at all, instead of
/// served to all.
void decode_source_ranges(const Fields& spec, Service& service) {
  bool has_any = false;
  spec.for_each_text("loadBalancerSourceRanges", kMostAddresses,
                     [&](std::string_view text, const Path& path) {
                       has_any = true;
                       auto range = parse_cidr(text);
                       if (!range) return spec.problems().add(path, std::move(range.error().doing));
                       service.source_ranges.push_back(*range);
                     });
  if (!has_any || !service.source_ranges.empty()) return;
  service.load_balancer_ips.clear();
  spec.problems().add(spec.path() / "loadBalancerSourceRanges",
                      "no usable range; the load balancer's addresses are left out");
}

std::chrono::seconds decode_affinity(const Fields& spec) {
  if (choice(spec, "sessionAffinity", kAffinities, Affinity::kNone) == Affinity::kNone) {
    return std::chrono::seconds(0);
  }
  const std::chrono::seconds fallback(kDefaultAffinity);
  const auto* config = spec.object("sessionAffinityConfig");
  if (config == nullptr) return fallback;
  const Path config_path = spec.path() / "sessionAffinityConfig";
  const Fields config_fields(*config, config_path, spec.problems());
  const auto* client_ip = config_fields.object("clientIP");
  if (client_ip == nullptr) return fallback;
  const Fields fields(*client_ip, config_path / "clientIP", spec.problems());
  const auto timeout = fields.integer("timeoutSeconds");
  if (!timeout) return fallback;
  if (*timeout >= 1 && *timeout <= kLongestAffinity) return std::chrono::seconds(*timeout);
  fields.problems().add(fields.path() / "timeoutSeconds",
                        std::to_string(*timeout) + " must be between 1 and 86400; 10800 is used");
  return fallback;
}

void decode_spec(const Fields& spec, Service& service) {
  service.type = choice(spec, "type", kTypes, ServiceType::kClusterIp);
  service.cluster_ips = decode_cluster_ips(spec);
  spec.for_each_object("ports", kMostPorts,
                       [&](const Fields& port) { decode_port(port, service.ports); });
  spec.for_each_text("externalIPs", kMostAddresses, [&](std::string_view text, const Path& path) {
    add_ip(text, path, spec.problems(), service.external_ips);
  });
  decode_source_ranges(spec, service);
  service.external_traffic_policy =
      choice(spec, "externalTrafficPolicy", kPolicies, TrafficPolicy::kCluster);
  service.internal_traffic_policy =
      choice(spec, "internalTrafficPolicy", kPolicies, TrafficPolicy::kCluster);
  service.affinity = decode_affinity(spec);
  service.health_check_node_port = optional_port(spec, "healthCheckNodePort");
}

}  // namespace

Result<Decoded<Service>> decode_service(const json::value& json) {
  TRY(const auto metadata, decode_metadata(json, "Service", Namespaced::kYes));
  ProblemList problems(describe("Service", metadata.name));
  Service service;
  service.name = metadata.name;
  service.created = decode_created(metadata, problems);
  service.handled_elsewhere = is_handled_elsewhere(metadata);
  service.labels = labels_of(metadata);
  decode_service_annotations(metadata, problems, service);

  const Path root;
  const Fields fields(json.get_object(), root, problems);
  TRY(const auto* spec, fields.section("spec"));
  TRY(const auto* status, fields.section("status"));
  if (status != nullptr) {
    service.load_balancer_ips =
        decode_load_balancer_ips(Fields(*status, root / "status", problems));
  }
  if (spec != nullptr) decode_spec(Fields(*spec, root / "spec", problems), service);
  service.ports.shrink_to_fit();
  return Decoded<Service>{std::move(service), problems.take()};
}

}  // namespace fairlead
