// Services -> elements of the shared maps, and chains of their own -> one transaction.
//
//   service-ips | service-nodeports -> [external-* ->] service-* | local-* -> DNAT
//                                         to about 1.35 by way of endpoint-*
#include "bench/ways/nftables_layout.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "bench/ways/nft_transaction.hpp"
#include "bench/ways/nftables_frame.hpp"
#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

using Elements = std::map<std::pair<std::string, std::string>, NftElement>;  // by container and key

std::string hashed(const std::string& name) { return short_hash(name, 8) + '-' + name; }

std::string base_name(const PeerService& service) {
  const ServicePortName& name = service.plan->name;
  return fmt::format("{}/{}/{}/{}", name.service.ns, name.service.name, service.protocol,
                     name.port);
}
std::string port_chain(std::string_view kind, const PeerService& service) {
  return fmt::format("{}-{}", kind, hashed(base_name(service)));
}
std::string endpoint_name(const PeerService& service, const Backend& endpoint) {
  std::string address = to_string(endpoint.address);
  std::ranges::replace(address, ':', '.');
  return hashed(fmt::format("{}__{}/{}", base_name(service), address, endpoint.port.host));
}
std::string endpoint_chain(const PeerService& service, const Backend& endpoint) {
  return "endpoint-" + endpoint_name(service, endpoint);
}
std::string affinity_set(const PeerService& service, const Backend& endpoint) {
  return "affinity-" + endpoint_name(service, endpoint);
}
bool has_affinity(const PeerService& service) { return service.plan->affinity.count() != 0; }

class Writer {
 public:
  Writer(NftablesLayout layout, const NodeSettings& node, Family family)
      : layout_(layout), node_(node), family_(family), transaction_(family) {}

  [[nodiscard]] NftTransaction& transaction() { return transaction_; }
  [[nodiscard]] std::vector<std::string> chains_of(const PeerService& service) const;
  [[nodiscard]] Elements elements_of(const PeerService& service) const;
  void add_chains(const PeerService& service);
  void add_rules(const PeerService& service);

 private:
  [[nodiscard]] bool is_older() const { return layout_ == NftablesLayout::kChainPerEndpoint; }
  [[nodiscard]] bool has_endpoint_chains(const PeerService& service) const {
    return is_older() || has_affinity(service);
  }
  [[nodiscard]] std::string mark() const {
    return is_older() ? "jump mark-for-masquerade"
                      : fmt::format("mark set mark or {}", kMasqueradeMark);
  }
  void add_frontend(const PeerService& service, const Frontend& frontend, Elements& to) const;
  void add_internal(const PeerService& service);
  void add_external(const PeerService& service);
  void add_list(const PeerService& service, const std::string& chain,
                const std::vector<Backend>& endpoints);
  void add_endpoint(const PeerService& service, const Backend& endpoint);

  NftablesLayout layout_;
  const NodeSettings& node_;
  Family family_;
  NftTransaction transaction_;
};

std::vector<std::string> Writer::chains_of(const PeerService& service) const {
  std::vector<std::string> chains;
  if (has_endpoint_chains(service))
    for (const Backend& endpoint : service.endpoints())
      chains.push_back(endpoint_chain(service, endpoint));
  if (service.uses_cluster_list()) chains.push_back(port_chain("service", service));
  if (service.uses_local_list()) chains.push_back(port_chain("local", service));
  if (service.has_endpoints && service.is_external)
    chains.push_back(port_chain("external", service));
  if (!service.source_ranges().empty()) chains.push_back(port_chain("firewall", service));
  return chains;
}

Elements Writer::elements_of(const PeerService& service) const {
  Elements elements;
  for (const Frontend& frontend : service.plan->frontends)
    add_frontend(service, frontend, elements);
  if (is_older()) return elements;
  for (const Backend& endpoint : service.endpoints()) {
    if (!endpoint.local) continue;
    const std::string address = to_string(endpoint.address);
    std::string key =
        fmt::format("{0} . {0} . {1} . {2}", address, service.protocol, endpoint.port.host);
    elements[{"hairpin-connections", key}] = {"hairpin-connections", key, "", ""};
  }
  return elements;
}

