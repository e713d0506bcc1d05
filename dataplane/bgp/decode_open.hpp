// An OPEN's body -> Open.
#pragma once

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/reader.hpp"

namespace fairlead::bgp {

/// RFC 4271 6.2. A capability that we know but that is not of its own form is an error, unspecific,
/// with the capability as data; unknown ones are skipped by their length (RFC 5492 3).
Decoded<Open> decode_open(Reader body);

}  // namespace fairlead::bgp
