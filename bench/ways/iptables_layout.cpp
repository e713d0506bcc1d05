// Services -> rules of the shared chains, and chains of their own -> one text of both tables.
//
//   KUBE-SERVICES -> KUBE-SVC-* | KUBE-SVL-*, or KUBE-EXT-* by way of KUBE-FW-* -> KUBE-SEP-* ->
//   DNAT
//        `-> KUBE-NODEPORTS -> KUBE-EXT-*
#include "bench/ways/iptables_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

constexpr std::size_t kLargeCluster = 1000;  // endpoints

constexpr std::string_view kFilterJumps = R"(
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
)";
constexpr std::string_view kNatJumps = R"(
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
)";
constexpr std::string_view kFilterChains = R"(:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
)";
constexpr std::string_view kForwardRules =
    R"(-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
)";
constexpr std::string_view kNatChains = R"(:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
)";
constexpr std::string_view kMasqueradeRules =
    R"(-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
)";

/// What follows the empty first line of a raw string.
std::string_view lines(std::string_view text) { return text.substr(1); }

std::string port_chain(std::string_view kind, const PeerService& service) {
  return fmt::format("KUBE-{}-{}", kind, short_hash(service.name + service.protocol, 16));
}
std::string endpoint_chain(const PeerService& service, const Backend& endpoint) {
  return "KUBE-SEP-" +
         short_hash(service.name + service.protocol + to_string(endpoint.address, endpoint.port),
                    16);
}

/// All that have rules of this Service only.
std::set<std::string> chains_of(const PeerService& service) {
  std::set<std::string> chains;
  if (!service.has_endpoints) return chains;
  if (service.uses_cluster_list()) chains.insert(port_chain("SVC", service));
  if (service.uses_local_list()) chains.insert(port_chain("SVL", service));
  if (service.is_external) chains.insert(port_chain("EXT", service));
  if (!service.source_ranges().empty()) chains.insert(port_chain("FW", service));
  for (const Backend& endpoint : service.endpoints())
    chains.insert(endpoint_chain(service, endpoint));
  return chains;
}

/// "-s 10.0.0.0/8" or "! -i cali+"; empty: nothing is known to be local.
std::string source_match(const NodeSettings& node, Family family, bool is_local) {
  const std::string_view no = is_local ? "" : "! ";
  const std::string& interface = node.detect_local.interface;
  switch (node.detect_local.mode) {
    case DetectLocal::Mode::kNone:
      return "";
    case DetectLocal::Mode::kCidr: {
      const auto cidr = local_cidr(node, family);
      return cidr ? fmt::format("{}-s {}", no, to_string(*cidr)) : "";
    }
    case DetectLocal::Mode::kInterface:
      return fmt::format("{}-i {}", no, interface);
    case DetectLocal::Mode::kInterfacePrefix:
      return fmt::format("{}-i {}+", no, interface);
  }
  return "";
}

class Rules {
 public:
  Rules(const Plan& plan, Family family) : node_(plan.node), family_(family) {
    std::size_t endpoints = 0;
    for (const PeerService& service : peer_services(plan, family))
      endpoints += service.endpoints().size();
    large_ = endpoints > kLargeCluster;
  }

  void add_frontends(const PeerService& service);
  void add_chains(const PeerService& service);
  void remove_chain(const std::string& chain);
  [[nodiscard]] bool is_large() const { return large_; }
  [[nodiscard]] std::string text(bool with_jumps) const;

 private:
  template <class... Parts>
  static void line(std::string& to, fmt::format_string<Parts...> format, Parts&&... parts) {
    fmt::format_to(std::back_inserter(to), format, std::forward<Parts>(parts)...);
    to += '\n';
  }
  void add_external(const PeerService& service, const Frontend& frontend);
  void add_external_chain(const PeerService& service);
  void add_list(const PeerService& service, const std::string& chain,
                const std::vector<Backend>& endpoints);
  void add_endpoint(const PeerService& service, const Backend& endpoint);
  /// A comment that large clusters do without.
  [[nodiscard]] std::string remark(const std::string& text) const {
    return large_ ? "" : fmt::format("-m comment --comment \"{}\" ", text);
  }

  const NodeSettings& node_;
  Family family_;
  bool large_ = false;
  std::string filter_, nat_chains_, nat_, removals_;
};

std::string destination(const PeerService& service, const Frontend& frontend) {
  return fmt::format("-m {0} -p {0} -d {1} --dport {2}", service.protocol,
                     to_string(frontend.address), frontend.port.host);
}

