// Frontends -> virtual servers and entries of sets; backends -> real servers.
#include "bench/ways/ipvs_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

constexpr std::string_view kPort = "hash:ip,port", kPorts = "bitmap:port";
struct SetKind {
  std::string_view name, type;
};
constexpr std::array kSets{SetKind{"LOOP-BACK", "hash:ip,port,ip"},
                           SetKind{"CLUSTER-IP", kPort},
                           SetKind{"EXTERNAL-IP", kPort},
                           SetKind{"EXTERNAL-IP-LOCAL", kPort},
                           SetKind{"LOAD-BALANCER", kPort},
                           SetKind{"LOAD-BALANCER-LOCAL", kPort},
                           SetKind{"LOAD-BALANCER-FW", kPort},
                           SetKind{"LOAD-BALANCER-SOURCE-IP", "hash:ip,port,ip"},
                           SetKind{"LOAD-BALANCER-SOURCE-CIDR", "hash:ip,port,net"},
                           SetKind{"NODE-PORT-TCP", kPorts},
                           SetKind{"NODE-PORT-LOCAL-TCP", kPorts},
                           SetKind{"NODE-PORT-UDP", kPorts},
                           SetKind{"NODE-PORT-LOCAL-UDP", kPorts},
                           SetKind{"NODE-PORT-SCTP-HASH", kPort},
                           SetKind{"NODE-PORT-LOCAL-SCTP-HASH", kPort},
                           SetKind{"HEALTH-CHECK-NODE-PORT", kPorts},
                           SetKind{"IPVS-IPS", "hash:ip"}};

/// "KUBE-CLUSTER-IP", "KUBE-6-CLUSTER-IP"; one of them would be longer than sets may be named.
std::string set_name(std::string_view name, Family family) {
  return fmt::format("KUBE-{}{}", family == Family::kIpv4 ? "" : "6-", name).substr(0, 31);
}

template <class... Parts>
void line(std::string& to, fmt::format_string<Parts...> format, Parts&&... parts) {
  fmt::format_to(std::back_inserter(to), format, std::forward<Parts>(parts)...);
  to += '\n';
}

struct VirtualServer {
  std::string name;  // "-t 10.96.0.1:80"
  bool local = false;
};

bool is_local(const PeerService& service, const Frontend& frontend) {
  return frontend.kind == FrontendKind::kClusterIp ? service.internal_local
                                                   : service.external_local;
}

std::vector<VirtualServer> servers_of(const NodeSettings& node, const PeerService& service) {
  const Family family = service.plan->name.family;
  const std::string_view flag = service.protocol == "udp"    ? "-u"
                                : service.protocol == "sctp" ? "--sctp-service"
                                                             : "-t";
  std::vector<VirtualServer> servers;
  for (const Frontend& frontend : service.plan->frontends) {
    if (frontend.kind == FrontendKind::kHostPort) continue;
    std::vector<Ip> addresses{frontend.address};
    if (frontend.kind == FrontendKind::kNodePort) {
      addresses = node.node_port_addresses;
      std::erase_if(addresses, [&](const Ip& ip) { return ip.family() != family; });
    }
    for (const Ip& address : addresses)
      servers.push_back({fmt::format("{} {}", flag, to_string(address, frontend.port)),
                         is_local(service, frontend)});
  }
  return servers;
}

/// Policy Local without a local endpoint uses all of them.
const std::vector<Backend>& backends_of(const PeerService& service, const VirtualServer& server) {
  const bool uses_local = server.local && !service.plan->local_backends.empty();
  return uses_local ? service.plan->local_backends : service.plan->cluster_backends;
}

std::string real_server(const VirtualServer& server, const Backend& backend) {
  return fmt::format("{} -r {}", server.name, to_string(backend.address, backend.port));
}

/// Set and entry. The sets have no order.
using Entries = std::set<std::pair<std::string, std::string>>;

