// RFC 7606 attribute by attribute: each of 256 codes, damaged in eight ways, in an UPDATE of each
// family, from internal and external peers of two and of four octets. What each combination must
// cost is written down here from the RFCs, apart from the decoder's own table.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

enum Damage { kEmpty, kOne, kShort, kLong, kPastTheEnd, kTwice, kFlags, kGarbage, kDamages };
constexpr std::array kDamageNames{"empty",        "one byte", "too short",   "too long",
                                  "past the end", "twice",    "wrong flags", "garbage"};

/// One letter a damage: k, kept without a word; d, kept with the attribute discarded; w, withdrawn;
/// r, the session is reset.
struct Expected {
  std::uint8_t flags;
  Bytes value;
  std::string_view cost;
};

struct Peer {
  Negotiated negotiated;
  Family family;
};

std::string describe_peer(const Peer& peer) {
  return std::string(peer.family == Family::kIpv4 ? "IPv4" : "IPv6") +
         (peer.negotiated.internal ? ", internal" : ", external") +
         (peer.negotiated.four_octet_as ? ", four octets" : ", two octets");
}

Bytes path_value(const Peer& peer) {
  return peer.negotiated.four_octet_as ? hex("02 02 0000fde9 0000fdea") : hex("02 02 fde9 fdea");
}

Bytes aggregator_value(const Peer& peer) {
  return peer.negotiated.four_octet_as ? hex("0000fde9 0a000001") : hex("fde9 0a000001");
}

Expected expected(std::size_t code, const Peer& peer) {
  constexpr std::string_view kMustBeRight = "wwwwwdwk";  // any value of the right length will do
  constexpr std::string_view kUnread = "ddddwddd";       // discarded, unless it hides what follows
  const bool internal = peer.negotiated.internal;
  const bool two_octets = !peer.negotiated.four_octet_as;
  switch (code) {
    case 1:
      return {kWellKnown, {0}, "wwwwwdww"};
    case 2:
      return {kWellKnown, path_value(peer), "kwwwwdww"};
    case 3:
      return {kWellKnown, {192, 0, 2, 1}, kMustBeRight};
    case 4:
      return {kOptional, {0, 0, 0, 7}, kMustBeRight};
    case 5:
      return {kWellKnown, {0, 0, 0, 7}, internal ? kMustBeRight : kUnread};
    case 6:
      return {kWellKnown, {}, "kdkdwdwk"};
    case 7:
      return {kOptionalTransitive, aggregator_value(peer), "ddddwdwk"};
    case 8:
      return {kOptionalTransitive, Bytes(8, 1), kMustBeRight};
    case 9:
      return {kOptional, {10, 0, 0, 1}, internal ? kMustBeRight : kUnread};
    case 10:
      return {kOptional, Bytes(8, 1), internal ? kMustBeRight : kUnread};
    case 14:
      return {kOptional, mp_reach_value(), "rrrrrrwr"};
    case 15:
      return {kOptional, hex("0002 01 30 20010db80009"), "rrrrrrwd"};
    case 16:
      return {kOptionalTransitive, Bytes(16, 1), kMustBeRight};
    case 17:
      return {kOptionalTransitive, hex("02 01 00011170"), two_octets ? "ddddwdwd" : kUnread};
    case 18:
      return {kOptionalTransitive, hex("00011170 0a000001"), two_octets ? "ddddwdwk" : kUnread};
    case 32:
      return {kOptionalTransitive, Bytes(24, 1), kMustBeRight};
    case 35:
      return {kOptionalTransitive, {0, 0, 0, 7}, kMustBeRight};
    default:
      return {kOptionalTransitive, {1, 2, 3, 4}, "kkkkwdwk"};
  }
}

Bytes damaged(std::size_t code, const Expected& good, Damage damage) {
  Bytes value = good.value;
  switch (damage) {
    case kEmpty:
      return attribute(good.flags, code, {});
    case kOne:
      return attribute(good.flags, code, {0xee});
    case kShort:
      if (!value.empty()) value.pop_back();
      return attribute(good.flags, code, value);
    case kLong:
      value.push_back(0x40);
      return attribute(good.flags, code, value);
    case kPastTheEnd:
      return attribute(good.flags, code, value, value.size() + 50);
    case kTwice:
      return joined({attribute(good.flags, code, value), attribute(good.flags, code, value)});
    case kFlags: {
      const bool known = good.cost != expected(255, {}).cost;
      return attribute(known ? good.flags ^ 0xc0 : kWellKnown, code, value);
    }
    case kGarbage:
      return attribute(good.flags, code, Bytes(value.size(), 0xaa));
    case kDamages:
      break;
  }
  return {};
}

