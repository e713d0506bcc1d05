// Links with Ethernet addresses, and what hosts on them are called.
#pragma once

#include <string>
#include <vector>

#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/route_batch.hpp"
#include "model/ip.hpp"

namespace fairlead {

/// An address of a link, with the length of its subnet's prefix.
struct LinkAddress {
  Ip address;
  std::uint8_t length = 0;
  bool operator==(const LinkAddress&) const = default;
};

struct EthernetLink {
  int index = 0;
  std::string name;
  MacBytes mac{};
  bool is_running = false;             // up, and the other end as well
  std::vector<LinkAddress> addresses;  // link-local ones, too; none that is not to be sent from yet
  bool operator==(const EthernetLink&) const = default;
};

/// All of the calling thread's network namespace that speak ARP, but loopback. By index.
Result<std::vector<EthernetLink>> read_ethernet_links(NetlinkSocket& socket);

/// An IPv6 proxy neighbour entry: the kernel joins the address's solicited-node group on the link,
/// also towards switches (MLD), for as long as the entry is there. It answers nothing by itself
/// unless net.ipv6.conf.….proxy_ndp is set. Succeeds if it is there already.
Result<> add_neighbour_proxy(NetlinkSocket& socket, int link, const Ip& address);
/// Succeeds if there is none.
Result<> delete_neighbour_proxy(NetlinkSocket& socket, int link, const Ip& address);

}  // namespace fairlead
