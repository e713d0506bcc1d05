// The rules of kube-proxy's nftables mode, as text for nft: table `kube-proxy` of each family.
#pragma once

#include <string>
#include <vector>

#include "model/plan.hpp"

namespace fairlead::bench {

enum class NftablesLayout : std::uint8_t {
  kChainPerEndpoint,  // to about 1.35
  kRulePerService     // since 1.36
};

/// One transaction, for a namespace without rules.
std::string nftables_load(NftablesLayout layout, const Plan& plan, Family family);

struct NftablesChange {
  std::string transaction;
  /// Emptied by it; kube-proxy deletes them in a transaction of their own, a second later or more,
  /// because before Linux 6.2 something may still point to them.
  std::vector<std::string> stale_chains;
  std::vector<std::string> chains;  // that the Service has now
};
/// `service` had the plans `before` and has those of `plan` now.
NftablesChange nftables_change(NftablesLayout layout, const Plan& plan, const ObjectName& service,
                               const ServicePlans& before, Family family);
/// The transaction that deletes stale chains.
std::string nftables_delete_chains(const std::vector<std::string>& chains, Family family);

/// "service-...", of policy Cluster.
std::string nftables_service_chain(const ServicePlan& service);

}  // namespace fairlead::bench