void Rules::add_frontends(const PeerService& service) {
  for (const Frontend& frontend : service.plan->frontends) {
    if (frontend.kind == FrontendKind::kHostPort) continue;
    if (frontend.kind != FrontendKind::kClusterIp) {
      add_external(service, frontend);
      continue;
    }
    const std::string to = destination(service, frontend);
    if (service.has_internal_endpoints)
      line(nat_, "-A KUBE-SERVICES -m comment --comment \"{} cluster IP\" {} -j {}", service.name,
           to, port_chain(service.internal_local ? "SVL" : "SVC", service));
    else
      line(filter_, "-A KUBE-SERVICES -m comment --comment \"{} has no {}endpoints\" {} -j {}",
           service.name, service.has_endpoints ? "local " : "", to,
           service.has_endpoints ? "DROP" : "REJECT");
  }
}

void Rules::add_external(const PeerService& service, const Frontend& frontend) {
  const bool is_node_port = frontend.kind == FrontendKind::kNodePort;
  const bool is_guarded =
      frontend.kind == FrontendKind::kLoadBalancer && !service.source_ranges().empty();
  const std::string to =
      is_node_port ? fmt::format("-m {0} -p {0} --dport {1}", service.protocol, frontend.port.host)
                   : destination(service, frontend);
  if (service.has_endpoints) {
    const std::string chain = port_chain(is_guarded ? "FW" : "EXT", service);
    if (is_node_port)
      line(nat_, "-A KUBE-NODEPORTS -m comment --comment {} {} -j {}", service.name, to, chain);
    else
      line(nat_, "-A KUBE-SERVICES -m comment --comment \"{} {} IP\" {} -j {}", service.name,
           frontend.kind == FrontendKind::kLoadBalancer ? "loadbalancer" : "external", to, chain);
    if (is_guarded)
      line(filter_,
           "-A KUBE-PROXY-FIREWALL -m comment --comment \"{} traffic not accepted by {}\" {} -j "
           "DROP",
           service.name, chain, to);
  }
  if (!service.has_external_endpoints)
    line(filter_,
         "-A KUBE-EXTERNAL-SERVICES -m comment --comment \"{} has no {}endpoints\" {}{} -j {}",
         service.name, service.has_endpoints ? "local " : "",
         is_node_port ? "-m addrtype --dst-type LOCAL " : "", to,
         service.has_endpoints ? "DROP" : "REJECT");
}

void Rules::add_chains(const PeerService& service) {
  for (const std::string& chain : chains_of(service)) line(nat_chains_, ":{} - [0:0]", chain);
  if (!service.has_endpoints) return;
  const std::string outside = source_match(node_, family_, false);
  for (const Frontend& frontend : service.plan->frontends) {
    if (frontend.kind != FrontendKind::kClusterIp || !service.has_internal_endpoints) continue;
    const bool marks =
        service.masquerade_all || (service.masquerade_off_cluster && !outside.empty());
    if (!marks) continue;
    line(nat_, "-A {} -m comment --comment \"{} cluster IP\" {} {}-j KUBE-MARK-MASQ",
         port_chain(service.internal_local ? "SVL" : "SVC", service), service.name,
         destination(service, frontend), service.masquerade_all ? "" : outside + ' ');
  }
  if (service.is_external) add_external_chain(service);
  if (service.uses_cluster_list())
    add_list(service, port_chain("SVC", service), service.plan->cluster_backends);
  if (service.uses_local_list())
    add_list(service, port_chain("SVL", service), service.plan->local_backends);
  for (const Backend& endpoint : service.endpoints()) add_endpoint(service, endpoint);
}

void Rules::add_external_chain(const PeerService& service) {
  const std::string chain = port_chain("EXT", service), cluster = port_chain("SVC", service);
  if (!service.external_local) {
    line(nat_,
         "-A {} -m comment --comment \"masquerade traffic for {} external destinations\" -j "
         "KUBE-MARK-MASQ",
         chain, service.name);
  } else {
    const std::string pods = source_match(node_, family_, true);
    if (!pods.empty())
      line(nat_, "-A {} -m comment --comment \"pod traffic for {} external destinations\" {} -j {}",
           chain, service.name, pods, cluster);
    line(nat_,
         "-A {} -m comment --comment \"masquerade LOCAL traffic for {} external destinations\" -m "
         "addrtype --src-type LOCAL -j KUBE-MARK-MASQ",
         chain, service.name);
    line(nat_,
         "-A {} -m comment --comment \"route LOCAL traffic for {} external destinations\" -m "
         "addrtype --src-type LOCAL -j {}",
         chain, service.name, cluster);
  }
  if (service.has_external_endpoints)
    line(nat_, "-A {} -j {}", chain, service.external_local ? port_chain("SVL", service) : cluster);
  for (const Cidr& range : service.source_ranges())
    line(nat_, "-A {} -m comment --comment \"{} loadbalancer IP\" -s {} -j {}",
         port_chain("FW", service), service.name, to_string(range), chain);
  if (!service.source_ranges().empty())
    line(nat_,
         "-A {} -m comment --comment \"other traffic to {} will be dropped by "
         "KUBE-PROXY-FIREWALL\"",
         port_chain("FW", service), service.name);
}

