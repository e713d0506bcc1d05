// What kube-proxy's table has without any Service.
#pragma once

#include "bench/ways/nft_transaction.hpp"
#include "bench/ways/nftables_layout.hpp"

namespace fairlead::bench {

void add_nftables_frame(NftTransaction& to, NftablesLayout layout, const NodeSettings& node,
                        Family family);

/// "ip saddr 10.0.0.0/8" or "iifname != \"cali*\""; empty: nothing is known to be local.
std::string nft_source_match(const NodeSettings& node, Family family, bool is_local);

/// "ip" or "ip6", as in "ip saddr".
inline std::string_view nft_family(Family family) { return family == Family::kIpv4 ? "ip" : "ip6"; }
inline std::string_view nft_address_type(Family family) {
  return family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr";
}

}  // namespace fairlead::bench
