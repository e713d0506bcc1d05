// Header -> type -> the decoder of that type's body. OPEN and UPDATE have files of their own.
#include "dataplane/bgp/decode.hpp"

#include <algorithm>
#include <array>

#include "dataplane/bgp/decode_open.hpp"
#include "dataplane/bgp/decode_update.hpp"
#include "dataplane/bgp/families.hpp"

namespace fairlead::bgp {
namespace {

constexpr std::size_t kMarkerSize = 16;

struct TypeSizes {
  MessageType type;
  std::size_t least;
  std::size_t most;
};
/// RFC 4271 4 and 6.1; RFC 2918 3.
constexpr std::array kSizes{
    TypeSizes{MessageType::kOpen, 29, kMaximumMessageSize},
    TypeSizes{MessageType::kUpdate, 23, kMaximumMessageSize},
    TypeSizes{MessageType::kNotification, 21, kMaximumMessageSize},
    TypeSizes{MessageType::kKeepalive, kHeaderSize, kHeaderSize},
    TypeSizes{MessageType::kRouteRefresh, 23, kMaximumMessageSize},
};

auto header_failure(std::uint8_t subcode, Bytes data = {}) {
  return tl::unexpected(notification(ErrorCode::kMessageHeader, subcode, std::move(data)));
}

auto bad_length(std::size_t length) {
  return header_failure(header_error::kBadLength, {static_cast<std::uint8_t>(length >> 8),
                                                   static_cast<std::uint8_t>(length & 0xff)});
}

Notification decode_notification(Reader body) {
  const auto code = body.u8();
  const auto subcode = body.u8();
  return {code.value_or(0), subcode.value_or(0), Bytes(body.rest().begin(), body.rest().end())};
}

/// What follows the four octets is ORF entries (RFC 5291), for which nobody has asked: a request
/// stays one. A begin or an end must have no more (RFC 7313 5).
Decoded<RouteRefresh> decode_route_refresh(ByteView message) {
  Reader body(message.subspan(kHeaderSize));
  const auto afi = body.u16().value_or(0);
  const auto kind = static_cast<RouteRefresh::Kind>(body.u8().value_or(0));
  const auto safi = body.u8().value_or(0);
  const bool framed = kind == RouteRefresh::Kind::kBegin || kind == RouteRefresh::Kind::kEnd;
  if (framed && !body.empty())
    return tl::unexpected(notification(ErrorCode::kRouteRefresh, refresh_error::kInvalidLength,
                                       Bytes(message.begin(), message.end())));
  return RouteRefresh{.family = family_of(afi, safi), .kind = kind};
}

}  // namespace

Decoded<Header> decode_header(ByteView bytes) {
  Reader reader(bytes);
  const auto marker = reader.bytes(kMarkerSize);
  const auto length = reader.u16();
  const auto type = reader.u8();
  if (!type) return bad_length(bytes.size());
  if (!std::ranges::all_of(*marker, [](std::uint8_t byte) { return byte == 0xff; }))
    return header_failure(header_error::kNotSynchronized);
  if (*length < kHeaderSize || *length > kMaximumMessageSize) return bad_length(*length);
  const auto sizes = std::ranges::find(kSizes, static_cast<MessageType>(*type), &TypeSizes::type);
  if (sizes == kSizes.end()) return header_failure(header_error::kBadType, {*type});
  if (*length < sizes->least || *length > sizes->most) return bad_length(*length);
  return Header{.type = sizes->type, .size = *length};
}

Decoded<Message> decode(ByteView message, const Negotiated& negotiated) {
  const auto header = decode_header(message);
  if (!header) return tl::unexpected(header.error());
  if (header->size != message.size()) return bad_length(header->size);
  const Reader body(message.subspan(kHeaderSize));
  switch (header->type) {
    case MessageType::kOpen:
      return decode_open(body);
    case MessageType::kUpdate:
      return decode_update(body, negotiated);
    case MessageType::kNotification:
      return decode_notification(body);
    case MessageType::kKeepalive:
      return Keepalive{};
    case MessageType::kRouteRefresh:
      return decode_route_refresh(message);
  }
  return header_failure(header_error::kBadType, {static_cast<std::uint8_t>(header->type)});
}

}  // namespace fairlead::bgp