void add_frontend(const PeerService& service, const Frontend& frontend, Family family,
                  Entries& to) {
  const bool local = is_local(service, frontend);
  const std::string address = to_string(frontend.address);
  const std::string entry = fmt::format("{},{}:{}", address, service.protocol, frontend.port.host);
  const auto put = [&](std::string_view set, const std::string& what) {
    to.emplace(set_name(set, family), what);
  };
  switch (frontend.kind) {
    case FrontendKind::kClusterIp:
      put("CLUSTER-IP", entry);
      break;
    case FrontendKind::kExternalIp:
      put(local ? "EXTERNAL-IP-LOCAL" : "EXTERNAL-IP", entry);
      break;
    case FrontendKind::kLoadBalancer:
      put("LOAD-BALANCER", entry);
      if (local) put("LOAD-BALANCER-LOCAL", entry);
      if (!frontend.source_ranges.empty()) put("LOAD-BALANCER-FW", entry);
      for (const Cidr& range : frontend.source_ranges)
        put("LOAD-BALANCER-SOURCE-CIDR", entry + ',' + to_string(range));
      break;
    case FrontendKind::kNodePort: {
      const std::string port = std::to_string(frontend.port.host);
      const std::string_view kind = service.protocol == "udp" ? "UDP" : "TCP";
      if (service.protocol == "sctp") break;  // by address; nothing of the bench's has it
      put(fmt::format("NODE-PORT-{}", kind), port);
      if (local) put(fmt::format("NODE-PORT-LOCAL-{}", kind), port);
      break;
    }
    case FrontendKind::kHostPort:
      break;
  }
  if (frontend.kind != FrontendKind::kNodePort && frontend.kind != FrontendKind::kHostPort)
    put("IPVS-IPS", address);
}

Entries entries_of(const std::vector<PeerService>& services, Family family) {
  Entries entries;
  for (const PeerService& service : services) {
    for (const Frontend& frontend : service.plan->frontends)
      add_frontend(service, frontend, family, entries);
    for (const Backend& endpoint : service.endpoints())
      if (endpoint.local)
        entries.emplace(set_name("LOOP-BACK", family),
                        fmt::format("{0},{1}:{2},{0}", to_string(endpoint.address),
                                    service.protocol, endpoint.port.host));
  }
  return entries;
}

/// Rules for sets that have entries only.
class Rules {
 public:
  Rules(Family family, const Entries& entries) : family_(family) {
    for (const auto& [set, entry] : entries) used_.insert(set);
  }
  [[nodiscard]] bool has(std::string_view set) const { return used_.contains(name(set)); }
  [[nodiscard]] std::string name(std::string_view set) const { return set_name(set, family_); }
  void match(std::string& to, std::string_view chain, std::string_view set, std::string_view how,
             std::string_view target, std::string_view protocol = "") const {
    if (!has(set)) return;
    line(to, "-A {} {}-m comment --comment \"{}\" -m set --match-set {} {} -j {}", chain,
         protocol.empty() ? "" : fmt::format("-p {} ", protocol), name(set), name(set), how,
         target);
  }

 private:
  Family family_;
  std::set<std::string> used_;
};

std::string outside_match(const NodeSettings& node, Family family) {
  const std::string& interface = node.detect_local.interface;
  if (const auto cidr = local_cidr(node, family))
    return fmt::format("dst,dst ! -s {}", to_string(*cidr));
  if (node.detect_local.mode == DetectLocal::Mode::kInterface)
    return fmt::format("dst,dst ! -i {}", interface);
  if (node.detect_local.mode == DetectLocal::Mode::kInterfacePrefix)
    return fmt::format("dst,dst ! -i {}+", interface);
  return "src,dst";
}

