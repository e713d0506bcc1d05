// By which link this node answers for an address.
#pragma once

#include <span>

#include "dataplane/kernel/ethernet_links.hpp"
#include "model/ip.hpp"

namespace fairlead::layer2 {

/// The running link whose subnet has the address (of several: the longest prefix); else the one
/// that has the node's own address of the same family. nullptr: there is neither.
const EthernetLink* find_link(std::span<const EthernetLink> links, const Ip& address,
                              std::span<const Ip> node_addresses);

/// What this node calls itself on the link when it asks: IPv6 a link-local address, if it has one.
/// Unspecified: it has none of the family.
Ip own_address(const EthernetLink& link, Family family);

}  // namespace fairlead::layer2
