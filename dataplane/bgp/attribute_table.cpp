// The rows. Consequences are RFC 7606 7's where it names the attribute, else those of the RFC that
// defines it: 8092 6 (LARGE_COMMUNITY), 6793 6 (AS4_*), 9234 5 (OTC).
#include "dataplane/bgp/attribute_table.hpp"

#include <algorithm>
#include <array>

#include "dataplane/bgp/attribute_decoders.hpp"
#include "dataplane/bgp/attribute_encoders.hpp"
#include "dataplane/bgp/multiprotocol.hpp"

namespace fairlead::bgp {
namespace {

using enum AttributeCode;
using enum Consequence;

constexpr std::uint8_t kWellKnown = kTransitive;
constexpr std::uint8_t kOptionalTransitive = kOptional | kTransitive;

constexpr std::array kTable{
    AttributeSpec{kOrigin, "ORIGIN", kWellKnown, Audience::kAll, kTreatAsWithdraw, decode_origin,
                  encode_origin},
    AttributeSpec{kAsPath, "AS_PATH", kWellKnown, Audience::kAll, kTreatAsWithdraw, decode_as_path,
                  encode_as_path},
    AttributeSpec{kNextHop, "NEXT_HOP", kWellKnown, Audience::kAll, kTreatAsWithdraw,
                  decode_next_hop, encode_next_hop},
    AttributeSpec{kMultiExitDiscriminator, "MULTI_EXIT_DISC", kOptional, Audience::kAll,
                  kTreatAsWithdraw, decode_med, encode_med},
    AttributeSpec{kLocalPreference, "LOCAL_PREF", kWellKnown, Audience::kInternal, kTreatAsWithdraw,
                  decode_local_preference, encode_local_preference},
    AttributeSpec{kAtomicAggregate, "ATOMIC_AGGREGATE", kWellKnown, Audience::kAll,
                  kAttributeDiscard, decode_atomic_aggregate, encode_atomic_aggregate},
    AttributeSpec{kAggregator, "AGGREGATOR", kOptionalTransitive, Audience::kAll, kAttributeDiscard,
                  decode_aggregator, encode_aggregator},
    AttributeSpec{kCommunities, "COMMUNITIES", kOptionalTransitive, Audience::kAll,
                  kTreatAsWithdraw, decode_communities, encode_communities},
    AttributeSpec{kOriginatorId, "ORIGINATOR_ID", kOptional, Audience::kInternal, kTreatAsWithdraw,
                  decode_originator_id, encode_originator_id},
    AttributeSpec{kClusterList, "CLUSTER_LIST", kOptional, Audience::kInternal, kTreatAsWithdraw,
                  decode_cluster_list, encode_cluster_list},
    AttributeSpec{kMpReach, "MP_REACH_NLRI", kOptional, Audience::kAll, kSessionReset,
                  decode_mp_reach, nullptr},
    AttributeSpec{kMpUnreach, "MP_UNREACH_NLRI", kOptional, Audience::kAll, kSessionReset,
                  decode_mp_unreach, nullptr},
    AttributeSpec{kExtendedCommunities, "EXTENDED_COMMUNITIES", kOptionalTransitive, Audience::kAll,
                  kTreatAsWithdraw, decode_extended_communities, encode_extended_communities},
    AttributeSpec{kAs4Path, "AS4_PATH", kOptionalTransitive, Audience::kTwoOctet, kAttributeDiscard,
                  decode_as4_path, encode_as4_path},
    AttributeSpec{kAs4Aggregator, "AS4_AGGREGATOR", kOptionalTransitive, Audience::kTwoOctet,
                  kAttributeDiscard, decode_as4_aggregator, encode_as4_aggregator},
    AttributeSpec{kLargeCommunities, "LARGE_COMMUNITY", kOptionalTransitive, Audience::kAll,
                  kTreatAsWithdraw, decode_large_communities, encode_large_communities},
    AttributeSpec{kOnlyToCustomer, "OTC", kOptionalTransitive, Audience::kAll, kTreatAsWithdraw,
                  decode_only_to_customer, encode_only_to_customer},
};

}  // namespace

std::span<const AttributeSpec> attribute_table() { return kTable; }

const AttributeSpec* find_attribute(std::uint8_t code) {
  const auto row =
      std::ranges::find(kTable, static_cast<AttributeCode>(code), &AttributeSpec::code);
  return row == kTable.end() ? nullptr : &*row;
}

}  // namespace fairlead::bgp
