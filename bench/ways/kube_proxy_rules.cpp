// A Service -> its chain or virtual server, as the tool lists it -> are its endpoints in there?
#include "bench/ways/kube_proxy_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "bench/ways/command.hpp"
#include "bench/ways/iptables_layout.hpp"
#include "bench/ways/nftables_layout.hpp"
#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

const Frontend* cluster_ip_of(const ServicePlan& plan) {
  const auto found = std::ranges::find(plan.frontends, FrontendKind::kClusterIp, &Frontend::kind);
  return found == plan.frontends.end() ? nullptr : &*found;
}

const ServicePlan* shown_plan(const ServicePlans& plans) {
  const auto found = std::ranges::find_if(
      plans, [](const ServicePlan& plan) { return cluster_ip_of(plan) != nullptr; });
  return found == plans.end() ? nullptr : &*found;
}

/// Lists what leads from one Service to its endpoints.
Step listing(std::string_view mode, const ServicePlan& plan) {
  const bool is_v4 = plan.name.family == Family::kIpv4;
  if (mode == "iptables")
    return {{is_v4 ? "iptables" : "ip6tables", "-w", "5", "-t", "nat", "-S",
             iptables_service_chain(plan)}};
  if (mode == "nftables")
    return {
        {"nft", "list", "chain", is_v4 ? "ip" : "ip6", "kube-proxy", nftables_service_chain(plan)}};
  const Frontend& frontend = *cluster_ip_of(plan);
  return {{"ipvsadm", "-L", "-n", plan.name.protocol == Protocol::kTcp ? "-t" : "-u",
           to_string(frontend.address, frontend.port)}};
}

/// Lists what refuses connections to one Service, and perhaps to others. Of nftables: fails where
/// nothing does.
Step refusals(std::string_view mode, const ServicePlan& plan) {
  const bool is_v4 = plan.name.family == Family::kIpv4;
  const Frontend& frontend = *cluster_ip_of(plan);
  if (mode == "iptables")
    return {{is_v4 ? "iptables" : "ip6tables", "-w", "5", "-t", "filter", "-S", "KUBE-SERVICES"}};
  if (mode == "nftables")
    return {{"nft", "get", "element", is_v4 ? "ip" : "ip6", "kube-proxy", "no-endpoint-services",
             fmt::format("{{ {} . {} . {} }}", to_string(frontend.address),
                         PeerService(plan).protocol, frontend.port.host)}};
  return listing(mode, plan);
}

Result<bool> refusal_is_there(std::string_view mode, const ServicePlan& plan) {
  const auto text = output_of(refusals(mode, plan));
  return text && (mode != "iptables" ||
                  text->find(to_string(plan.name) + " has no endpoints") != text->npos);
}

/// How an endpoint is written there.
std::vector<std::string> signs_of(std::string_view mode, const ServicePlan& plan,
                                  const Backend& endpoint) {
  const std::string address = to_string(endpoint.address);
  if (mode == "iptables") return {iptables_endpoint_chain(plan, endpoint)};
  if (mode == "nftables")
    return {fmt::format(" {} . {}", address, endpoint.port.host),
            fmt::format("__{}/{}", address, endpoint.port.host)};
  return {to_string(endpoint.address, endpoint.port)};
}

/// Whatever else is said of it.
bool has_address(const ServicePlan& plan, const Backend& endpoint) {
  return std::ranges::any_of(plan.cluster_backends, [&](const Backend& other) {
    return other.address == endpoint.address && other.port == endpoint.port;
  });
}

}  // namespace

Result<int> minor_version(const std::string& kube_proxy) {
  TRY(const std::string text, output_of({{kube_proxy, "--version"}}));
  const auto dot = text.find("v1.");
  int minor = 0;
  if (dot == text.npos ||
      std::from_chars(text.data() + dot + 3, text.data() + text.size(), minor).ec != std::errc())
    return invalid(fmt::format("{} --version: '{}' is not that of a kube-proxy", kube_proxy, text));
  return minor;
}

std::vector<std::string> detection_arguments(const Plan& plan) {
  const NodeSettings& node = plan.node;
  std::vector<std::string> arguments;
  std::string cidrs, addresses;
  for (const Family family : families_of(plan)) {
    if (const auto cidr = local_cidr(node, family))
      cidrs += (cidrs.empty() ? "" : ",") + to_string(*cidr);
    for (const Ip& address : node_port_addresses(node, family).value_or(std::vector<Ip>{}))
      addresses += fmt::format("{}{}/{}", addresses.empty() ? "" : ",", to_string(address),
                               address.is_v4() ? 32 : 128);
  }
  switch (node.detect_local.mode) {
    case DetectLocal::Mode::kNone:
      break;
    case DetectLocal::Mode::kCidr:
      if (!cidrs.empty()) arguments = {"--cluster-cidr", cidrs};
      break;
    case DetectLocal::Mode::kInterface:
      arguments = {"--detect-local-mode", "BridgeInterface", "--pod-bridge-interface",
                   node.detect_local.interface};
      break;
    case DetectLocal::Mode::kInterfacePrefix:
      arguments = {"--detect-local-mode", "InterfaceNamePrefix", "--pod-interface-name-prefix",
                   node.detect_local.interface};
      break;
  }
  if (!addresses.empty()) arguments.insert(arguments.end(), {"--nodeport-addresses", addresses});
  return arguments;
}

Result<std::string> tool_for_rules(std::string_view mode) {
  if (mode == "iptables") return "iptables";
  if (mode == "nftables") return "nft";
  if (mode == "ipvs") return "ipvsadm";
  return invalid(fmt::format("'{}' is no proxy mode of kube-proxy on Linux", mode));
}

Result<bool> rules_are_there(std::string_view mode, const ServicePlans& wanted,
                             const ServicePlans& before) {
  const ServicePlan* plan = shown_plan(wanted);
  if (plan == nullptr) return invalid("kube-proxy: a Service without a ClusterIP cannot be seen");
  if (plan->cluster_backends.empty()) return refusal_is_there(mode, *plan);
  const auto text = output_of(listing(mode, *plan));
  if (!text) return false;  // there is no such chain yet
  const auto is_listed = [&](const Backend& endpoint) {
    return std::ranges::any_of(signs_of(mode, *plan, endpoint), [&](const std::string& sign) {
      return text->find(sign) != text->npos;
    });
  };
  if (!std::ranges::all_of(plan->cluster_backends, is_listed)) return false;
  for (const ServicePlan& old : before) {
    if (old.name != plan->name) continue;
    for (const Backend& endpoint : old.cluster_backends)
      if (!has_address(*plan, endpoint) && is_listed(endpoint)) return false;
  }
  return true;
}

}  // namespace fairlead::bench
