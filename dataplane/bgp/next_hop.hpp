// Addresses on the wire, and which of them can be a next hop.
#pragma once

#include "dataplane/bgp/attributes.hpp"
#include "dataplane/bgp/reader.hpp"
#include "dataplane/bgp/writer.hpp"

namespace fairlead::bgp {

/// Unspecified where fewer than 4 (16) bytes are left: the caller has seen to the length.
Ip read_ipv4(Reader& reader);
Ip read_ipv6(Reader& reader);
void write_address(Writer& writer, const Ip& address);

/// A host's address (RFC 4271 6.3): not unspecified, loopback, multicast or reserved.
bool is_usable_next_hop(const Ip& address);

/// IPv6, 16 or 32 bytes: a global address and perhaps a link-local one behind it (RFC 2545 3).
/// Peers on links without global addresses send :: or a link-local address in the first place.
NextHop read_ipv6_next_hop(Reader reader);

}  // namespace fairlead::bgp
