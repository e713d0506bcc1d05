// What kube-proxy's IPVS mode programs: virtual servers, sets of addresses, and rules whose number
// does not depend on that of the Services. After kube-proxy 1.34, scheduler rr.
#pragma once

#include <set>
#include <string>

#include "model/plan.hpp"

namespace fairlead::bench {

/// For `ipvsadm -R`. kube-proxy sends the same by netlink, one request a line. NodePorts are opened
/// on the addresses that the plan lists.
std::string ipvs_servers(const Plan& plan, Family family);
/// For `ipset restore`.
std::string ipvs_sets(const Plan& plan, Family family);
/// For iptables-restore --noflush; written again at each sync.
std::string ipvs_rules(const Plan& plan, Family family, bool with_jumps);
/// For `ip -batch -`: the addresses of all virtual servers but NodePorts, on device kube-ipvs0.
std::string ipvs_addresses(const Plan& plan, Family family);

/// Text for the same tools, where a Service has `after` instead of `before` and the same frontends.
struct IpvsChange {
  std::string servers, sets;
};
/// `draining`: TCP backends that were taken out and have weight 0, so that their connections go on;
/// kept for the next call.
IpvsChange ipvs_change(const NodeSettings& node, const ServicePlans& before,
                       const ServicePlans& after, Family family, std::set<std::string>& draining);

}  // namespace fairlead::bench