std::string nat_rules(const NodeSettings& node, Family family, const Rules& rules) {
  std::string text;
  line(text, "-A KUBE-SERVICES -s {} -j RETURN",
       family == Family::kIpv4 ? "127.0.0.0/8" : "::1/128");
  rules.match(text, "KUBE-POSTROUTING", "LOOP-BACK", "dst,dst,src", "MASQUERADE");
  rules.match(text, "KUBE-SERVICES", "LOAD-BALANCER", "dst,dst", "KUBE-LOAD-BALANCER");
  rules.match(text, "KUBE-LOAD-BALANCER", "LOAD-BALANCER-LOCAL", "dst,dst", "RETURN");
  for (const std::string_view protocol : {"tcp", "udp"}) {
    const std::string kind = protocol == "tcp" ? "TCP" : "UDP";
    rules.match(text, "KUBE-NODE-PORT", "NODE-PORT-LOCAL-" + kind, "dst", "RETURN", protocol);
    rules.match(text, "KUBE-NODE-PORT", "NODE-PORT-" + kind, "dst", "KUBE-MARK-MASQ", protocol);
  }
  rules.match(text, "KUBE-SERVICES", "CLUSTER-IP", outside_match(node, family), "KUBE-MARK-MASQ");
  rules.match(text, "KUBE-SERVICES", "EXTERNAL-IP", "dst,dst", "KUBE-MARK-MASQ");
  for (const std::string_view set : {"EXTERNAL-IP", "EXTERNAL-IP-LOCAL"}) {
    rules.match(text, "KUBE-SERVICES", set,
                "dst,dst -m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL", "ACCEPT");
    rules.match(text, "KUBE-SERVICES", set, "dst,dst -m addrtype --dst-type LOCAL", "ACCEPT");
  }
  line(text, "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT");
  line(text, "-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ");
  for (const std::string_view set : {"CLUSTER-IP", "LOAD-BALANCER"})
    if (rules.has(set))
      line(text, "-A KUBE-SERVICES -m set --match-set {} dst,dst -j ACCEPT", rules.name(set));
  line(text, "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN");
  line(text, "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000");
  line(text,
       "-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j "
       "MASQUERADE --random-fully");
  line(text, "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000");
  return text;
}

std::string filter_rules(const Rules& rules) {
  std::string text;
  rules.match(text, "KUBE-PROXY-FIREWALL", "LOAD-BALANCER-FW", "dst,dst",
              "KUBE-SOURCE-RANGES-FIREWALL");
  rules.match(text, "KUBE-SOURCE-RANGES-FIREWALL", "LOAD-BALANCER-SOURCE-CIDR", "dst,dst,src",
              "RETURN");
  line(text, "-A KUBE-SOURCE-RANGES-FIREWALL -j DROP");
  line(text,
       "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark "
       "0x4000/0x4000 -j ACCEPT");
  line(text,
       "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding conntrack rule\" -m conntrack "
       "--ctstate RELATED,ESTABLISHED -j ACCEPT");
  line(text, "-A KUBE-NODE-PORT -m set --match-set {} dst -j ACCEPT",
       rules.name("HEALTH-CHECK-NODE-PORT"));
  for (const std::string_view set :
       {"LOAD-BALANCER", "CLUSTER-IP", "EXTERNAL-IP", "EXTERNAL-IP-LOCAL"})
    line(text, "-A KUBE-IPVS-FILTER -m set --match-set {} dst,dst -j RETURN", rules.name(set));
  line(text, "-A KUBE-IPVS-FILTER -m set --match-set {} dst -j RETURN",
       rules.name("HEALTH-CHECK-NODE-PORT"));
  line(text, "-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set {} dst -j REJECT",
       rules.name("IPVS-IPS"));
  return text;
}

std::string chain_lines(std::initializer_list<std::string_view> chains) {
  std::string text;
  for (const std::string_view chain : chains) line(text, ":KUBE-{} - [0:0]", chain);
  return text;
}

}  // namespace

std::string ipvs_servers(const Plan& plan, Family family) {
  std::string text;
  for (const PeerService& service : peer_services(plan, family)) {
    const auto affinity = service.plan->affinity.count();
    for (const VirtualServer& server : servers_of(plan.node, service)) {
      line(text, "-A {} -s rr{}", server.name,
           affinity == 0 ? "" : fmt::format(" -p {}", affinity));
      for (const Backend& backend : backends_of(service, server))
        line(text, "-a {} -m -w 1", real_server(server, backend));
    }
  }
  return text;
}

