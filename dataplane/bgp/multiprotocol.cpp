// AFI and SAFI decide whether the rest concerns us; then the next hop, then NLRI as everywhere.
#include "dataplane/bgp/multiprotocol.hpp"

#include "dataplane/bgp/families.hpp"
#include "dataplane/bgp/next_hop.hpp"
#include "dataplane/bgp/prefixes.hpp"

namespace fairlead::bgp {
namespace {

constexpr std::string_view name_of(AttributeCode code) {
  return code == AttributeCode::kMpReach ? "MP_REACH_NLRI" : "MP_UNREACH_NLRI";
}

void add_problem(ReceivedAttributes& into, AttributeCode code, std::string what,
                 Consequence consequence) {
  into.problems.push_back({.attribute = static_cast<std::uint8_t>(code),
                           .name = name_of(code),
                           .what = std::move(what),
                           .consequence = consequence});
}

/// The family if it is one of the session's.
std::optional<Family> agreed_family(std::uint16_t afi, std::uint8_t safi, AttributeCode code,
                                    ReceivedAttributes& into) {
  const auto family = family_of(afi, safi);
  if (family && into.negotiated.families[*family]) return family;
  add_problem(into, code,
              "AFI " + std::to_string(afi) + " SAFI " + std::to_string(safi) + " was not agreed on",
              Consequence::kAttributeDiscard);
  return std::nullopt;
}

/// RFC 4760 3 and 2545 3; RFC 8950 3 for IPv4.
bool is_expected_length(std::size_t length, Family family, const Negotiated& negotiated) {
  if (family == Family::kIpv4 && length == 4) return true;
  if (family == Family::kIpv4 && !negotiated.ipv4_over_ipv6) return false;
  return length == 16 || length == 32;
}

Complaint read_nlri(Reader nlri, Family family, AttributeCode code, std::vector<Prefix>& prefixes,
                    ReceivedAttributes& into) {
  const auto read = read_prefixes(nlri, family, prefixes);
  if (read.malformed) return "prefix too long or past the end";
  if (read.mapped > 0)
    add_problem(into, code, std::to_string(read.mapped) + " IPv4-mapped prefixes left out",
                Consequence::kAttributeDiscard);
  return std::nullopt;
}

}  // namespace

Complaint decode_mp_reach(Reader value, ReceivedAttributes& into) {
  constexpr auto kCode = AttributeCode::kMpReach;
  const auto afi = value.u16();
  const auto safi = value.u8();
  const auto length = value.u8();
  if (!length) return "shorter than its fixed fields";
  auto next_hop = value.part(*length);
  const auto reserved = next_hop ? value.u8() : std::nullopt;
  if (!reserved) return "next hop of " + std::to_string(*length) + " bytes past the end";
  into.carries_reach = !value.empty();
  const auto family = agreed_family(*afi, *safi, kCode, into);
  if (!family) return std::nullopt;
  if (!is_expected_length(*length, *family, into.negotiated))
    return "next hop of " + std::to_string(*length) + " bytes";  // RFC 7606 7.11
  Announcement reach{.family = *family, .attributes = {}, .prefixes = {}};
  auto& hop = reach.attributes.next_hop;
  hop = *length == 4 ? NextHop{read_ipv4(*next_hop), std::nullopt} : read_ipv6_next_hop(*next_hop);
  const bool mapped = *length != 4 && hop.address.is_v4();
  if (mapped || !is_usable_next_hop(hop.address))
    add_problem(into, kCode, to_string(hop.address) + " is no next hop",
                Consequence::kTreatAsWithdraw);
  auto complaint = read_nlri(value, *family, kCode, reach.prefixes, into);
  if (!complaint) into.reach = std::move(reach);
  return complaint;
}

Complaint decode_mp_unreach(Reader value, ReceivedAttributes& into) {
  constexpr auto kCode = AttributeCode::kMpUnreach;
  const auto afi = value.u16();
  const auto safi = value.u8();
  if (!safi) return "shorter than its fixed fields";  // RFC 7606 7.12
  const auto family = agreed_family(*afi, *safi, kCode, into);
  if (!family) return std::nullopt;
  if (value.empty()) into.empty_unreach = family;
  return read_nlri(value, *family, kCode, into.withdrawn[*family], into);
}

}  // namespace fairlead::bgp
