// A ServicePlan in kube-proxy's words: traffic policies, which lists of endpoints are used, how
// local clients are recognised.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/plan.hpp"

namespace fairlead::bench {

/// Views of the plan that it was made from.
struct PeerService {
  explicit PeerService(const ServicePlan& plan);

  const ServicePlan* plan;
  std::string name;                                     // "ns/svc:port"
  std::string protocol;                                 // "tcp"
  bool internal_local = false, external_local = false;  // traffic policies Local
  bool is_external = false;  // has a NodePort, a LoadBalancer's or an external IP
  bool masquerade_all = false;
  bool masquerade_off_cluster = false;
  bool has_endpoints = false, has_internal_endpoints = false, has_external_endpoints = false;

  [[nodiscard]] bool uses_cluster_list() const {
    return (!internal_local || is_external) && !plan->cluster_backends.empty();
  }
  [[nodiscard]] bool uses_local_list() const {
    return (internal_local || (external_local && is_external)) && !plan->local_backends.empty();
  }
  /// Of all lists that are used; sorted.
  [[nodiscard]] std::vector<Backend> endpoints() const;
  /// Of the first LoadBalancer address that has some.
  [[nodiscard]] const std::vector<Cidr>& source_ranges() const;
};

/// In the order of names: all Services of the family, without HostPorts, which are not
/// kube-proxy's.
std::vector<PeerService> peer_services(const Plan& plan, Family family);
std::vector<PeerService> peer_services(const ServicePlans& plans, Family family);
/// Those with a Service.
std::vector<Family> families_of(const Plan& plan);
std::vector<Family> families_of(const ServicePlans& before, const ServicePlans& after);

/// Addresses where NodePorts are open; nullopt: every local one but loopback.
std::optional<std::vector<Ip>> node_port_addresses(const NodeSettings& node, Family family);
/// kCidr's prefix of the family.
std::optional<Cidr> local_cidr(const NodeSettings& node, Family family);

/// The first `length` letters of the SHA-256 in base 32, as kube-proxy names its chains.
std::string short_hash(std::string_view text, std::size_t length);

inline constexpr std::string_view kMasqueradeMark = "0x4000";

}  // namespace fairlead::bench