void Writer::add_frontend(const PeerService& service, const Frontend& frontend,
                          Elements& to) const {
  if (frontend.kind == FrontendKind::kHostPort) return;
  const bool is_internal = frontend.kind == FrontendKind::kClusterIp,
             is_node_port = frontend.kind == FrontendKind::kNodePort;
  const std::string address = to_string(frontend.address);
  const std::string port = fmt::format("{} . {}", service.protocol, frontend.port.host);
  const std::string key = is_node_port ? port : address + " . " + port;
  const auto put = [&](const std::string& container, const std::string& value,
                       const std::string& comment) {
    to[{container, key}] = {container, key, value, comment};
  };
  if (is_internal) to[{"cluster-ips", address}] = {"cluster-ips", address, "", ""};
  const bool leads_somewhere = is_internal ? service.has_internal_endpoints : service.has_endpoints;
  const std::string chain = is_internal
                                ? port_chain(service.internal_local ? "local" : "service", service)
                                : port_chain("external", service);
  if (leads_somewhere) put(is_node_port ? "service-nodeports" : "service-ips", "goto " + chain, "");
  if (!(is_internal ? service.has_internal_endpoints : service.has_external_endpoints))
    put(is_node_port ? "no-endpoint-nodeports" : "no-endpoint-services",
        service.has_endpoints ? "drop" : "goto reject-chain", service.name);
  if (frontend.kind == FrontendKind::kLoadBalancer && !service.source_ranges().empty())
    put("firewall-ips", "goto " + port_chain("firewall", service), "");
}

void Writer::add_chains(const PeerService& service) {
  for (const std::string& chain : chains_of(service)) transaction_.chain(chain);
  if (has_affinity(service))
    for (const Backend& endpoint : service.endpoints())
      transaction_.affinity_set(affinity_set(service, endpoint), nft_address_type(family_),
                                service.plan->affinity.count());
}

void Writer::add_rules(const PeerService& service) {
  if (is_older() && service.has_internal_endpoints) add_internal(service);
  if (service.has_endpoints && service.is_external) add_external(service);
  if (!service.source_ranges().empty()) {
    std::string ranges;
    for (const Cidr& range : service.source_ranges())
      ranges += (ranges.empty() ? "" : ", ") + to_string(range);
    transaction_.rule(port_chain("firewall", service),
                      fmt::format("{} saddr != {{ {} }} drop", nft_family(family_), ranges));
  }
  if (service.uses_cluster_list())
    add_list(service, port_chain("service", service), service.plan->cluster_backends);
  if (service.uses_local_list())
    add_list(service, port_chain("local", service), service.plan->local_backends);
  if (has_endpoint_chains(service))
    for (const Backend& endpoint : service.endpoints()) add_endpoint(service, endpoint);
}

void Writer::add_internal(const PeerService& service) {
  const std::string outside = nft_source_match(node_, family_, false);
  if (!service.masquerade_all && (!service.masquerade_off_cluster || outside.empty())) return;
  for (const Frontend& frontend : service.plan->frontends)
    if (frontend.kind == FrontendKind::kClusterIp)
      transaction_.rule(
          port_chain(service.internal_local ? "local" : "service", service),
          fmt::format("{} daddr {} {} dport {} {}{}", nft_family(family_),
                      to_string(frontend.address), service.protocol, frontend.port.host,
                      service.masquerade_all ? "" : outside + ' ', mark()));
}

void Writer::add_external(const PeerService& service) {
  const std::string chain = port_chain("external", service),
                    cluster = port_chain("service", service);
  if (!service.external_local) {
    transaction_.rule(chain, mark(), is_older() ? "" : "masquerade");
  } else {
    const std::string pods = nft_source_match(node_, family_, true);
    if (!pods.empty())
      transaction_.rule(chain, fmt::format("{} goto {}", pods, cluster),
                        "short-circuit pod traffic");
    transaction_.rule(chain, "fib saddr type local " + mark(), "masquerade local traffic");
    transaction_.rule(chain, "fib saddr type local goto " + cluster, "short-circuit local traffic");
  }
  if (service.has_external_endpoints)
    transaction_.rule(chain,
                      "goto " + (service.external_local ? port_chain("local", service) : cluster));
}

void Writer::add_list(const PeerService& service, const std::string& chain,
                      const std::vector<Backend>& endpoints) {
  std::string choices;
  std::size_t index = 0;
  for (const Backend& endpoint : endpoints) {
    if (has_affinity(service))
      transaction_.rule(
          chain, fmt::format("{} saddr @{} goto {}", nft_family(family_),
                             affinity_set(service, endpoint), endpoint_chain(service, endpoint)));
    choices += fmt::format("{}{} : ", index == 0 ? "" : " , ", index);
    choices += has_endpoint_chains(service)
                   ? "goto " + endpoint_chain(service, endpoint)
                   : fmt::format("{} . {}", to_string(endpoint.address), endpoint.port.host);
    ++index;
  }
  if (has_endpoint_chains(service))
    transaction_.rule(chain,
                      fmt::format("numgen random mod {} vmap {{ {} }}", endpoints.size(), choices));
  else
    transaction_.rule(
        chain,
        fmt::format("meta l4proto {} dnat {} addr . port to numgen random mod {} map {{ {} }}",
                    service.protocol, nft_family(family_), endpoints.size(), choices));
}

