// Flows that Linux conntrack translates: kube-proxy's, or those of our datapath by nftables.
#pragma once

#include <vector>

#include "bpf/abi/sockets.h"
#include "dataplane/kernel/conntrack.hpp"

namespace fairlead::ebpf {

struct ForeignFlow {
  Protocol protocol = Protocol::kTcp;
  Ip destination;  // as the client sent it
  Port source_port, destination_port;
};

/// Every conntrack entry whose destination is translated. Takes long where there are many.
Result<std::vector<ForeignFlow>> list_foreign_flows(NetlinkSocket& socket);

fl_foreign_key foreign_key(const ForeignFlow& flow);

}  // namespace fairlead::ebpf
