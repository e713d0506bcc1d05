// Name -> way.
#include "bench/ways/kube_proxy_way.hpp"
#include "bench/ways/own_ways.hpp"
#include "bench/ways/tool_ways.hpp"
#include "bench/ways/way.hpp"

namespace fairlead::bench {

Result<std::unique_ptr<Way>> make_way(const std::string& name, const Place& place,
                                      const WaysOptions& options) {
  if (name == "direct" || name == "direct again") return make_direct_way(name);
  if (name == "ebpf") return make_ebpf_way(place, options.report);
  if (name == "nftables") return make_nftables_way(options.report);
  if (name == "kube-proxy iptables-legacy") return make_iptables_legacy_way();
  if (name == "kube-proxy iptables-nft") return make_iptables_nft_way();
  if (name == "kube-proxy nftables 1.35") return make_nftables_135_way();
  if (name == "kube-proxy nftables 1.36") return make_nftables_136_way();
  if (name == "kube-proxy ipvs") return make_ipvs_way();
  if (!options.kube_proxy.empty() && name == "kube-proxy " + options.kube_proxy)
    return make_kube_proxy_way(place, options);
  return invalid("'" + name + "' is no way to a Service");
}

std::vector<std::string> way_names(const WaysOptions& options) {
  std::vector<std::string> names{"direct",
                                 "direct again",
                                 "ebpf",
                                 "nftables",
                                 "kube-proxy iptables-legacy",
                                 "kube-proxy iptables-nft",
                                 "kube-proxy nftables 1.35",
                                 "kube-proxy nftables 1.36",
                                 "kube-proxy ipvs"};
  if (!options.kube_proxy.empty()) names.push_back("kube-proxy " + options.kube_proxy);
  return names;
}

}  // namespace fairlead::bench
