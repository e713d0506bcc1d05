// The path attributes field of an UPDATE -> ReceivedAttributes.
#pragma once

#include "dataplane/bgp/attribute_table.hpp"
#include "dataplane/bgp/decode.hpp"

namespace fairlead::bgp {

/// Goes through the attributes by their lengths. What is damaged becomes a problem, with the
/// consequence that RFC 7606 gives it; an error is what must reset the session: prefixes that
/// cannot be found.
Decoded<> decode_attributes(Reader attributes, ReceivedAttributes& into);

/// For a session that must end: UPDATE Message Error. `data` as RFC 4271 6.3 wants it.
tl::unexpected<Notification> update_failure(std::uint8_t subcode, Bytes data = {});

}  // namespace fairlead::bgp
