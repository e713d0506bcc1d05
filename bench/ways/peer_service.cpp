// Verdicts -> the policies that lead to them; names -> hashes.
#include "bench/ways/peer_service.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace fairlead::bench {
namespace {

/// Drop is policy Local where no endpoint is local.
bool is_local(const Verdict& verdict) {
  return verdict.action == Action::kDrop ||
         (verdict.action == Action::kForward && verdict.group == BackendGroup::kLocal);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return result;
}

void add_families(const ServicePlans& plans, std::vector<Family>& families) {
  for (const ServicePlan& plan : plans)
    if (std::ranges::find(families, plan.name.family) == families.end())
      families.push_back(plan.name.family);
}

}  // namespace

PeerService::PeerService(const ServicePlan& of)
    : plan(&of), name(to_string(of.name)), protocol(lower(to_string(of.name.protocol))) {
  for (const Frontend& frontend : of.frontends) {
    const Verdict& outside = frontend.verdict(Scope::kExternal);
    if (outside.action != Action::kReject) has_endpoints = true;
    if (frontend.kind == FrontendKind::kClusterIp) {
      const Verdict& inside = frontend.verdict(Scope::kInternal);
      internal_local = is_local(outside);
      masquerade_all = inside.masquerade && outside.masquerade;
      masquerade_off_cluster = outside.masquerade && !inside.masquerade;
    } else if (frontend.kind != FrontendKind::kHostPort) {
      is_external = true;
      if (is_local(outside)) external_local = true;
    }
  }
  const bool any_local = !of.local_backends.empty();
  has_internal_endpoints = has_endpoints && (!internal_local || any_local);
  has_external_endpoints = has_endpoints && (!external_local || any_local);
}

std::vector<Backend> PeerService::endpoints() const {
  std::vector<Backend> all;
  if (uses_cluster_list()) all = plan->cluster_backends;
  if (uses_local_list())
    all.insert(all.end(), plan->local_backends.begin(), plan->local_backends.end());
  const auto same = [](const Backend& a, const Backend& b) {
    return a.address == b.address && a.port == b.port;
  };
  std::ranges::sort(all);
  const auto rest = std::ranges::unique(all, same);
  all.erase(rest.begin(), rest.end());
  return all;
}

const std::vector<Cidr>& PeerService::source_ranges() const {
  static const std::vector<Cidr> kNone;
  for (const Frontend& frontend : plan->frontends)
    if (frontend.kind == FrontendKind::kLoadBalancer && !frontend.source_ranges.empty())
      return frontend.source_ranges;
  return kNone;
}

std::vector<PeerService> peer_services(const ServicePlans& plans, Family family) {
  std::vector<PeerService> services;
  for (const ServicePlan& plan : plans)
    if (plan.name.family == family) services.emplace_back(plan);
  return services;
}

std::vector<PeerService> peer_services(const Plan& plan, Family family) {
  std::vector<PeerService> services;
  for (const auto& [name, plans] : plan.services)
    for (const ServicePlan& service : plans)
      if (service.name.family == family) services.emplace_back(service);
  return services;
}

std::vector<Family> families_of(const Plan& plan) {
  std::vector<Family> families;
  for (const auto& [name, plans] : plan.services) add_families(plans, families);
  std::ranges::sort(families);
  return families;
}

std::vector<Family> families_of(const ServicePlans& before, const ServicePlans& after) {
  std::vector<Family> families;
  add_families(before, families);
  add_families(after, families);
  std::ranges::sort(families);
  return families;
}

std::optional<std::vector<Ip>> node_port_addresses(const NodeSettings& node, Family family) {
  const auto mode = family == Family::kIpv4 ? node.node_ports_v4 : node.node_ports_v6;
  if (mode == NodeSettings::NodePorts::kAnyLocal) return std::nullopt;
  std::vector<Ip> addresses;
  for (const Ip& address : node.node_port_addresses)
    if (address.family() == family) addresses.push_back(address);
  return addresses;
}

std::optional<Cidr> local_cidr(const NodeSettings& node, Family family) {
  if (node.detect_local.mode != DetectLocal::Mode::kCidr) return std::nullopt;
  for (const Cidr& cidr : node.detect_local.cidrs)
    if (cidr.family() == family) return cidr;
  return std::nullopt;
}

std::string short_hash(std::string_view text, std::size_t length) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string result;
  unsigned bits = 0, held = 0;
  for (const unsigned char byte : digest) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 5 && result.size() < length; held -= 5)
      result += kLetters[bits >> (held - 5) & 31];
    bits &= 0xff;  // fewer than 5 of them are still to be written
    if (result.size() == length) break;
  }
  return result;
}

}  // namespace fairlead::bench
