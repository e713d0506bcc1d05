// conntrack -> ForeignFlow.
#include "dataplane/ebpf/neighbours.hpp"

#include "dataplane/ebpf/compile.hpp"

namespace fairlead::ebpf {

Result<std::vector<ForeignFlow>> list_foreign_flows(NetlinkSocket& socket) {
  std::vector<ForeignFlow> flows;
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp})
      TRY_VOID(list_conntrack(
          socket, family, protocol, ConntrackSelection::kAll, [&](const ConntrackEntry& entry) {
            if (entry.is_translated)
              flows.push_back(
                  {entry.protocol, entry.destination, entry.source_port, entry.destination_port});
          }));
  return flows;
}

fl_foreign_key foreign_key(const ForeignFlow& flow) {
  fl_foreign_key key{};
  key.destination = address_of(flow.destination);
  key.source_port = port_of(flow.source_port);
  key.destination_port = port_of(flow.destination_port);
  key.protocol = static_cast<__u8>(flow.protocol);
  return key;
}

}  // namespace fairlead::ebpf
