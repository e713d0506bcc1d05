// Flows that Linux conntrack translates: kube-proxy's, or those of our datapath by nftables.
//
//   takeover    UDP, at once: sockets cannot ask conntrack, and the programs are about to be
//   attached afterwards  everything, once a minute on another thread, until there is nothing
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "bpf/abi/sockets.h"
#include "dataplane/ebpf/chores.hpp"
#include "dataplane/ebpf/kernel.hpp"
#include "dataplane/ebpf/services.hpp"
#include "dataplane/kernel/conntrack.hpp"

namespace fairlead::ebpf {

struct ForeignFlow {
  Protocol protocol = Protocol::kTcp;
  Ip destination;  // as the client sent it
  Port source_port, destination_port;
};

/// Every conntrack entry of `protocols` whose destination is translated. Takes long where there are
/// many: a second and more for a million.
Result<std::vector<ForeignFlow>> list_foreign_flows(std::span<const Protocol> protocols);

fl_foreign_key foreign_key(const ForeignFlow& flow);

class Neighbours {
 public:
  /// Writes what conntrack has of our frontends into map foreign_flows and the config: as long as
  /// there is anything, the programs ask conntrack. `is_takeover`: another had the Services until
  /// now. A flow that does not fit into the map is an error, and the others are in it.
  Result<> look(Maps& maps, const Services& services, bool is_takeover, Chores& chores);

 private:
  using Flows = Result<std::vector<ForeignFlow>>;
  struct Listing {
    std::mutex mutex;
    std::optional<Flows> done;  // guarded by mutex
  };

  static Result<> enter(const std::vector<ForeignFlow>& flows, Maps& maps);

  std::shared_ptr<Listing> listing_;  // a chore's, as long as its flows were not taken
  std::chrono::steady_clock::time_point due_{};
};

}  // namespace fairlead::ebpf
