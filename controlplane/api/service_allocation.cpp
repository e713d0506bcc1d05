// Cluster IPs, node ports and the health check port of a Service: what the new object has and the
// old one had not is taken at once (and given back if the write fails); what only the old one had
// is freed when the write is durable.
#include <algorithm>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

const ResourceType& service_type() { return *find_resource("", "v1", "services"); }

tl::unexpected<StatusError> refuse(const json::object& service, FieldError error) {
  return tl::unexpected(
      invalid_object(service_type(), text_at(service, {"metadata", "name"}), {std::move(error)}));
}

/// Cluster IPs that an object holds; none for headless and ExternalName Services.
std::set<Ip> ips_of(const json::object* service) {
  std::set<Ip> ips;
  if (service == nullptr || !needs_cluster_ip(*service)) return ips;
  for (const json::value& text : array_at(*service, {"spec", "clusterIPs"})) {
    if (auto ip = parse_ip(text_of(text))) ips.insert(*ip);
  }
  return ips;
}

/// Node ports and the health check port that an object holds. Its protocols share a port.
std::set<std::uint16_t> ports_of(const json::object* service) {
  std::set<std::uint16_t> ports;
  if (service == nullptr) return ports;
  auto add = [&](std::optional<std::int64_t> port) {
    if (port && *port > 0 && *port <= 65535) ports.insert(static_cast<std::uint16_t>(*port));
  };
  for (const json::value& port : array_at(*service, {"spec", "ports"})) {
    add(integer_at(object_of(port), {"nodePort"}));
  }
  add(integer_at(*service, {"spec", "healthCheckNodePort"}));
  return ports;
}

std::string why(AllocationFailure failure, const Cidr& cidr) {
  switch (failure) {
    case AllocationFailure::kAllocated:
      return "provided IP is already allocated";
    case AllocationFailure::kNotInRange:
    case AllocationFailure::kWrongFamily:
      return "the provided IP is not in the valid range. The range of valid IPs is " +
             to_string(cidr);
    case AllocationFailure::kFull:
      return "range is full";
  }
  return {};
}

std::string why(AllocationFailure failure, const PortPool& pool) {
  switch (failure) {
    case AllocationFailure::kAllocated:
      return "provided port is already allocated";
    case AllocationFailure::kNotInRange:
    case AllocationFailure::kWrongFamily:
      return "provided port is not in the valid range. The range of valid ports is " +
             std::to_string(pool.first()) + "-" + std::to_string(pool.last());
    case AllocationFailure::kFull:
      return "range is full";
  }
  return {};
}

class ServiceAllocation {
 public:
  ServiceAllocation(const json::object* old, json::object& service, const WriteContext& context,
                    Reservation& reservation)
      : service_(service),
        spec_(ensure_object(service, "spec")),
        context_(context),
        reservation_(reservation),
        old_ips_(ips_of(old)),
        held_ports_(ports_of(old)) {}

  ApiResult<void> cluster_ips() {
    if (!needs_cluster_ip(service_) || is_headless(service_)) return {};
    json::array ips = array_at(spec_, {"clusterIPs"});
    const json::array families = array_at(spec_, {"ipFamilies"});
    for (std::size_t i = 0; i < families.size(); ++i) {
      Family family = text_of(families[i]) == "IPv6" ? Family::kIpv6 : Family::kIpv4;
      IpPool* pool = context_.allocators.pool_of(family);
      if (pool == nullptr) return tl::unexpected(internal_error("no prefix for the family"));
      auto done = i < ips.size() ? take_ip(*pool, ips, i) : draw_ip(*pool, ips);
      if (!done) return done;
    }
    if (!ips.empty()) {
      spec_["clusterIP"] = ips.front();
      spec_["clusterIPs"] = std::move(ips);
    }
    return {};
  }

  ApiResult<void> node_ports() {
    json::value* ports = spec_.if_contains("ports");
    if (ports == nullptr || !ports->is_array()) return {};
    json::array& list = ports->get_array();
    for (std::size_t i = 0; i < list.size(); ++i) {  // those asked for first, so that none is drawn
      auto port = integer_at(object_of(list[i]), {"nodePort"});
      if (!port || *port == 0 || !wants_ports()) continue;
      auto done = take_port(indexed("spec.ports", i) + ".nodePort", *port);
      if (!done) return done;
    }
    if (!needs_node_ports(service_)) return {};
    for (json::value& entry : list) {
      json::object& port = entry.get_object();
      if (integer_at(port, {"nodePort"}).value_or(0) != 0) continue;
      auto drawn = draw_node_port(list, port);
      if (!drawn) return tl::unexpected(std::move(drawn).error());
      if (*drawn != 0) port["nodePort"] = std::int64_t{*drawn};
    }
    return {};
  }

  ApiResult<void> health_check_port() {
    if (!needs_health_check_port(service_)) return {};
    auto port = integer_at(spec_, {"healthCheckNodePort"});
    if (port && *port != 0) return take_port("spec.healthCheckNodePort", *port);
    auto drawn = draw_port();
    if (!drawn) return tl::unexpected(std::move(drawn).error());
    if (*drawn != 0) spec_["healthCheckNodePort"] = std::int64_t{*drawn};
    return {};
  }

  /// What the old object held and the new one does not.
  void free_rest() {
    std::set<Ip> new_ips = ips_of(&service_);
    std::set<std::uint16_t> new_ports = ports_of(&service_);
    Allocators* allocators = &context_.allocators;
    for (const Ip& ip : old_ips_) {
      if (new_ips.contains(ip)) continue;
      reservation_.on_commit([allocators, ip] {
        if (IpPool* pool = allocators->pool_of(ip.family())) pool->give_back(ip);
      });
    }
    for (std::uint16_t port : held_ports_) {
      if (new_ports.contains(port)) continue;
      reservation_.on_commit([allocators, port] { allocators->node_ports.give_back(port); });
    }
  }