void Rules::add_list(const PeerService& service, const std::string& chain,
                     const std::vector<Backend>& endpoints) {
  const auto comment = [&](const Backend& endpoint) {
    return remark(
        fmt::format("{} -> {}", service.name, to_string(endpoint.address, endpoint.port)));
  };
  if (service.plan->affinity.count() != 0)
    for (const Backend& endpoint : endpoints) {
      const std::string target = endpoint_chain(service, endpoint);
      line(nat_, "-A {} {}-m recent --name {} --rcheck --seconds {} --reap -j {}", chain,
           comment(endpoint), target, service.plan->affinity.count(), target);
    }
  std::size_t left = endpoints.size();
  for (const Backend& endpoint : endpoints) {
    const std::string choice =
        left == 1 ? ""
                  : fmt::format("-m statistic --mode random --probability {:.10f} ",
                                1.0 / static_cast<double>(left));
    line(nat_, "-A {} {}{}-j {}", chain, comment(endpoint), choice,
         endpoint_chain(service, endpoint));
    --left;
  }
}

void Rules::add_endpoint(const PeerService& service, const Backend& endpoint) {
  const std::string chain = endpoint_chain(service, endpoint);
  line(nat_, "-A {} {}-s {} -j KUBE-MARK-MASQ", chain, remark(service.name),
       to_string(endpoint.address));
  line(nat_, "-A {0} {1}{2}-m {3} -p {3} -j DNAT --to-destination {4}", chain, remark(service.name),
       service.plan->affinity.count() == 0 ? "" : fmt::format("-m recent --name {} --set ", chain),
       service.protocol, to_string(endpoint.address, endpoint.port));
}

void Rules::remove_chain(const std::string& chain) {
  line(nat_chains_, ":{} - [0:0]", chain);
  line(removals_, "-X {}", chain);
}

std::string Rules::text(bool with_jumps) const {
  constexpr std::string_view kLast =
      "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be "
      "the last rule in this chain\"";
  std::string text = fmt::format("*filter\n{}{}{}{}COMMIT\n", kFilterChains,
                                 with_jumps ? lines(kFilterJumps) : "", filter_, kForwardRules);
  text += fmt::format("*nat\n{}{}{}{}{}", kNatChains, nat_chains_,
                      with_jumps ? lines(kNatJumps) : "", kMasqueradeRules, nat_);
  if (const auto addresses = node_port_addresses(node_, family_)) {
    for (const Ip& address : *addresses)
      line(text, "{} -d {} -j KUBE-NODEPORTS", kLast, to_string(address));
  } else {
    line(text, "{} -m addrtype --dst-type LOCAL ! -d {} -j KUBE-NODEPORTS", kLast,
         family_ == Family::kIpv4 ? "127.0.0.0/8" : "::1/128");
  }
  return text + removals_ + "COMMIT\n";
}

}  // namespace

std::string iptables_load(const Plan& plan, Family family) {
  Rules rules(plan, family);
  for (const PeerService& service : peer_services(plan, family)) {
    rules.add_frontends(service);
    rules.add_chains(service);
  }
  return rules.text(true);
}

std::string iptables_change(const Plan& plan, const ObjectName& service, const ServicePlans& before,
                            Family family) {
  Rules rules(plan, family);
  std::set<std::string> stale;
  for (const PeerService& old : peer_services(before, family)) stale.merge(chains_of(old));
  for (const PeerService& each : peer_services(plan, family)) {
    rules.add_frontends(each);
    if (each.plan->name.service != service) continue;
    rules.add_chains(each);
    for (const std::string& chain : chains_of(each)) stale.erase(chain);
  }
  if (!rules.is_large())
    for (const std::string& chain : stale) rules.remove_chain(chain);
  return rules.text(false);
}

std::string iptables_service_chain(const ServicePlan& service) {
  return port_chain("SVC", PeerService(service));
}
std::string iptables_endpoint_chain(const ServicePlan& service, const Backend& endpoint) {
  return endpoint_chain(PeerService(service), endpoint);
}

}  // namespace fairlead::bench
