// Messages -> bytes. All of them append to `out`, so that one write to the socket takes many.
#pragma once

#include <span>

#include "dataplane/bgp/message.hpp"
#include "dataplane/bgp/negotiated.hpp"
#include "model/result.hpp"

namespace fairlead::bgp {

void encode(const Open& open, Bytes& out);
void encode(const Notification& notification, Bytes& out);
void encode(const Keepalive& keepalive, Bytes& out);
/// A request without a family is not one that can be sent: nothing is appended.
void encode(const RouteRefresh& refresh, Bytes& out);

/// One set of attributes and its prefixes (all of `family`) in as few UPDATEs as their order
/// allows. IPv4 through an IPv6 next hop goes into MP_REACH_NLRI (RFC 8950). For a peer of two
/// octets AS4_PATH and AS4_AGGREGATOR are added where needed (RFC 6793 4.2.2). Error, and nothing
/// appended: the attributes leave no room in 4096 bytes, or the next hop is of a form that was not
/// agreed on.
Result<> encode_announcement(Family family, const PathAttributes& attributes,
                             std::span<const Prefix> prefixes, const Negotiated& negotiated,
                             Bytes& out);

/// `prefixes` are all of `family`; none: nothing is appended.
void encode_withdrawal(Family family, std::span<const Prefix> prefixes, Bytes& out);

void encode_end_of_rib(Family family, Bytes& out);

/// Withdrawals, announcements and End-of-RIB of one value, in as many messages as they need.
Result<> encode(const Update& update, const Negotiated& negotiated, Bytes& out);

/// Whichever it is.
Result<> encode(const Message& message, const Negotiated& negotiated, Bytes& out);

}  // namespace fairlead::bgp
