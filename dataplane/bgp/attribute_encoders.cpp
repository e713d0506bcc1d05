// The other direction of attribute_decoders, in the same order.
#include "dataplane/bgp/attribute_encoders.hpp"

#include "dataplane/bgp/as_path_wire.hpp"
#include "dataplane/bgp/next_hop.hpp"

namespace fairlead::bgp {
namespace {

std::size_t as_width(const OutgoingAttributes& attributes) {
  return attributes.negotiated.four_octet_as ? 4 : 2;
}

bool write_number(const std::optional<std::uint32_t>& number, Writer& value) {
  if (number) value.u32(*number);
  return number.has_value();
}

void write_aggregator(const Aggregator& aggregator, std::size_t width, Writer& value) {
  if (width == 4)
    value.u32(aggregator.as.number);
  else
    value.u16(fits_two_octets(aggregator.as) ? aggregator.as.number : kAsTrans.number);
  value.u32(aggregator.address.number);
}

}  // namespace

bool encode_origin(const OutgoingAttributes& attributes, Writer& value) {
  value.u8(static_cast<std::uint8_t>(attributes.values.origin));
  return true;
}

bool encode_as_path(const OutgoingAttributes& attributes, Writer& value) {
  write_as_path(value, attributes.values.as_path, as_width(attributes));
  return true;
}

bool encode_next_hop(const OutgoingAttributes& attributes, Writer& value) {
  if (attributes.in_nlri_field) write_address(value, attributes.values.next_hop.address);
  return attributes.in_nlri_field;
}

bool encode_med(const OutgoingAttributes& attributes, Writer& value) {
  return write_number(attributes.values.med, value);
}

bool encode_local_preference(const OutgoingAttributes& attributes, Writer& value) {
  return write_number(attributes.values.local_preference, value);
}

bool encode_atomic_aggregate(const OutgoingAttributes& attributes, Writer&) {
  return attributes.values.atomic_aggregate;
}

bool encode_aggregator(const OutgoingAttributes& attributes, Writer& value) {
  const auto& aggregator = attributes.values.aggregator;
  if (aggregator) write_aggregator(*aggregator, as_width(attributes), value);
  return aggregator.has_value();
}

bool encode_communities(const OutgoingAttributes& attributes, Writer& value) {
  for (const Community community : attributes.values.communities) value.u32(community.value);
  return !attributes.values.communities.empty();
}

bool encode_originator_id(const OutgoingAttributes& attributes, Writer& value) {
  const auto& originator = attributes.values.originator_id;
  if (originator) value.u32(originator->number);
  return originator.has_value();
}

bool encode_cluster_list(const OutgoingAttributes& attributes, Writer& value) {
  for (const RouterId cluster : attributes.values.cluster_list) value.u32(cluster.number);
  return !attributes.values.cluster_list.empty();
}

bool encode_extended_communities(const OutgoingAttributes& attributes, Writer& value) {
  for (const auto& community : attributes.values.extended_communities) value.bytes(community.bytes);
  return !attributes.values.extended_communities.empty();
}

/// RFC 6793 4.2.2: only where two octets do not say it all.
bool encode_as4_path(const OutgoingAttributes& attributes, Writer& value) {
  if (fits_two_octets(attributes.values.as_path)) return false;
  write_as_path(value, attributes.values.as_path, 4);
  return true;
}

bool encode_as4_aggregator(const OutgoingAttributes& attributes, Writer& value) {
  const auto& aggregator = attributes.values.aggregator;
  if (!aggregator || fits_two_octets(aggregator->as)) return false;
  write_aggregator(*aggregator, 4, value);
  return true;
}

bool encode_large_communities(const OutgoingAttributes& attributes, Writer& value) {
  for (const auto& community : attributes.values.large_communities) {
    value.u32(community.global);
    value.u32(community.local_1);
    value.u32(community.local_2);
  }
  return !attributes.values.large_communities.empty();
}

bool encode_only_to_customer(const OutgoingAttributes& attributes, Writer& value) {
  const auto& only = attributes.values.only_to_customer;
  if (only) value.u32(only->number);
  return only.has_value();
}

}  // namespace fairlead::bgp
