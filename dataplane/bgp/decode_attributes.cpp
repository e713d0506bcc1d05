// Flags, code, length, value: one attribute after another. Each is looked up in attribute_table,
// which says who may send it, how it is read and what damage costs; the walk itself knows only
// RFC 7606's rules for all of them: repetitions (3 g), flags (3 c), lengths past the end (4).
#include "dataplane/bgp/decode_attributes.hpp"

namespace fairlead::bgp {
namespace {

struct Attribute {
  std::uint8_t flags = 0;
  std::uint8_t code = 0;
  ByteView whole;  // with flags, code and length, for a NOTIFICATION's data
  Reader value{ByteView()};
};

bool is_multiprotocol(std::uint8_t code) {
  return code == static_cast<std::uint8_t>(AttributeCode::kMpReach) ||
         code == static_cast<std::uint8_t>(AttributeCode::kMpUnreach);
}

void add_problem(ReceivedAttributes& into, std::uint8_t code, std::string what,
                 Consequence consequence) {
  const AttributeSpec* known = find_attribute(code);
  into.problems.push_back({.attribute = code,
                           .name = known != nullptr ? known->name : "unknown",
                           .what = std::move(what),
                           .consequence = consequence});
}

/// RFC 7606 4: the end of the attributes stays where the message says that it is. The prefixes of a
/// multiprotocol attribute that is cut off are lost, and with them the session (3 j).
Decoded<> cut_short(ReceivedAttributes& into, std::uint8_t code, std::string what) {
  if (is_multiprotocol(code)) return update_failure(update_error::kMalformedAttributes);
  into.cut_short = true;
  add_problem(into, code, std::move(what), Consequence::kTreatAsWithdraw);
  return {};
}

/// Nothing, and `into.cut_short`, if the next attribute does not fit.
Decoded<std::optional<Attribute>> next_attribute(Reader& rest, ReceivedAttributes& into) {
  const ByteView begin = rest.rest();
  Attribute attribute;
  const auto flags = rest.u8();
  const auto code = rest.u8();
  const bool extended = (flags.value_or(0) & kExtendedLength) != 0;
  const auto length = rest.number(extended ? 2 : 1);
  if (!length) {
    auto cut = cut_short(into, code.value_or(0), "no room for its length");
    if (!cut) return tl::unexpected(cut.error());
    return std::nullopt;
  }
  const auto value = rest.part(*length);
  if (!value) {
    auto cut = cut_short(into, *code, "length " + std::to_string(*length) + " past the end");
    if (!cut) return tl::unexpected(cut.error());
    return std::nullopt;
  }
  attribute.flags = *flags;
  attribute.code = *code;
  attribute.whole = begin.first(begin.size() - rest.remaining());
  attribute.value = *value;
  return attribute;
}

/// Optional ones are skipped, and never sent on: whoever forwards what he cannot check passes
/// damage along. One that claims to be well-known either has damaged flags (RFC 7606 3 c) or is of
/// a BGP that is not ours; its prefixes can be found, so the session stays.
void skip_unknown(const Attribute& attribute, ReceivedAttributes& into) {
  if ((attribute.flags & kOptional) != 0) return;
  add_problem(into, attribute.code, "not known, but not optional", Consequence::kTreatAsWithdraw);
}

Decoded<> read_known(const AttributeSpec& spec, const Attribute& attribute,
                     ReceivedAttributes& into) {
  if (!concerns(spec.audience, into.negotiated)) {
    add_problem(into, attribute.code, "not from this peer", Consequence::kAttributeDiscard);
    return {};
  }
  if ((attribute.flags & (kOptional | kTransitive)) != spec.flags) {
    add_problem(into, attribute.code, "wrong flags", Consequence::kTreatAsWithdraw);
    // The prefixes of a multiprotocol attribute are needed, to withdraw them.
    if (!is_multiprotocol(attribute.code)) return {};
  }
  auto complaint = spec.decode(attribute.value, into);
  if (!complaint) return {};
  if (spec.damage == Consequence::kSessionReset)
    return update_failure(update_error::kOptionalAttribute,
                          Bytes(attribute.whole.begin(), attribute.whole.end()));
  add_problem(into, attribute.code, *std::move(complaint), spec.damage);
  return {};
}

/// RFC 7606 3 g: of several the first counts; several multiprotocol attributes reset the session.
/// One problem a code is enough: a message has room for a thousand.
Decoded<> read_repetition(std::uint8_t code, ReceivedAttributes& into, std::bitset<256>& reported) {
  if (is_multiprotocol(code)) return update_failure(update_error::kMalformedAttributes);
  if (!reported[code]) add_problem(into, code, "repeated", Consequence::kAttributeDiscard);
  reported.set(code);
  return {};
}

}  // namespace

tl::unexpected<Notification> update_failure(std::uint8_t subcode, Bytes data) {
  return tl::unexpected(notification(ErrorCode::kUpdate, subcode, std::move(data)));
}

Decoded<> decode_attributes(Reader attributes, ReceivedAttributes& into) {
  std::bitset<256> repeated;
  while (!attributes.empty()) {
    const auto attribute = next_attribute(attributes, into);
    if (!attribute) return tl::unexpected(attribute.error());
    if (!*attribute) return {};
    const std::uint8_t code = (*attribute)->code;
    Decoded<> read;
    if (into.seen[code]) {
      read = read_repetition(code, into, repeated);
    } else if (const AttributeSpec* spec = find_attribute(code)) {
      read = read_known(*spec, **attribute, into);
    } else {
      skip_unknown(**attribute, into);
    }
    if (!read) return read;
    into.seen.set(code);
  }
  return {};
}

}  // namespace fairlead::bgp
