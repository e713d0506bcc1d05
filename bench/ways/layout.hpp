// How a peer lays out its rules, and with which tools they are written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/ways/command.hpp"
#include "bench/ways/nftables_layout.hpp"
#include "model/plan.hpp"

namespace fairlead::bench {

/// Knows what it has written before: one for each installation.
class Layout {
 public:
  virtual ~Layout() = default;
  /// Programs that must be installed.
  [[nodiscard]] virtual std::vector<std::string> tools() const = 0;
  virtual std::vector<Step> load(const Plan& plan) = 0;
  /// `service` had the plans `before` and has those of `plan` now.
  virtual std::vector<Step> change(const Plan& plan, const ObjectName& service,
                                   const ServicePlans& before) = 0;
};

/// `kind`: "legacy" or "nft".
std::unique_ptr<Layout> make_iptables_layout(std::string kind);
std::unique_ptr<Layout> make_nftables_layout(NftablesLayout layout);
std::unique_ptr<Layout> make_ipvs_layout();

/// Of one Service; none if there is no such Service.
const ServicePlans& plans_of(const Plan& plan, const ObjectName& service);

}  // namespace fairlead::bench
