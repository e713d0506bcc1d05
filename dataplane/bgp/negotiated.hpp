// What both sides said in their OPENs, as far as the form of later messages depends on it.
#pragma once

#include "dataplane/bgp/types.hpp"

namespace fairlead::bgp {

/// Before the OPENs are exchanged the default holds: no OPEN, NOTIFICATION or KEEPALIVE depends on
/// it.
struct Negotiated {
  bool internal = false;        // the peer is of our own AS
  bool four_octet_as = false;   // both sent the capability (RFC 6793)
  bool ipv4_over_ipv6 = false;  // both sent the capability (RFC 8950)
  /// Of MP_REACH_NLRI and MP_UNREACH_NLRI, and of the NLRI field for IPv4. A peer that sent no
  /// multiprotocol capability has IPv4 alone.
  FamilySet families{.ipv4 = true, .ipv6 = false};
};

}  // namespace fairlead::bgp
