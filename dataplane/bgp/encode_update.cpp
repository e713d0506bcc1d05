// Attributes are encoded once; prefixes then go into UPDATEs until one is full, each with a copy of
// those bytes. IPv4 with an IPv4 next hop stands in the fields of RFC 4271, everything else in
// MP_REACH_NLRI, first among the attributes (RFC 7606 5.1).
#include <algorithm>

#include "dataplane/bgp/attribute_table.hpp"
#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/encode_frame.hpp"
#include "dataplane/bgp/families.hpp"
#include "dataplane/bgp/next_hop.hpp"
#include "dataplane/bgp/prefixes.hpp"

namespace fairlead::bgp {
namespace {

constexpr std::size_t kFixedFields = kHeaderSize + 2 + 2;  // lengths of withdrawn and attributes
constexpr std::size_t kExtendedHeader = 4;                 // flags, code, length of two octets
constexpr std::size_t kLongestPrefix = 17;

void write_attribute_header(Writer& writer, std::uint8_t flags, AttributeCode code,
                            std::size_t length) {
  const bool extended = length > 0xff;
  writer.u8(extended ? flags | kExtendedLength : flags);
  writer.u8(static_cast<std::uint8_t>(code));
  if (extended)
    writer.u16(length);
  else
    writer.u8(length);
}

Bytes encode_attributes(const OutgoingAttributes& attributes) {
  Bytes out;
  Bytes value;
  Writer writer(out);
  for (const AttributeSpec& spec : attribute_table()) {
    if (spec.encode == nullptr || !concerns(spec.audience, attributes.negotiated)) continue;
    value.clear();
    Writer value_writer(value);
    if (!spec.encode(attributes, value_writer)) continue;
    write_attribute_header(writer, spec.flags, spec.code, value.size());
    writer.bytes(value);
  }
  return out;
}

/// Takes from the front of `prefixes` what fits into `room` bytes, and writes it.
void write_prefixes(Writer& writer, std::span<const Prefix>& prefixes, std::size_t room) {
  while (!prefixes.empty() && encoded_size(prefixes.front()) <= room) {
    room -= encoded_size(prefixes.front());
    write_prefix(writer, prefixes.front());
    prefixes = prefixes.subspan(1);
  }
}

Bytes encode_next_hop(const NextHop& next_hop) {
  Bytes out;
  Writer writer(out);
  write_address(writer, next_hop.address);
  if (next_hop.link_local) write_address(writer, *next_hop.link_local);
  return out;
}

/// `fixed`: of the attribute's value, what stands before its prefixes.
void write_multiprotocol(Writer& writer, AttributeCode code, ByteView fixed,
                         std::span<const Prefix>& prefixes, std::size_t room) {
  writer.u8(kOptional | kExtendedLength);
  writer.u8(static_cast<std::uint8_t>(code));
  const auto length = writer.length(2);
  writer.bytes(fixed);
  write_prefixes(writer, prefixes, room);
  writer.close(length);
}

Bytes mp_reach_fields(Family family, const NextHop& next_hop) {
  Bytes fixed;
  Writer writer(fixed);
  writer.u16(afi_of(family));
  writer.u8(kSafiUnicast);
  const Bytes hop = encode_next_hop(next_hop);
  writer.u8(hop.size());
  writer.bytes(hop);
  writer.u8(0);  // reserved
  return fixed;
}

Bytes mp_unreach_fields(Family family) {
  Bytes fixed;
  Writer writer(fixed);
  writer.u16(afi_of(family));
  writer.u8(kSafiUnicast);
  return fixed;
}

/// RFC 4760 3, RFC 8950 3.
Result<> check_next_hop(Family family, const NextHop& next_hop, const Negotiated& negotiated) {
  const Ip& address = next_hop.address;
  if (!is_usable_next_hop(address)) return invalid(to_string(address) + " is no next hop");
  if (address.is_v4() && family == Family::kIpv6)
    return invalid("IPv6 prefixes have no IPv4 next hop " + to_string(address));
  if (!address.is_v4() && family == Family::kIpv4 && !negotiated.ipv4_over_ipv6)
    return invalid("the peer takes no IPv6 next hop for IPv4 (RFC 8950): " + to_string(address));
  return {};
}

}  // namespace

Result<> encode_announcement(Family family, const PathAttributes& attributes,
                             std::span<const Prefix> prefixes, const Negotiated& negotiated,
                             Bytes& out) {
  if (prefixes.empty()) return {};
  const NextHop& next_hop = attributes.next_hop;
  TRY_VOID(check_next_hop(family, next_hop, negotiated));
  const bool in_nlri_field = family == Family::kIpv4 && next_hop.address.is_v4();
  const Bytes common = encode_attributes({attributes, negotiated, in_nlri_field});
  const Bytes fixed = in_nlri_field ? Bytes{} : mp_reach_fields(family, next_hop);
  const std::size_t taken =
      kFixedFields + common.size() + (in_nlri_field ? 0 : kExtendedHeader + fixed.size());
  if (taken + kLongestPrefix > kMaximumMessageSize)
    return invalid("attributes of " + std::to_string(common.size()) + " bytes leave no room");
  const std::size_t room = kMaximumMessageSize - taken;
  Writer writer(out);
  while (!prefixes.empty()) {
    const auto frame = open_frame(writer, MessageType::kUpdate);
    writer.u16(0);
    const auto length = writer.length(2);
    if (!in_nlri_field) write_multiprotocol(writer, AttributeCode::kMpReach, fixed, prefixes, room);
    writer.bytes(common);
    writer.close(length);
    if (in_nlri_field) write_prefixes(writer, prefixes, room);
    close_frame(writer, frame);
  }
  return {};
}

void encode_withdrawal(Family family, std::span<const Prefix> prefixes, Bytes& out) {
  Writer writer(out);
  const Bytes fixed = mp_unreach_fields(family);
  const bool classic = family == Family::kIpv4;
  const std::size_t room =
      kMaximumMessageSize - kFixedFields - (classic ? 0 : kExtendedHeader + fixed.size());
  while (!prefixes.empty()) {
    const auto frame = open_frame(writer, MessageType::kUpdate);
    const auto withdrawn = writer.length(2);
    if (classic) write_prefixes(writer, prefixes, room);
    writer.close(withdrawn);
    const auto attributes = writer.length(2);
    if (!classic) write_multiprotocol(writer, AttributeCode::kMpUnreach, fixed, prefixes, room);
    writer.close(attributes);
    close_frame(writer, frame);
  }
}

void encode_end_of_rib(Family family, Bytes& out) {
  Writer writer(out);
  const auto frame = open_frame(writer, MessageType::kUpdate);
  writer.u16(0);
  const auto attributes = writer.length(2);
  if (family != Family::kIpv4) {
    const Bytes fixed = mp_unreach_fields(family);
    write_attribute_header(writer, kOptional, AttributeCode::kMpUnreach, fixed.size());
    writer.bytes(fixed);
  }
  writer.close(attributes);
  close_frame(writer, frame);
}

Result<> encode(const Update& update, const Negotiated& negotiated, Bytes& out) {
  for (const Family family : kFamilies) encode_withdrawal(family, update.withdrawn[family], out);
  for (const auto& announcement : update.announced)
    TRY_VOID(encode_announcement(announcement.family, announcement.attributes,
                                 announcement.prefixes, negotiated, out));
  if (update.end_of_rib) encode_end_of_rib(*update.end_of_rib, out);
  return {};
}

}  // namespace fairlead::bgp
