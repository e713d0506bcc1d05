// A real kube-proxy, fed by our own control plane.
#pragma once

#include <memory>

#include "bench/ways/way.hpp"

namespace fairlead::bench {

/// The API server listens on loopback of the node's namespace. An installation is measured from the
/// start of kube-proxy, which finds all objects there, until the kernel has the last Service; a
/// change from the write of the changed object. What is asked of the kernel meanwhile is no part of
/// the CPU time, which is in steps of 10 ms. Writes faster than --iptables-min-sync-period (a
/// second, where kube-proxy's defaults hold) wait for it.
std::unique_ptr<Way> make_kube_proxy_way(const Place& place, const WaysOptions& options);

}  // namespace fairlead::bench