/// All that is needed but the damaged attribute, which comes last: behind it nothing is readable if
/// its length is wrong.
Bytes damaged_update(std::size_t code, Damage damage, const Peer& peer) {
  std::map<std::size_t, Bytes> needed{{1, origin()},
                                      {2, attribute(kWellKnown, 2, path_value(peer))}};
  if (peer.family == Family::kIpv4)
    needed[3] = next_hop();
  else
    needed[14] = attribute(kOptional, 14, mp_reach_value());
  needed.erase(code);
  Bytes attributes;
  for (const auto& [number, bytes] : needed) attributes = joined({attributes, bytes});
  attributes = joined({attributes, damaged(code, expected(code, peer), damage)});
  return update(kWithdrawn, attributes, peer.family == Family::kIpv4 ? kNlri : Bytes{});
}

std::vector<Prefix> prefixes(Family family) {
  if (family == Family::kIpv4) return {*parse_cidr("10.1.0.0/16"), *parse_cidr("10.2.0.0/16")};
  return {*parse_cidr("2001:db8:1::/48"), *parse_cidr("2001:db8:2::/48")};
}

bool has(const std::vector<Prefix>& all, const std::vector<Prefix>& some) {
  return std::ranges::all_of(
      some, [&](const Prefix& prefix) { return std::ranges::find(all, prefix) != all.end(); });
}

bool announces(const Update& update, Family family) {
  return std::ranges::any_of(update.announced, [&](const Announcement& announcement) {
    return announcement.family == family && announcement.prefixes == prefixes(family);
  });
}

char outcome(const Decoded<Message>& decoded, const Peer& peer) {
  if (!decoded) return 'r';
  const auto& update = std::get<Update>(*decoded);
  if (!has(update.withdrawn.ipv4, {*parse_cidr("10.9.9.0/24")})) return '?';
  const bool announced = announces(update, peer.family);
  const bool withdrawn = has(update.withdrawn[peer.family], prefixes(peer.family));
  if (announced == withdrawn || (withdrawn && !update.announced.empty())) return '?';
  if (withdrawn) return update.problems.empty() ? '?' : 'w';
  return update.problems.empty() ? 'k' : 'd';
}

std::vector<Peer> all_peers() {
  std::vector<Peer> peers;
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const bool internal : {false, true})
      for (const bool four : {false, true})
        peers.push_back(
            {{.internal = internal, .four_octet_as = four, .families = {true, true}}, family});
  return peers;
}

TEST(Damage, OfEachAttributeInEachWayCostsWhatTheRfcsSay) {
  for (const Peer& peer : all_peers()) {
    for (std::size_t code = 0; code < 256; ++code) {
      for (int damage = 0; damage < kDamages; ++damage) {
        const auto bytes = damaged_update(code, static_cast<Damage>(damage), peer);
        const auto decoded = decode(bytes, peer.negotiated);
        EXPECT_EQ(outcome(decoded, peer),
                  expected(code, peer).cost[static_cast<std::size_t>(damage)])
            << "attribute " << code << ", " << kDamageNames.at(static_cast<std::size_t>(damage))
            << ", " << describe_peer(peer) << "; error: " << error_of(decoded);
      }
    }
  }
}

TEST(Damage, IsReportedWithTheAttributeThatHasIt) {
  for (const Peer& peer : all_peers()) {
    for (std::size_t code = 0; code < 256; ++code) {
      for (int damage = 0; damage < kDamages; ++damage) {
        const auto bytes = damaged_update(code, static_cast<Damage>(damage), peer);
        const auto decoded = decode(bytes, peer.negotiated);
        if (!decoded) continue;
        for (const auto& problem : std::get<Update>(*decoded).problems) {
          EXPECT_EQ(problem.attribute, code) << problem.name << ": " << problem.what;
          EXPECT_FALSE(problem.name.empty());
          EXPECT_FALSE(problem.what.empty());
          EXPECT_NE(problem.consequence, Consequence::kSessionReset);
        }
      }
    }
  }
}

/// RFC 4760 7, RFC 7606 3 g and 5.3: which NOTIFICATION ends the session.
TEST(Damage, ThatHidesPrefixesIsAnsweredWithTheRightNotification) {
  const Peer peer{{.four_octet_as = true, .families = {true, true}}, Family::kIpv6};
  const auto error = [&](std::size_t code, Damage damage) {
    return error_of(decode(damaged_update(code, damage, peer), peer.negotiated));
  };
  EXPECT_EQ(error(14, kEmpty), "UPDATE Message Error / Optional Attribute Error");
  EXPECT_EQ(error(15, kShort), "UPDATE Message Error / Optional Attribute Error");
  EXPECT_EQ(error(14, kTwice), "UPDATE Message Error / Malformed Attribute List");
  EXPECT_EQ(error(14, kPastTheEnd), "UPDATE Message Error / Malformed Attribute List");
  const auto decoded = decode(damaged_update(14, kOne, peer), peer.negotiated);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().data, attribute(kOptional, 14, {0xee}));
}

}  // namespace
}  // namespace fairlead::bgp