void Writer::add_endpoint(const PeerService& service, const Backend& endpoint) {
  const std::string chain = endpoint_chain(service, endpoint);
  if (is_older())
    transaction_.rule(
        chain,
        fmt::format("{} saddr {} {}", nft_family(family_), to_string(endpoint.address), mark()),
        "masquerade hairpin traffic");
  if (has_affinity(service))
    transaction_.rule(chain, fmt::format("update @{} {{ {} saddr }}",
                                         affinity_set(service, endpoint), nft_family(family_)));
  transaction_.rule(chain, fmt::format("meta l4proto {} dnat to {}", service.protocol,
                                       to_string(endpoint.address, endpoint.port)));
}

Elements elements_of(const Writer& writer, const std::vector<PeerService>& services) {
  Elements all;
  for (const PeerService& service : services) all.merge(writer.elements_of(service));
  return all;
}

std::set<std::string> affinity_sets(const std::vector<PeerService>& services) {
  std::set<std::string> sets;
  for (const PeerService& service : services)
    if (has_affinity(service))
      for (const Backend& endpoint : service.endpoints())
        sets.insert(affinity_set(service, endpoint));
  return sets;
}

std::set<std::string> without(std::set<std::string> all, const std::set<std::string>& others) {
  std::erase_if(all, [&](const std::string& name) { return others.contains(name); });
  return all;
}

/// A pod may be behind several Services.
bool is_hairpin_of_another(const Writer& writer, const Plan& plan, const ObjectName& service,
                           Family family, const NftElement& element) {
  if (element.container != "hairpin-connections") return false;
  return std::ranges::any_of(peer_services(plan, family), [&](const PeerService& other) {
    return other.plan->name.service != service &&
           writer.elements_of(other).contains({element.container, element.key});
  });
}

}  // namespace

std::string nftables_load(NftablesLayout layout, const Plan& plan, Family family) {
  Writer writer(layout, plan.node, family);
  add_nftables_frame(writer.transaction(), layout, plan.node, family);
  std::set<std::pair<std::string, std::string>> added;
  for (const PeerService& service : peer_services(plan, family)) {
    writer.add_chains(service);
    for (const auto& [key, element] : writer.elements_of(service))
      if (added.insert(key).second) writer.transaction().add(element);
    writer.add_rules(service);
  }
  return writer.transaction().take();
}

NftablesChange nftables_change(NftablesLayout layout, const Plan& plan, const ObjectName& service,
                               const ServicePlans& before, Family family) {
  Writer writer(layout, plan.node, family);
  const auto found = plan.services.find(service);
  const std::vector<PeerService> was = peer_services(before, family),
                                 is = found == plan.services.end()
                                          ? std::vector<PeerService>{}
                                          : peer_services(found->second, family);
  NftablesChange change;
  for (const PeerService& each : is) {
    writer.add_chains(each);
    for (std::string& chain : writer.chains_of(each)) change.chains.push_back(std::move(chain));
  }
  const Elements old_elements = elements_of(writer, was), elements = elements_of(writer, is);
  for (const auto& [key, element] : elements) {
    const auto old = old_elements.find(key);
    if (old != old_elements.end() && old->second.value == element.value) continue;
    if (old != old_elements.end()) writer.transaction().remove(element);
    writer.transaction().add(element);
  }
  for (const PeerService& each : is) writer.add_rules(each);
  for (const PeerService& each : was)
    for (std::string& chain : writer.chains_of(each))
      if (std::ranges::find(change.chains, chain) == change.chains.end())
        change.stale_chains.push_back(std::move(chain));
  for (const std::string& chain : change.stale_chains) writer.transaction().flush_chain(chain);
  for (const std::string& set : without(affinity_sets(was), affinity_sets(is)))
    writer.transaction().delete_set(set);
  for (const auto& [key, element] : old_elements)
    if (!elements.contains(key) && !is_hairpin_of_another(writer, plan, service, family, element))
      writer.transaction().remove(element);
  change.transaction = writer.transaction().take();
  return change;
}

std::string nftables_delete_chains(const std::vector<std::string>& chains, Family family) {
  NftTransaction transaction(family);
  for (const std::string& chain : chains) transaction.delete_chain(chain);
  return transaction.take();
}

std::string nftables_service_chain(const ServicePlan& service) {
  return port_chain("service", PeerService(service));
}

}  // namespace fairlead::bench
