// fairlead.io/v1alpha1 JSON -> model. A field that says who hears what, or who is trusted, costs
// its object when it is wrong: half of an import filter, a selector or a community would announce
// more than was meant. Any other field costs itself.
#pragma once

#include <boost/json.hpp>

#include "model/bgp_objects.hpp"
#include "model/result.hpp"
#include "objects/decode.hpp"

namespace fairlead {

/// Fails without a usable address range, or with a wrong selector.
Result<Decoded<AddressPool>> decode_address_pool(const boost::json::value& json);
/// Fails without address and ASN, and with a wrong selector, password reference, role or TTL.
Result<Decoded<BgpPeer>> decode_bgp_peer(const boost::json::value& json);
/// Fails with nothing to announce, and with wrong names of pools and peers, selectors or
/// communities.
Result<Decoded<BgpAdvertisement>> decode_bgp_advertisement(const boost::json::value& json);

}  // namespace fairlead
