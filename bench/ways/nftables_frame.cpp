// Hooks -> jumps -> checks, dispatch by verdict maps, masquerading.
#include "bench/ways/nftables_frame.hpp"

#include <array>

#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

struct BaseChain {
  std::string_view name, type, hook;
  int priority;
};
struct Jump {
  std::string_view from, match, to;
};

constexpr std::array kOlderChains{BaseChain{"filter-prerouting", "filter", "prerouting", -110},
                                  BaseChain{"filter-input", "filter", "input", -110},
                                  BaseChain{"filter-forward", "filter", "forward", -110},
                                  BaseChain{"filter-output", "filter", "output", -110},
                                  BaseChain{"filter-output-post-dnat", "filter", "output", -90},
                                  BaseChain{"nat-prerouting", "nat", "prerouting", -100},
                                  BaseChain{"nat-output", "nat", "output", -100},
                                  BaseChain{"nat-postrouting", "nat", "postrouting", 100}};
constexpr std::array kChains{BaseChain{"filter-prerouting-pre-dnat", "filter", "prerouting", -110},
                             BaseChain{"filter-output-pre-dnat", "filter", "output", -110},
                             BaseChain{"filter-input", "filter", "input", 0},
                             BaseChain{"filter-forward", "filter", "forward", 0},
                             BaseChain{"filter-output", "filter", "output", 0},
                             BaseChain{"nat-prerouting", "nat", "prerouting", -100},
                             BaseChain{"nat-output", "nat", "output", -100},
                             BaseChain{"nat-postrouting", "nat", "postrouting", 100}};

constexpr std::string_view kNew = "ct state new ";

void add_hooks(NftTransaction& to, bool is_older) {
  for (const BaseChain& chain : is_older ? kOlderChains : kChains)
    to.base_chain(chain.name, chain.type, chain.hook, chain.priority);
  for (const std::string_view chain :
       {"nodeport-endpoints-check", "service-endpoints-check", "firewall-check", "services",
        "masquerading", "cluster-ips-check"})
    to.chain(chain);
  const std::array jumps{
      Jump{"filter-input", kNew, "nodeport-endpoints-check"},
      Jump{"filter-input", kNew, "service-endpoints-check"},
      Jump{"filter-forward", kNew, "service-endpoints-check"},
      Jump{"filter-output", kNew, "service-endpoints-check"},
      Jump{is_older ? "filter-prerouting" : "filter-prerouting-pre-dnat", kNew, "firewall-check"},
      Jump{is_older ? "filter-output" : "filter-output-pre-dnat", kNew, "firewall-check"},
      Jump{"nat-output", "", "services"},
      Jump{"nat-prerouting", "", "services"},
      Jump{"nat-postrouting", "", "masquerading"},
      Jump{"filter-forward", kNew, "cluster-ips-check"},
      Jump{is_older ? "filter-output-post-dnat" : "filter-output", kNew, "cluster-ips-check"}};
  for (const Jump& jump : jumps) to.rule(jump.from, fmt::format("{}jump {}", jump.match, jump.to));
}

void add_masquerading(NftTransaction& to, bool is_older, Family family) {
  const std::string_view ip = nft_family(family), address = nft_address_type(family);
  if (is_older) {
    to.chain("mark-for-masquerade");
    to.rule("mark-for-masquerade", fmt::format("mark set mark or {}", kMasqueradeMark));
    to.rule("masquerading", fmt::format("mark and {} == 0 return", kMasqueradeMark));
    to.rule("masquerading", fmt::format("mark set mark xor {}", kMasqueradeMark));
    to.rule("masquerading", "masquerade fully-random");
    return;
  }
  to.container("set", "hairpin-connections",
               fmt::format("{0} . {0} . inet_proto . inet_service", address),
               "service hairpin connections");
  to.rule("masquerading",
          fmt::format("mark and {0} != 0 mark set mark xor {0} masquerade fully-random",
                      kMasqueradeMark));
  to.rule("masquerading",
          fmt::format("ct status dnat {0} saddr . {0} daddr . meta l4proto . th dport "
                      "@hairpin-connections masquerade fully-random",
                      ip));
}

