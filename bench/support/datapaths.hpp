// The datapaths that are measured, by their names.
#pragma once

#include <memory>
#include <string>

#include "dataplane/datapath.hpp"

namespace fairlead::bench {

struct DatapathChoice {
  std::string name = "nftables";
  /// Of "ebpf"; its sizes are the defaults.
  std::string pin_directory, cgroup;
  bool xdp = false;  // also on devices where it does not pay
};

/// In the calling process's network namespace; a failure ends the process.
std::unique_ptr<Datapath> make_datapath(const DatapathChoice& choice);

}  // namespace fairlead::bench