std::string ipvs_sets(const Plan& plan, Family family) {
  std::string text;
  for (const SetKind& set : kSets) {
    if (set.type == kPorts)
      line(text, "create {} {} range 0-65535", set_name(set.name, family), set.type);
    else
      line(text, "create {} {} family {} hashsize 1024 maxelem 65536", set_name(set.name, family),
           set.type, family == Family::kIpv4 ? "inet" : "inet6");
  }
  for (const auto& [set, entry] : entries_of(peer_services(plan, family), family))
    line(text, "add {} {}", set, entry);
  return text;
}

std::string ipvs_rules(const Plan& plan, Family family, bool with_jumps) {
  const Rules rules(family, entries_of(peer_services(plan, family), family));
  std::string text =
      "*filter\n" + chain_lines({"FORWARD", "NODE-PORT", "PROXY-FIREWALL", "SOURCE-RANGES-FIREWALL",
                                 "IPVS-FILTER", "IPVS-OUT-FILTER"});
  constexpr std::string_view kFilterJumps = R"(-A INPUT -j KUBE-IPVS-FILTER
-A INPUT -j KUBE-PROXY-FIREWALL
-A INPUT -j KUBE-NODE-PORT
-A FORWARD -j KUBE-PROXY-FIREWALL
-A FORWARD -j KUBE-FORWARD
-A OUTPUT -j KUBE-IPVS-OUT-FILTER
)";
  constexpr std::string_view kNatJumps = R"(-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
)";
  text += fmt::format("{}{}COMMIT\n", with_jumps ? kFilterJumps : "", filter_rules(rules));
  text += "*nat\n" +
          chain_lines({"SERVICES", "POSTROUTING", "NODE-PORT", "LOAD-BALANCER", "MARK-MASQ"});
  text +=
      fmt::format("{}{}COMMIT\n", with_jumps ? kNatJumps : "", nat_rules(plan.node, family, rules));
  return text;
}

std::string ipvs_addresses(const Plan& plan, Family family) {
  std::string text;
  for (const auto& [set, entry] : entries_of(peer_services(plan, family), family))
    if (set == set_name("IPVS-IPS", family))
      line(text, "addr add {}/{} dev kube-ipvs0{}", entry, family == Family::kIpv4 ? 32 : 128,
           family == Family::kIpv4 ? "" : " nodad");
  return text;
}

IpvsChange ipvs_change(const NodeSettings& node, const ServicePlans& before,
                       const ServicePlans& after, Family family, std::set<std::string>& draining) {
  const auto was = peer_services(before, family), is = peer_services(after, family);
  const auto real_servers = [&](const std::vector<PeerService>& services) {
    std::set<std::string> all;
    for (const PeerService& service : services)
      for (const VirtualServer& server : servers_of(node, service))
        for (const Backend& backend : backends_of(service, server))
          all.insert(real_server(server, backend));
    return all;
  };
  IpvsChange change;
  const std::set<std::string> old_servers = real_servers(was), servers = real_servers(is);
  for (const std::string& server : servers)
    if (!old_servers.contains(server))
      line(change.servers, "{} {} -m -w 1", draining.erase(server) != 0 ? "-e" : "-a", server);
  for (const std::string& server : old_servers) {
    if (servers.contains(server)) continue;
    if (server.starts_with("-t ")) {
      line(change.servers, "-e {} -m -w 0", server);
      draining.insert(server);
    } else {
      line(change.servers, "-d {}", server);
    }
  }
  const Entries old_entries = entries_of(was, family), entries = entries_of(is, family);
  for (const auto& [set, entry] : entries)
    if (!old_entries.contains({set, entry})) line(change.sets, "add {} {}", set, entry);
  // Of another Service of the same pods it may be still: what is one entry too many harms nobody.
  for (const auto& [set, entry] : old_entries)
    if (!entries.contains({set, entry}) && set != set_name("LOOP-BACK", family))
      line(change.sets, "del {} {}", set, entry);
  return change;
}

}  // namespace fairlead::bench