void add_cluster_ips_check(NftTransaction& to, const NodeSettings& node, Family family) {
  const std::string_view ip = nft_family(family);
  to.container("set", "cluster-ips", nft_address_type(family), "Active ClusterIPs");
  to.rule("cluster-ips-check", fmt::format("{} daddr @cluster-ips reject", ip),
          "Reject traffic to invalid ports of ClusterIPs");
  std::string ranges;
  for (const Cidr& range : node.service_cidrs)
    if (range.family() == family) ranges += (ranges.empty() ? "" : ", ") + to_string(range);
  if (!ranges.empty())
    to.rule("cluster-ips-check", fmt::format("{} daddr {{ {} }} drop", ip, ranges),
            "Drop traffic to unallocated ClusterIPs");
}

/// What a packet to a NodePort matches before its port is looked up.
std::string add_node_addresses(NftTransaction& to, const NodeSettings& node, Family family) {
  const auto addresses = node_port_addresses(node, family);
  if (!addresses) return family == Family::kIpv4 ? "ip daddr != 127.0.0.0/8" : "ip6 daddr != ::1";
  to.container("set", "nodeport-ips", nft_address_type(family), "IPs that accept NodePort traffic");
  for (const Ip& address : *addresses) to.add({"nodeport-ips", to_string(address), "", ""});
  return fmt::format("{} daddr @nodeport-ips", nft_family(family));
}

void add_dispatch(NftTransaction& to, bool is_older, const NodeSettings& node, Family family) {
  const std::string by_address =
      fmt::format("{} . inet_proto . inet_service : verdict", nft_address_type(family));
  const std::string look_up =
      fmt::format("{} daddr . meta l4proto . th dport vmap", nft_family(family));
  const std::string node_match = add_node_addresses(to, node, family);
  to.container("map", "no-endpoint-services", by_address,
               "vmap to drop or reject packets to services with no endpoints");
  to.container("map", "no-endpoint-nodeports", "inet_proto . inet_service : verdict",
               "vmap to drop or reject packets to service nodeports with no endpoints");
  to.chain("reject-chain", "helper for @no-endpoint-services / @no-endpoint-nodeports");
  to.rule("reject-chain", "reject");
  to.rule("service-endpoints-check", look_up + " @no-endpoint-services");
  to.rule("nodeport-endpoints-check",
          node_match + " meta l4proto . th dport vmap @no-endpoint-nodeports");
  to.container("map", "firewall-ips", by_address,
               "destinations that are subject to LoadBalancerSourceRanges");
  to.rule("firewall-check", look_up + " @firewall-ips");
  to.container("map", "service-ips", by_address,
               "ClusterIP, ExternalIP and LoadBalancer IP traffic");
  to.container("map", "service-nodeports", "inet_proto . inet_service : verdict",
               "NodePort traffic");
  const std::string outside = nft_source_match(node, family, false);
  if (!is_older && !outside.empty())
    to.rule("services",
            fmt::format("{} daddr @cluster-ips {} mark set mark or {}", nft_family(family), outside,
                        kMasqueradeMark),
            "masquerade clusterIP traffic from outside cluster");
  to.rule("services", look_up + " @service-ips");
  to.rule("services", fmt::format("{}{} meta l4proto . th dport vmap @service-nodeports",
                                  node_port_addresses(node, family) ? "" : "fib daddr type local ",
                                  node_match));
}

}  // namespace

std::string nft_source_match(const NodeSettings& node, Family family, bool is_local) {
  const std::string_view no = is_local ? "" : "!= ";
  const std::string& interface = node.detect_local.interface;
  switch (node.detect_local.mode) {
    case DetectLocal::Mode::kNone:
      return "";
    case DetectLocal::Mode::kCidr: {
      const auto cidr = local_cidr(node, family);
      return cidr ? fmt::format("{} saddr {}{}", nft_family(family), no, to_string(*cidr)) : "";
    }
    case DetectLocal::Mode::kInterface:
      return fmt::format("iifname {}\"{}\"", no, interface);
    case DetectLocal::Mode::kInterfacePrefix:
      return fmt::format("iifname {}\"{}*\"", no, interface);
  }
  return "";
}

void add_nftables_frame(NftTransaction& to, NftablesLayout layout, const NodeSettings& node,
                        Family family) {
  const bool is_older = layout == NftablesLayout::kChainPerEndpoint;
  to.table("rules for kube-proxy");
  add_hooks(to, is_older);
  add_masquerading(to, is_older, family);
  add_cluster_ips_check(to, node, family);
  add_dispatch(to, is_older, node, family);
}

}  // namespace fairlead::bench
