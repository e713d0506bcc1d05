// The path attributes that we know: one row each, which the decoder and the encoder both go by.
#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/bgp/message.hpp"
#include "dataplane/bgp/negotiated.hpp"
#include "dataplane/bgp/reader.hpp"
#include "dataplane/bgp/writer.hpp"

namespace fairlead::bgp {

/// IANA, "BGP Path Attributes".
enum class AttributeCode : std::uint8_t {
  kOrigin = 1,
  kAsPath = 2,
  kNextHop = 3,
  kMultiExitDiscriminator = 4,
  kLocalPreference = 5,
  kAtomicAggregate = 6,
  kAggregator = 7,
  kCommunities = 8,
  kOriginatorId = 9,
  kClusterList = 10,
  kMpReach = 14,
  kMpUnreach = 15,
  kExtendedCommunities = 16,
  kAs4Path = 17,
  kAs4Aggregator = 18,
  kLargeCommunities = 32,
  kOnlyToCustomer = 35,
};

/// Attribute flags (RFC 4271 4.3). Partial and the four lowest bits are not looked at.
inline constexpr std::uint8_t kOptional = 0x80, kTransitive = 0x40, kExtendedLength = 0x10;

/// From or to any other peer the attribute is discarded unread, or not sent.
enum class Audience : std::uint8_t { kAll, kInternal, kTwoOctet };

/// What the attributes of one UPDATE said.
struct ReceivedAttributes {
  Negotiated negotiated{};
  std::bitset<256> seen{};  // by code
  PathAttributes values{};
  std::optional<AsPath> as4_path{};
  std::optional<Aggregator> as4_aggregator{};
  std::optional<Announcement> reach{};  // MP_REACH_NLRI; of its attributes only the next hop
  PerFamily<std::vector<Prefix>> withdrawn{};
  bool carries_reach = false;  // MP_REACH_NLRI has NLRI, if only of a family not agreed on
  bool cut_short = false;      // the last attribute goes past the end
  std::optional<Family> empty_unreach{};  // MP_UNREACH_NLRI without prefixes
  std::vector<UpdateProblem> problems{};
};

/// What is wrong with a value, in words; nothing: it was taken over.
using Complaint = std::optional<std::string>;

struct OutgoingAttributes {
  const PathAttributes& values;
  const Negotiated& negotiated;
  bool in_nlri_field;  // the prefixes are IPv4 with an IPv4 next hop
};

struct AttributeSpec {
  AttributeCode code;
  std::string_view name;
  std::uint8_t flags;  // kOptional, kTransitive
  Audience audience;
  Consequence damage;  // what a malformed value costs
  Complaint (*decode)(Reader value, ReceivedAttributes& into);
  /// Whether the attribute is there; then its value was written. None for MP_REACH_NLRI and
  /// MP_UNREACH_NLRI, which hold the prefixes.
  bool (*encode)(const OutgoingAttributes& attributes, Writer& value);
};

/// In the order of codes, which is the order in which they are sent (RFC 4271 5).
std::span<const AttributeSpec> attribute_table();
/// Null for a code that we do not know.
const AttributeSpec* find_attribute(std::uint8_t code);

constexpr bool concerns(Audience audience, const Negotiated& negotiated) {
  return audience == Audience::kAll || (audience == Audience::kInternal && negotiated.internal) ||
         (audience == Audience::kTwoOctet && !negotiated.four_octet_as);
}

}  // namespace fairlead::bgp
