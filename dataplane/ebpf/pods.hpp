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

/// The pods, as Datapath::set_pods() was told last.
class PodNetwork {
 public:
  void set(ClusterPods pods);
  /// The next write() compares all of it with the maps.
  void doubt() { networks_written_ = false; }

  /// Writes what differs from what the maps hold; programs then judge all flows of pods anew.
  /// Returns how many elements were written. `links`: of the calling thread's network namespace,
  /// perhaps from before the youngest pods; pods whose link is not there are left out.
  Result<std::size_t> write(Maps& maps, std::span<const NetworkLink> links);

 private:
  Result<std::size_t> write_networks(Maps& maps);

  ClusterPods pods_;
  bool networks_written_ = false;  // thousands in a large cluster, and seldom others
};

}  // namespace fairlead::ebpf
