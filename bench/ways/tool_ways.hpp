// Ways that other people's tools install, from text in kube-proxy's form.
#pragma once

#include <memory>

#include "bench/ways/way.hpp"

namespace fairlead::bench {

/// What kube-proxy writes is written with the same tools and options, and nothing else is counted:
/// neither how it makes the text, nor what it reads on the way (`iptables-save`, `nft list`). So a
/// change costs kube-proxy at least this.
std::unique_ptr<Way> make_iptables_legacy_way();
std::unique_ptr<Way> make_iptables_nft_way();
std::unique_ptr<Way> make_nftables_135_way();
std::unique_ptr<Way> make_nftables_136_way();
std::unique_ptr<Way> make_ipvs_way();

}  // namespace fairlead::bench
