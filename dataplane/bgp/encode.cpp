// Messages of one kind each -> bytes; UPDATEs have a file of their own.
#include "dataplane/bgp/encode.hpp"

#include <algorithm>

#include "dataplane/bgp/as_path_wire.hpp"
#include "dataplane/bgp/capabilities.hpp"
#include "dataplane/bgp/encode_frame.hpp"
#include "dataplane/bgp/families.hpp"

namespace fairlead::bgp {
namespace {

constexpr std::uint8_t kVersion = 4;

/// `write` appends the value.
template <class Write>
void write_capability(Writer& writer, CapabilityCode code, Write write) {
  writer.u8(static_cast<std::uint8_t>(code));
  const auto length = writer.length(1);
  write();
  writer.close(length);
}

void write_graceful_restart(Writer& writer, const GracefulRestart& restart) {
  const auto time =
      std::clamp<std::chrono::seconds::rep>(restart.time.count(), 0, kRestartTimeMask);
  writer.u16((restart.restarting ? kRestartingBit : 0U) |
             (restart.notification ? kNotificationBit : 0U) | static_cast<std::size_t>(time));
  for (const Family family : kFamilies) {
    if (!restart.families[family]) continue;
    writer.u16(afi_of(family));
    writer.u8(kSafiUnicast);
    writer.u8(restart.forwarding[family] ? kForwardingBit : 0);
  }
}

void write_capabilities(Writer& writer, const Open& open) {
  const auto& capabilities = open.capabilities;
  for (const Family family : kFamilies) {
    if (!capabilities.families[family]) continue;
    write_capability(writer, CapabilityCode::kMultiprotocol, [&] {
      writer.u16(afi_of(family));
      writer.u16(kSafiUnicast);  // a reserved octet, then SAFI
    });
  }
  if (capabilities.route_refresh) write_capability(writer, CapabilityCode::kRouteRefresh, [] {});
  if (capabilities.ipv4_over_ipv6)
    write_capability(writer, CapabilityCode::kExtendedNextHop, [&] {
      writer.u16(kAfiIpv4);
      writer.u16(kSafiUnicast);
      writer.u16(kAfiIpv6);
    });
  if (const auto role = capabilities.role)
    write_capability(writer, CapabilityCode::kRole,
                     [&] { writer.u8(static_cast<std::uint8_t>(*role)); });
  if (const auto& restart = capabilities.graceful_restart)
    write_capability(writer, CapabilityCode::kGracefulRestart,
                     [&] { write_graceful_restart(writer, *restart); });
  if (capabilities.four_octet_as)
    write_capability(writer, CapabilityCode::kFourOctetAs, [&] { writer.u32(open.as.number); });
  if (capabilities.enhanced_route_refresh)
    write_capability(writer, CapabilityCode::kEnhancedRouteRefresh, [] {});
}

}  // namespace

void encode(const Open& open, Bytes& out) {
  Writer writer(out);
  const auto frame = open_frame(writer, MessageType::kOpen);
  writer.u8(kVersion);
  writer.u16(fits_two_octets(open.as) ? open.as.number : kAsTrans.number);
  writer.u16(static_cast<std::size_t>(std::clamp<std::chrono::seconds::rep>(
      open.hold_time.count(), 0, std::numeric_limits<std::uint16_t>::max())));
  writer.u32(open.router_id.number);
  const auto parameters = writer.length(1);
  // All in one parameter (RFC 5492 4). What we know is less than 64 bytes; 255 is the limit.
  if (open.capabilities != Capabilities{}) {
    writer.u8(kCapabilitiesParameter);
    const auto length = writer.length(1);
    write_capabilities(writer, open);
    writer.close(length);
  }
  writer.close(parameters);
  close_frame(writer, frame);
}

void encode(const Notification& notification, Bytes& out) {
  Writer writer(out);
  const auto frame = open_frame(writer, MessageType::kNotification);
  writer.u8(notification.code);
  writer.u8(notification.subcode);
  constexpr std::size_t kRoom = kMaximumMessageSize - kHeaderSize - 2;
  writer.bytes(ByteView(notification.data).first(std::min(notification.data.size(), kRoom)));
  close_frame(writer, frame);
}

void encode(const Keepalive&, Bytes& out) {
  Writer writer(out);
  close_frame(writer, open_frame(writer, MessageType::kKeepalive));
}

void encode(const RouteRefresh& refresh, Bytes& out) {
  if (!refresh.family) return;
  Writer writer(out);
  const auto frame = open_frame(writer, MessageType::kRouteRefresh);
  writer.u16(afi_of(*refresh.family));
  writer.u8(static_cast<std::uint8_t>(refresh.kind));
  writer.u8(kSafiUnicast);
  close_frame(writer, frame);
}

Result<> encode(const Message& message, const Negotiated& negotiated, Bytes& out) {
  return std::visit(
      [&](const auto& kind) -> Result<> {
        if constexpr (std::is_same_v<std::decay_t<decltype(kind)>, Update>) {
          return encode(kind, negotiated, out);
        } else {
          encode(kind, out);
          return {};
        }
      },
      message);
}

}  // namespace fairlead::bgp
