// MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760): the attributes that hold prefixes.
#pragma once

#include "dataplane/bgp/attribute_table.hpp"

namespace fairlead::bgp {

/// A complaint means that the prefixes cannot be found. A next hop that is none is a problem in
/// `into`: its prefixes are withdrawn. A family that was not agreed on is left out.
Complaint decode_mp_reach(Reader value, ReceivedAttributes& into);
Complaint decode_mp_unreach(Reader value, ReceivedAttributes& into);

}  // namespace fairlead::bgp
