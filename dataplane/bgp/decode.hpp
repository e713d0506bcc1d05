// Bytes of one message -> the message, or the NOTIFICATION to answer with.
#pragma once

#include <tl/expected.hpp>

#include "dataplane/bgp/message.hpp"
#include "dataplane/bgp/negotiated.hpp"

namespace fairlead::bgp {

/// The error is what RFC 4271 6 says to send before closing: code, subcode and data.
template <class T = void>
using Decoded = tl::expected<T, Notification>;

enum class MessageType : std::uint8_t {
  kOpen = 1,
  kUpdate = 2,
  kNotification = 3,
  kKeepalive = 4,
  kRouteRefresh = 5,
};

struct Header {
  MessageType type = MessageType::kKeepalive;
  std::size_t size = 0;  // of the whole message, 19 to 4096
};

/// Reads at least 19 bytes. Marker, length (also against the type's least) and type are checked, so
/// that a stream that lost its framing is noticed at once and not when the bytes have come.
Decoded<Header> decode_header(ByteView bytes);

/// `message` is one whole message with its header, as a Framer gives it. Damage that RFC 7606
/// confines to the routes of an UPDATE is no error: see Update::problems.
Decoded<Message> decode(ByteView message, const Negotiated& negotiated);

}  // namespace fairlead::bgp
