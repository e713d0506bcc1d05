#include "world.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

namespace fairlead {
namespace {

struct Named {
  std::string_view name, v4, v6, node;
};
constexpr std::array kPods{
    Named{"L", "10.180.0.1", "fd00:180:0::1", "n1"},
    Named{"L2", "10.180.0.3", "fd00:180:0::3", "n1"},
    Named{"R", "10.180.1.1", "fd00:180:1::1", "n2"},
    Named{"B", "10.180.2.1", "fd00:180:2::1", "n3"},
};

const Named& named(std::string_view name) {
  for (const Named& pod : kPods) {
    if (pod.name == name) return pod;
  }
  throw std::invalid_argument("no endpoint " + std::string(name));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

void apply(Endpoint& endpoint, EndpointHints& hints, const std::string& word) {
  if (word.starts_with("z=")) {
    hints.zones = split(word.substr(2), '+');
  } else if (word.starts_with("n=")) {
    hints.nodes = split(word.substr(2), '+');
  } else if (word == "notready") {
    endpoint.ready = endpoint.serving = false;
  } else if (word == "srv") {
    endpoint.serving = true;
  } else if (word == "!srv") {
    endpoint.serving = false;
  } else if (word == "term") {
    endpoint.terminating = true;
  } else if (word == "nonode") {
    endpoint.node = {};
  } else {
    throw std::invalid_argument("no such word: " + word);
  }
}

FrontendKind kind_of(std::string_view destination) {
  if (destination == "CIP") return FrontendKind::kClusterIp;
  if (destination == "NP") return FrontendKind::kNodePort;
  if (destination == "LB") return FrontendKind::kLoadBalancer;
  if (destination == "EIP") return FrontendKind::kExternalIp;
  throw std::invalid_argument("no destination " + std::string(destination));
}

Scope scope_of(char source) {
  switch (source) {
    case 'P':
      return Scope::kInternal;
    case 'H':
      return Scope::kHost;
    case 'X':
      return Scope::kExternal;
    default:
      throw std::invalid_argument("no such source");
  }
}

std::string names_of(const std::vector<Backend>& backends, const World& world) {
  std::string names;
  for (const Named& pod : kPods) {
    const auto is_it = [&](const Backend& backend) {
      return backend.address == world.pod(pod.name);
    };
    if (std::any_of(backends.begin(), backends.end(), is_it)) {
      names += (names.empty() ? "" : ",") + std::string(pod.name);
    }
  }
  return '{' + names + '}';
}

}  // namespace

Ip ip(std::string_view text) { return parse_ip(text).value(); }
Cidr cidr(std::string_view text) { return parse_cidr(text).value(); }
Port port(std::int64_t number) { return make_port(number).value(); }

World::World(Family chosen) : family(chosen) {
  const bool v4 = family == Family::kIpv4;
  for (const auto& [name, zone, v4_address, v6_address] :
       {std::array{"n1", "a", "192.168.0.2", "fd00:192::2"},
        std::array{"n2", "a", "192.168.0.3", "fd00:192::3"},
        std::array{"n3", "b", "192.168.0.4", "fd00:192::4"}}) {
    Node node;
    node.name = name;
    node.zone = zone;
    node.addresses = {ip(v4 ? v4_address : v6_address)};
    cluster.nodes.emplace(name, std::move(node));
  }
  options.node = "n1";
  options.detect_local.mode = DetectLocal::Mode::kCidr;
  options.detect_local.cidrs = {cidr("10.0.0.0/8"), cidr("fd00:180::/32")};

  Service service;
  service.name = {"shop", "web"};
  service.type = ServiceType::kLoadBalancer;
  service.cluster_ips = {cluster_ip()};
  service.ports = {{"", Protocol::kTcp, port(80), port(3001)}};
  service.load_balancer_ips = {load_balancer_ip()};
  service.external_ips = {external_ip()};
  cluster.services.emplace(service.name, std::move(service));
}

void World::endpoints(std::string_view text) {
  EndpointSlice slice;
  slice.name = {"shop", "web-1"};
  slice.service = "web";
  slice.family = family;
  slice.ports = {{"", Protocol::kTcp, port(80)}};
  for (const std::string& entry : split(text, ',')) {
    Endpoint endpoint;
    const auto words = split(entry, ' ');
    endpoint.address = pod(words.at(0));
    endpoint.node = named(words[0]).node;
    EndpointHints hints;
    for (std::size_t i = 1; i < words.size(); ++i) apply(endpoint, hints, words[i]);
    endpoint.hints = hints;
    slice.endpoints.push_back(std::move(endpoint));
  }
  cluster.slices[{"shop", "web"}].insert_or_assign("web-1", std::move(slice));
}

void World::policies(std::string_view text) {
  for (const std::string& word : split(text, ' ')) {
    if (word == "itp=Local") {
      web().internal_traffic_policy = TrafficPolicy::kLocal;
    } else if (word == "etp=Local") {
      web().external_traffic_policy = TrafficPolicy::kLocal;
    } else {
      throw std::invalid_argument("no policy " + word);
    }
  }
}

Ip World::cluster_ip() const {
  return ip(family == Family::kIpv4 ? "172.30.0.41" : "fd00:172::41");
}
Ip World::load_balancer_ip() const {
  return ip(family == Family::kIpv4 ? "1.2.3.4" : "2001:db8::1234");
}
Ip World::external_ip() const {
  return ip(family == Family::kIpv4 ? "10.1.2.3" : "fd00:180:ffff::123");
}
Ip World::node_ip() const { return ip(family == Family::kIpv4 ? "192.168.0.2" : "fd00:192::2"); }
Ip World::pod(std::string_view name) const {
  return ip(family == Family::kIpv4 ? named(name).v4 : named(name).v6);
}

const ServicePlan* find_plan(const Plan& plan, const World& world) {
  const auto found = plan.services.find({"shop", "web"});
  if (found == plan.services.end()) return nullptr;
  for (const ServicePlan& candidate : found->second) {
    if (candidate.name.family == world.family) return &candidate;
  }
  return nullptr;
}

const Frontend* find_frontend(const ServicePlan& plan, FrontendKind kind) {
  const auto found = std::find_if(plan.frontends.begin(), plan.frontends.end(),
                                  [&](const Frontend& frontend) { return frontend.kind == kind; });
  return found == plan.frontends.end() ? nullptr : &*found;
}

std::string outcome(const World& world, std::string_view way) {
  const Plan planned = plan(world.cluster, world.options);
  const ServicePlan* service = find_plan(planned, world);
  if (service == nullptr) return "nothing";
  const Frontend* frontend = find_frontend(*service, kind_of(way.substr(3)));
  if (frontend == nullptr) return "nothing";
  const Verdict& verdict = frontend->verdict(scope_of(way.at(0)));
  switch (verdict.action) {
    case Action::kReject:
      return "REJECT";
    case Action::kDrop:
      return "DROP";
    case Action::kForward:
      break;
  }
  return names_of(service->backends(verdict.group), world) + (verdict.masquerade ? " y" : " n");
}

}  // namespace fairlead
