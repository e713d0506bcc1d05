#include "tests/unit/announce/world.hpp"

#include <algorithm>
#include <sstream>

namespace fairlead::announce {
namespace {

Endpoint endpoint_at(const std::string& word) {
  const std::size_t colon = word.find(':');
  Endpoint endpoint;
  const std::string node = word.substr(0, colon);
  endpoint.node = node;
  endpoint.address = ip("10.1." + node.substr(1) + ".7");
  if (colon == std::string::npos) return endpoint;
  endpoint.ready = false;
  endpoint.terminating = word.substr(colon) == ":terminating";
  endpoint.serving = endpoint.terminating;
  return endpoint;
}

}  // namespace

World::World() {
  options.node = "n1";
  options.service_cidrs = {cidr("10.96.0.0/16"), cidr("fd00:96::/112")};
  for (const int number : {1, 2, 3}) add_node(number);
}

Node& World::add_node(int number) {
  const std::string n = std::to_string(number);
  Node node;
  node.name = "n" + n;
  node.addresses = {ip("192.168.0." + n), ip("fd00:192::" + n)};
  node.pod_cidrs = {cidr("10.1." + n + ".0/24"), cidr("fd00:1:" + n + "::/64")};
  return cluster.nodes.insert_or_assign(node.name, node).first->second;
}

BgpPeer& World::add_peer(const std::string& name, int number) {
  BgpPeer peer;
  peer.name = name;
  peer.address = ip("10.0.0." + std::to_string(number));
  peer.asn = 65000U + static_cast<std::uint32_t>(number);
  return objects.peers.insert_or_assign(name, peer).first->second;
}

BgpAdvertisement& World::add_advertisement(const std::string& name) {
  BgpAdvertisement advertisement;
  advertisement.name = name;
  return objects.advertisements.insert_or_assign(name, advertisement).first->second;
}

AddressPool& World::add_pool(const std::string& name, std::string_view addresses) {
  AddressPool pool;
  pool.name = name;
  pool.ranges = {range(addresses)};
  return objects.pools.insert_or_assign(name, pool).first->second;
}

Service& World::add_service(const std::string& name, int number, std::string_view endpoints) {
  Service service;
  service.name = {"shop", name};
  service.cluster_ips = {ip("10.96.0." + std::to_string(number))};
  service.ports = {{"", Protocol::kTcp, Port{80}, std::nullopt}};
  set_endpoints(name, endpoints);
  return cluster.services.insert_or_assign(service.name, service).first->second;
}

void World::set_endpoints(const std::string& service, std::string_view endpoints) {
  EndpointSlice slice;
  slice.name = {"shop", service + "-1"};
  slice.service = service;
  slice.ports = {{"", Protocol::kTcp, Port{80}}};
  std::istringstream words{std::string(endpoints)};
  for (std::string word; words >> word;) slice.endpoints.push_back(endpoint_at(word));
  cluster.slices[{"shop", service}].insert_or_assign(slice.name.name, slice);
}

Wanted World::wanted() const {
  PlanOptions planning;
  planning.node = options.node;
  planning.service_cidrs = options.service_cidrs;
  const Plan plan = fairlead::plan(cluster, planning);
  return announce::wanted(options, {cluster, plan}, objects);
}

bgp::control::PeerSettings World::peer(std::string_view name) const {
  const auto settings = wanted().settings;
  const auto found = std::ranges::find(settings.peers, name, &bgp::control::PeerSettings::name);
  if (found != settings.peers.end()) return *found;
  ADD_FAILURE() << "no peer " << name;
  return {};
}

Words World::peers() const {
  Words names;
  for (const auto& peer : wanted().settings.peers) names.push_back(peer.name);
  return names;
}

Words World::problems() const {
  Words words;
  for (const Problem& problem : wanted().problems)
    words.push_back(problem.object + ": " + problem.field + ": " + problem.message);
  return words;
}

Words World::told(std::string_view name) const {
  const auto to = peer(name);
  Words words;
  for (const auto& route : wanted().settings.routes) {
    const auto& rules = to.rules.own_routes;
    if (std::ranges::find(rules, route.tag, &bgp::OwnRouteRule::tag) != rules.end())
      words.push_back(to_string(route.prefix));
  }
  std::ranges::sort(words);
  const auto rest = std::ranges::unique(words);
  words.erase(rest.begin(), rest.end());
  return words;
}

Words World::taken(std::string_view name) const {
  Words words;
  for (const PrefixRule& rule : peer(name).rules.imports) {
    std::string word = to_string(rule.prefix);
    if (rule.min_length != rule.prefix.length || rule.max_length != rule.prefix.length)
      word += ' ' + std::to_string(rule.min_length) + '-' + std::to_string(rule.max_length);
    words.push_back(word);
  }
  return words;
}

}  // namespace fairlead::announce
