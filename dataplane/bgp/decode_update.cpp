// Three fields -> withdrawn prefixes, attributes, NLRI -> Update. When all prefixes are known, the
// worst consequence among the problems decides whether the announced ones are announced.
#include "dataplane/bgp/decode_update.hpp"

#include <algorithm>

#include "dataplane/bgp/as_path_wire.hpp"
#include "dataplane/bgp/decode_attributes.hpp"
#include "dataplane/bgp/families.hpp"
#include "dataplane/bgp/prefixes.hpp"

namespace fairlead::bgp {
namespace {

struct Fields {
  Reader withdrawn;
  Reader attributes;
  Reader nlri;
};

/// RFC 4271 6.3: lengths that go past the message lose the prefixes.
std::optional<Fields> split(Reader body) {
  const auto withdrawn_size = body.u16();
  const auto withdrawn = withdrawn_size ? body.part(*withdrawn_size) : std::nullopt;
  const auto attributes_size = withdrawn ? body.u16() : std::nullopt;
  const auto attributes = attributes_size ? body.part(*attributes_size) : std::nullopt;
  if (!attributes) return std::nullopt;
  return Fields{*withdrawn, *attributes, body};
}

/// RFC 4724 2: nothing at all, or an MP_UNREACH_NLRI without prefixes and nothing beside it.
std::optional<Family> end_of_rib(const Fields& fields, const ReceivedAttributes& received) {
  if (!fields.withdrawn.empty() || !fields.nlri.empty()) return std::nullopt;
  if (fields.attributes.empty())
    return received.negotiated.families.ipv4 ? std::optional(Family::kIpv4) : std::nullopt;
  return received.seen.count() == 1 && !received.cut_short ? received.empty_unreach : std::nullopt;
}

/// RFC 6793 4.2.3. An AGGREGATOR that is not AS_TRANS was set by a speaker of two octets after the
/// AS4 attributes, which are then out of date.
void merge_as4(ReceivedAttributes& received) {
  auto& values = received.values;
  if (received.as4_aggregator && values.aggregator) {
    if (values.aggregator->as != kAsTrans) return;
    values.aggregator = received.as4_aggregator;
  }
  if (received.as4_path) values.as_path = merge_as4_path(values.as_path, *received.as4_path);
}

void require(ReceivedAttributes& received, AttributeCode code) {
  const auto number = static_cast<std::uint8_t>(code);
  if (received.seen[number]) return;
  received.problems.push_back({.attribute = number,
                               .name = find_attribute(number)->name,
                               .what = "missing",
                               .consequence = Consequence::kTreatAsWithdraw});
}

/// RFC 7606 3 d. Of what is cut short nobody knows what it would have had.
void require_mandatory(ReceivedAttributes& received, bool in_nlri_field) {
  if (received.cut_short) return;
  require(received, AttributeCode::kOrigin);
  require(received, AttributeCode::kAsPath);
  if (in_nlri_field) require(received, AttributeCode::kNextHop);
}

bool must_withdraw(const ReceivedAttributes& received) {
  return std::ranges::any_of(received.problems, [](const UpdateProblem& problem) {
    return problem.consequence == Consequence::kTreatAsWithdraw;
  });
}

void leave_out_ipv4(Update& update, std::vector<Prefix>& nlri) {
  update.withdrawn.ipv4.clear();
  nlri.clear();
  update.problems.push_back({.attribute = 0,
                             .name = "NLRI",
                             .what = "IPv4 was not agreed on",
                             .consequence = Consequence::kAttributeDiscard});
}

void announce(Update& update, ReceivedAttributes& received, std::vector<Prefix> nlri) {
  auto& reach = received.reach;
  if (reach && !reach->prefixes.empty()) {
    const NextHop next_hop = reach->attributes.next_hop;
    reach->attributes = nlri.empty() ? std::move(received.values) : received.values;
    reach->attributes.next_hop = next_hop;
    update.announced.push_back(*std::move(reach));
  }
  if (!nlri.empty())
    update.announced.push_back({.family = Family::kIpv4,
                                .attributes = std::move(received.values),
                                .prefixes = std::move(nlri)});
}

void append(std::vector<Prefix>& to, const std::vector<Prefix>& prefixes) {
  to.insert(to.end(), prefixes.begin(), prefixes.end());
}

void withdraw(Update& update, ReceivedAttributes& received, const std::vector<Prefix>& nlri) {
  if (received.reach) append(update.withdrawn[received.reach->family], received.reach->prefixes);
  append(update.withdrawn.ipv4, nlri);
}

}  // namespace

Decoded<Update> decode_update(Reader body, const Negotiated& negotiated) {
  const auto fields = split(body);
  if (!fields) return update_failure(update_error::kMalformedAttributes);
  ReceivedAttributes received{.negotiated = negotiated};
  std::vector<Prefix> nlri;
  if (read_prefixes(fields->withdrawn, Family::kIpv4, received.withdrawn.ipv4).malformed)
    return update_failure(update_error::kInvalidNetwork);
  if (auto read = decode_attributes(fields->attributes, received); !read)
    return tl::unexpected(read.error());
  if (read_prefixes(fields->nlri, Family::kIpv4, nlri).malformed)
    return update_failure(update_error::kInvalidNetwork);
  const bool reachable = !nlri.empty() || received.carries_reach;
  if (reachable) require_mandatory(received, !nlri.empty());
  const bool withdrawing = must_withdraw(received);
  // RFC 7606 5.2: damage, and nothing to withdraw for it: the prefixes were in what is damaged.
  if (withdrawing && !reachable) return update_failure(update_error::kMalformedAttributes);
  merge_as4(received);
  Update update{.withdrawn = std::move(received.withdrawn),
                .announced = {},
                .end_of_rib = end_of_rib(*fields, received),
                .problems = std::move(received.problems)};
  const bool in_ipv4_fields = !fields->withdrawn.empty() || !fields->nlri.empty();
  if (in_ipv4_fields && !negotiated.families.ipv4) leave_out_ipv4(update, nlri);
  if (withdrawing)
    withdraw(update, received, nlri);
  else
    announce(update, received, std::move(nlri));
  return update;
}

}  // namespace fairlead::bgp