 private:
  [[nodiscard]] bool wants_ports() const {
    std::string_view type = text_at(spec_, {"type"});
    return type == "NodePort" || type == "LoadBalancer";
  }

  ApiResult<void> take_ip(IpPool& pool, const json::array& ips, std::size_t index) {
    auto ip = parse_ip(text_of(ips[index]));
    if (!ip || old_ips_.contains(*ip)) return {};
    auto taken = pool.take(*ip);
    if (!taken) {
      return refuse(service_, invalid_value("spec.clusterIPs", ips,
                                            "failed to allocate IP " + to_string(*ip) + ": " +
                                                why(taken.error(), pool.cidr())));
    }
    IpPool* from = &pool;
    if (context_.dry_run) {
      pool.give_back(*ip);
    } else {
      reservation_.on_roll_back([from, ip = *ip] { from->give_back(ip); });
    }
    return {};
  }

  ApiResult<void> draw_ip(IpPool& pool, json::array& ips) {
    if (context_.dry_run) {
      ips.push_back(json::value(to_string(pool.cidr().base)));
      return {};
    }
    auto ip = pool.take_any(context_.random);
    if (!ip)
      return tl::unexpected(
          internal_error("failed to allocate a serviceIP: " + why(ip.error(), pool.cidr())));
    IpPool* from = &pool;
    reservation_.on_roll_back([from, ip = *ip] { from->give_back(ip); });
    ips.push_back(json::value(to_string(*ip)));
    return {};
  }

  ApiResult<void> take_port(const std::string& field, std::int64_t port) {
    PortPool& pool = context_.allocators.node_ports;
    bool possible = port > 0 && port <= 65535;
    auto number = static_cast<std::uint16_t>(possible ? port : 0);
    if (possible && held_ports_.contains(number)) return {};
    auto taken =
        possible
            ? pool.take(number)
            : tl::expected<void, AllocationFailure>(tl::unexpected(AllocationFailure::kNotInRange));
    if (!taken) return refuse(service_, invalid_value(field, port, why(taken.error(), pool)));
    hold(number);
    return {};
  }

  /// 0 in a dry run.
  ApiResult<std::uint16_t> draw_port() {
    if (context_.dry_run) return std::uint16_t{0};
    PortPool& pool = context_.allocators.node_ports;
    auto port = pool.take_any(context_.random);
    if (!port)
      return tl::unexpected(
          internal_error("failed to allocate a nodePort: " + why(port.error(), pool)));
    hold(*port);
    return *port;
  }

  void hold(std::uint16_t port) {
    PortPool* pool = &context_.allocators.node_ports;
    if (context_.dry_run) {
      pool->give_back(port);
      return;
    }
    reservation_.on_roll_back([pool, port] { pool->give_back(port); });
    held_ports_.insert(port);
  }

  /// The port that the same port number of another protocol has, or a new one.
  ApiResult<std::uint16_t> draw_node_port(const json::array& list, const json::object& port) {
    for (const json::value& other : list) {
      bool same_number = integer_at(object_of(other), {"port"}) == integer_at(port, {"port"});
      bool same_protocol = text_at(object_of(other), {"protocol"}) == text_at(port, {"protocol"});
      auto shared = integer_at(object_of(other), {"nodePort"});
      if (same_number && !same_protocol && shared && *shared != 0) {
        return static_cast<std::uint16_t>(*shared);
      }
    }
    return draw_port();
  }

  json::object& service_;
  json::object& spec_;
  const WriteContext& context_;
  Reservation& reservation_;
  std::set<Ip> old_ips_;
  std::set<std::uint16_t> held_ports_;  // of the old object, and those taken since
};

}  // namespace

ApiResult<void> allocate_service(const json::object* old, json::object& service,
                                 const WriteContext& context, Reservation& reservation) {
  if (auto done = decide_families(old, service, context.allocators); !done) return done;
  ServiceAllocation allocation(old, service, context, reservation);
  if (auto done = allocation.cluster_ips(); !done) return done;
  if (auto done = allocation.node_ports(); !done) return done;
  if (auto done = allocation.health_check_port(); !done) return done;
  if (!context.dry_run) allocation.free_rest();
  return {};
}

void release_service(const json::object& service, Allocators& allocators) {
  for (const Ip& ip : ips_of(&service)) {
    if (IpPool* pool = allocators.pool_of(ip.family())) pool->give_back(ip);
  }
  for (std::uint16_t port : ports_of(&service)) allocators.node_ports.give_back(port);
}

void adopt_service(const json::object& service, Allocators& allocators,
                   std::vector<Problem>& problems) {
  std::string name = "Service " + std::string(text_at(service, {"metadata", "namespace"})) + "/" +
                     std::string(text_at(service, {"metadata", "name"}));
  for (const Ip& ip : ips_of(&service)) {
    IpPool* pool = allocators.pool_of(ip.family());
    if (pool == nullptr) {
      problems.push_back(
          {name, "spec.clusterIPs", to_string(ip) + ": no service prefix of its family"});
    } else if (auto taken = pool->take(ip); !taken) {
      problems.push_back(
          {name, "spec.clusterIPs", to_string(ip) + ": " + why(taken.error(), pool->cidr())});
    }
  }
  for (std::uint16_t port : ports_of(&service)) {
    if (auto taken = allocators.node_ports.take(port); !taken) {
      problems.push_back({name, "spec.ports",
                          std::to_string(port) + ": " + why(taken.error(), allocators.node_ports)});
    }
  }
}

}  // namespace fairlead::api
