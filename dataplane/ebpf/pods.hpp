// What the programs know of pods, for packets between them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "dataplane/datapath.hpp"
#include "dataplane/ebpf/compile.hpp"
#include "dataplane/ebpf/kernel.hpp"
#include "dataplane/kernel/network_links.hpp"

namespace fairlead::ebpf {

/// One state of the pods, as Datapath::set_pods() was told.
class PodNetwork {
 public:
  PodNetwork(std::vector<LocalPod> pods, std::vector<Cidr> networks);

  /// Writes what differs from what the maps hold; programs then judge all flows of pods anew.
  /// Returns how many elements were written. `links`: of the calling thread's network namespace,
  /// perhaps from before the youngest pods; pods whose link is not there are left out.
  Result<std::size_t> write(Maps& maps, std::span<const NetworkLink> links) const;

 private:
  std::vector<LocalPod> pods_;
  std::vector<Cidr> networks_;
};

}  // namespace fairlead::ebpf
