// Fixed fields -> optional parameters, in the short form or in RFC 9072's -> capabilities. Each
// capability's decoder sees its own bytes and no others.
#include "dataplane/bgp/decode_open.hpp"

#include <algorithm>
#include <array>

#include "dataplane/bgp/capabilities.hpp"
#include "dataplane/bgp/families.hpp"

namespace fairlead::bgp {
namespace {

constexpr std::uint8_t kVersion = 4;
constexpr std::uint8_t kExtendedParameters = 255;  // RFC 9072 2

auto open_failure(std::uint8_t subcode, Bytes data = {}) {
  return tl::unexpected(notification(ErrorCode::kOpen, subcode, std::move(data)));
}

/// Each returns whether the value has the form that its RFC gives it.
using DecodeCapability = bool (*)(Reader value, Open& open);

/// RFC 4760 8: AFI, a reserved octet, SAFI. Families that we do not speak are no error.
bool read_multiprotocol(Reader value, Open& open) {
  const auto afi = value.u16();
  const auto reserved = value.u8();
  const auto safi = value.u8();
  if (!afi || !reserved || !safi || !value.empty()) return false;
  if (const auto family = family_of(*afi, *safi)) open.capabilities.families[*family] = true;
  return true;
}

bool read_route_refresh(Reader value, Open& open) {
  open.capabilities.route_refresh = true;
  return value.empty();
}

bool read_enhanced_route_refresh(Reader value, Open& open) {
  open.capabilities.enhanced_route_refresh = true;
  return value.empty();
}

/// RFC 8950 4: any number of (AFI, SAFI in two octets, AFI of the next hop).
bool read_extended_next_hop(Reader value, Open& open) {
  while (!value.empty()) {
    const auto afi = value.u16();
    const auto safi = value.u16();
    const auto next_hop_afi = value.u16();
    if (!afi || !safi || !next_hop_afi) return false;
    if (*afi == kAfiIpv4 && *safi == kSafiUnicast && *next_hop_afi == kAfiIpv6)
      open.capabilities.ipv4_over_ipv6 = true;
  }
  return true;
}

/// RFC 9234 4.2: two roles that differ are a mismatch; decode_open sees to that.
bool read_role(Reader value, Open& open) {
  const auto role = value.u8();
  if (!role || !value.empty()) return false;
  open.capabilities.role = static_cast<Role>(*role);
  return true;
}

/// RFC 4724 3; of several the last counts.
bool read_graceful_restart(Reader value, Open& open) {
  const auto flags = value.u16();
  if (!flags) return false;
  GracefulRestart restart{.restarting = (*flags & kRestartingBit) != 0,
                          .notification = (*flags & kNotificationBit) != 0,
                          .time = std::chrono::seconds(*flags & kRestartTimeMask)};
  while (!value.empty()) {
    const auto afi = value.u16();
    const auto safi = value.u8();
    const auto family_flags = value.u8();
    if (!afi || !safi || !family_flags) return false;
    const auto family = family_of(*afi, *safi);
    if (!family) continue;
    restart.families[*family] = true;
    restart.forwarding[*family] = (*family_flags & kForwardingBit) != 0;
  }
  open.capabilities.graceful_restart = restart;
  return true;
}

/// RFC 6793 3: the AS number in full, whatever the two octets before said.
bool read_four_octet_as(Reader value, Open& open) {
  const auto as = value.u32();
  if (!as || !value.empty()) return false;
  open.as = AsNumber{*as};
  open.capabilities.four_octet_as = true;
  return true;
}

struct Known {
  CapabilityCode code;
  DecodeCapability decode;
};
constexpr std::array kKnown{
    Known{CapabilityCode::kMultiprotocol, read_multiprotocol},
    Known{CapabilityCode::kRouteRefresh, read_route_refresh},
    Known{CapabilityCode::kExtendedNextHop, read_extended_next_hop},
    Known{CapabilityCode::kRole, read_role},
    Known{CapabilityCode::kGracefulRestart, read_graceful_restart},
    Known{CapabilityCode::kFourOctetAs, read_four_octet_as},
    Known{CapabilityCode::kEnhancedRouteRefresh, read_enhanced_route_refresh},
};

Bytes as_data(std::uint8_t code, ByteView value) {
  Bytes data;
  Writer writer(data);
  writer.u8(code);
  writer.u8(value.size());
  writer.bytes(value);
  return data;
}

Decoded<> read_capability(std::uint8_t code, ByteView value, Open& open) {
  const auto known = std::ranges::find(kKnown, static_cast<CapabilityCode>(code), &Known::code);
  if (known == kKnown.end()) {
    open.capabilities.unknown.push_back(code);
    return {};
  }
  const auto role_before = open.capabilities.role;
  if (!known->decode(Reader(value), open)) return open_failure(kUnspecific, as_data(code, value));
  if (role_before && open.capabilities.role != role_before)
    return open_failure(open_error::kRoleMismatch, as_data(code, value));
  return {};
}

Decoded<> read_capabilities(Reader reader, Open& open) {
  while (!reader.empty()) {
    const auto code = reader.u8();
    const auto length = reader.u8();
    const auto value = length ? reader.bytes(*length) : std::nullopt;
    if (!value) return open_failure(kUnspecific);
    if (auto read = read_capability(*code, *value, open); !read) return read;
  }
  return {};
}

/// RFC 4271 6.2: a parameter that is not recognised is refused, one that is malformed is
/// unspecific. `long_lengths`: RFC 9072's two octets.
Decoded<> read_parameters(Reader reader, bool long_lengths, Open& open) {
  while (!reader.empty()) {
    const auto type = reader.u8();
    const auto length = reader.number(long_lengths ? 2 : 1);
    const auto value = length ? reader.part(*length) : std::nullopt;
    if (!value) return open_failure(kUnspecific);
    if (*type != kCapabilitiesParameter) return open_failure(open_error::kUnsupportedParameter);
    if (auto read = read_capabilities(*value, open); !read) return read;
  }
  return {};
}

/// The parameters end where the message ends, neither before nor behind.
Decoded<> read_all_parameters(Reader reader, Open& open) {
  const auto length = reader.u8();
  if (!length) return open_failure(kUnspecific);
  Reader extended = reader;
  // RFC 9072 2: the type 255 says so; the short length is then only not zero.
  if (*length != 0 && extended.u8() == kExtendedParameters) {
    const auto extended_length = extended.u16();
    if (!extended_length || *extended_length != extended.remaining())
      return open_failure(kUnspecific);
    return read_parameters(extended, true, open);
  }
  if (*length != reader.remaining()) return open_failure(kUnspecific);
  return read_parameters(reader, false, open);
}

}  // namespace

Decoded<Open> decode_open(Reader body) {
  const auto version = body.u8();
  const auto as = body.u16();
  const auto hold_time = body.u16();
  const auto router_id = body.u32();
  if (!router_id) return open_failure(kUnspecific);
  if (*version != kVersion) return open_failure(open_error::kUnsupportedVersion, {0, kVersion});
  Open open{.as = AsNumber{*as},
            .hold_time = std::chrono::seconds(*hold_time),
            .router_id = RouterId{*router_id}};
  if (auto read = read_all_parameters(body, open); !read) return tl::unexpected(read.error());
  if (*as == 0 || open.as.number == 0) return open_failure(open_error::kBadPeerAs);  // RFC 7607 2
  if (*router_id == 0) return open_failure(open_error::kBadIdentifier);              // RFC 6286 2.2
  if (*hold_time == 1 || *hold_time == 2) return open_failure(open_error::kUnacceptableHoldTime);
  return open;
}

}  // namespace fairlead::bgp
