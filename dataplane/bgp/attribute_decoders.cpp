// One small function an attribute: is the length the right one, does the value mean anything, take
// it over. What a complaint costs stands in attribute_table.
#include "dataplane/bgp/attribute_decoders.hpp"

#include <algorithm>

#include "dataplane/bgp/as_path_wire.hpp"
#include "dataplane/bgp/next_hop.hpp"

namespace fairlead::bgp {
namespace {

Complaint unless_length(const Reader& value, std::size_t length) {
  if (value.remaining() == length) return std::nullopt;
  return "length " + std::to_string(value.remaining()) + ", not " + std::to_string(length);
}

/// RFC 7606 7.8, 7.10, 7.14; RFC 8092 6: never empty, and whole elements.
Complaint unless_multiple(const Reader& value, std::size_t size) {
  if (!value.empty() && value.remaining() % size == 0) return std::nullopt;
  return "length " + std::to_string(value.remaining()) + ", no multiple of " + std::to_string(size);
}

Complaint decode_number(Reader value, std::optional<std::uint32_t>& into) {
  if (auto complaint = unless_length(value, 4)) return complaint;
  into = value.u32();
  return std::nullopt;
}

Complaint decode_path(Reader value, std::size_t width, Confederation confederation, AsPath& into) {
  auto path = read_as_path(value, width, confederation);
  if (!path) return std::move(path).error();
  into = *std::move(path);
  return std::nullopt;
}

std::size_t as_width(const ReceivedAttributes& into) {
  return into.negotiated.four_octet_as ? 4 : 2;
}

Complaint read_aggregator(Reader value, std::size_t width, std::optional<Aggregator>& into) {
  if (auto complaint = unless_length(value, width + 4)) return complaint;
  const auto as = value.number(width);
  if (as == 0U) return "AS 0";  // RFC 7607 2
  into = Aggregator{.as = AsNumber{*as}, .address = RouterId{*value.u32()}};
  return std::nullopt;
}

}  // namespace

Complaint decode_origin(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_length(value, 1)) return complaint;
  const std::uint8_t origin = *value.u8();
  if (origin > static_cast<std::uint8_t>(Origin::kIncomplete))
    return "origin " + std::to_string(origin);
  into.values.origin = static_cast<Origin>(origin);
  return std::nullopt;
}

Complaint decode_as_path(Reader value, ReceivedAttributes& into) {
  return decode_path(value, as_width(into), Confederation::kRefused, into.values.as_path);
}

Complaint decode_next_hop(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_length(value, 4)) return complaint;
  const Ip address = read_ipv4(value);
  if (!is_usable_next_hop(address)) return to_string(address) + " is no next hop";
  into.values.next_hop = NextHop{.address = address, .link_local = std::nullopt};
  return std::nullopt;
}

Complaint decode_med(Reader value, ReceivedAttributes& into) {
  return decode_number(value, into.values.med);
}

Complaint decode_local_preference(Reader value, ReceivedAttributes& into) {
  return decode_number(value, into.values.local_preference);
}

Complaint decode_atomic_aggregate(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_length(value, 0)) return complaint;
  into.values.atomic_aggregate = true;
  return std::nullopt;
}

Complaint decode_aggregator(Reader value, ReceivedAttributes& into) {
  return read_aggregator(value, as_width(into), into.values.aggregator);
}

Complaint decode_communities(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_multiple(value, 4)) return complaint;
  into.values.communities.reserve(value.remaining() / 4);
  while (const auto community = value.u32())
    into.values.communities.push_back(Community{*community});
  return std::nullopt;
}

Complaint decode_originator_id(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_length(value, 4)) return complaint;
  into.values.originator_id = RouterId{*value.u32()};
  return std::nullopt;
}

Complaint decode_cluster_list(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_multiple(value, 4)) return complaint;
  into.values.cluster_list.reserve(value.remaining() / 4);
  while (const auto cluster = value.u32()) into.values.cluster_list.push_back(RouterId{*cluster});
  return std::nullopt;
}

Complaint decode_extended_communities(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_multiple(value, 8)) return complaint;
  while (const auto bytes = value.bytes(8)) {
    ExtendedCommunity community;
    std::ranges::copy(*bytes, community.bytes.begin());
    into.values.extended_communities.push_back(community);
  }
  return std::nullopt;
}

/// RFC 6793 6: segments of a confederation are left out of the path, which is kept.
Complaint decode_as4_path(Reader value, ReceivedAttributes& into) {
  if (value.empty()) return "empty";
  AsPath path;
  if (auto complaint = decode_path(value, 4, Confederation::kSkipped, path)) return complaint;
  into.as4_path = std::move(path);
  return std::nullopt;
}

Complaint decode_as4_aggregator(Reader value, ReceivedAttributes& into) {
  return read_aggregator(value, 4, into.as4_aggregator);
}

Complaint decode_large_communities(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_multiple(value, 12)) return complaint;
  while (const auto global = value.u32()) {
    const std::uint32_t local_1 = *value.u32();
    const std::uint32_t local_2 = *value.u32();
    into.values.large_communities.push_back({*global, local_1, local_2});
  }
  return std::nullopt;
}

Complaint decode_only_to_customer(Reader value, ReceivedAttributes& into) {
  if (auto complaint = unless_length(value, 4)) return complaint;
  into.values.only_to_customer = AsNumber{*value.u32()};
  return std::nullopt;
}

}  // namespace fairlead::bgp
