// An UPDATE's body -> Update.
#pragma once

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/reader.hpp"

namespace fairlead::bgp {

/// RFC 4271 6.3 as RFC 7606 revised it: an error only where the prefixes cannot be found.
Decoded<Update> decode_update(Reader body, const Negotiated& negotiated);

}  // namespace fairlead::bgp
