// An address -> the frame that asks for it; a frame -> who has it; a question -> its answer.
#include "bench/pktgen/neighbour.hpp"

#include <algorithm>
#include <array>

namespace fairlead::bench::pktgen {
namespace {

constexpr std::size_t kArpBytes = 28, kIpv6Bytes = 40, kNdpBytes = 32;
constexpr std::uint16_t kAsk = 1, kAnswer = 2;                     // ARP
constexpr std::uint8_t kSolicitation = 135, kAdvertisement = 136;  // ICMPv6
constexpr std::uint8_t kSourceOption = 1, kTargetOption = 2, kIcmpv6 = 58;
constexpr Mac kAll{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

using Frame = std::vector<std::uint8_t>;

template <std::size_t N>
void copy_to(const std::array<std::uint8_t, N>& bytes, std::uint8_t* at) {
  std::ranges::copy(bytes, at);
}
Mac mac_at(const std::uint8_t* at) {
  Mac mac;
  std::copy_n(at, 6, mac.bytes.begin());
  return mac;
}
Ip v4_at(const std::uint8_t* at) { return ip_from_v4({at[0], at[1], at[2], at[3]}); }
Ip v6_at(const std::uint8_t* at) {
  Ip ip;
  std::copy_n(at, 16, ip.bytes.begin());
  return ip;
}

Frame ethernet(const Mac& to, const Mac& from, std::uint16_t type, std::size_t bytes) {
  Frame frame(std::max<std::size_t>(kEthernetBytes + bytes, 60));
  copy_to(to.bytes, frame.data());
  copy_to(from.bytes, frame.data() + 6);
  put16(frame.data() + 12, type);
  return frame;
}

struct ArpEnd {
  Ip ip;
  Mac mac;
};

Frame arp(std::uint16_t what, const ArpEnd& from, const ArpEnd& to) {
  Frame frame = ethernet(what == kAsk ? kAll : to.mac, from.mac, kEthernetArp, kArpBytes);
  std::uint8_t* at = frame.data() + kEthernetBytes;
  put16(at, 1);
  put16(at + 2, kEthernetIpv4);
  at[4] = 6;
  at[5] = 4;
  put16(at + 6, what);
  copy_to(from.mac.bytes, at + 8);
  std::copy_n(from.ip.bytes.data() + 12, 4, at + 14);
  if (what == kAnswer) copy_to(to.mac.bytes, at + 18);
  std::copy_n(to.ip.bytes.data() + 12, 4, at + 24);
  return frame;
}

/// The body of an ARP packet of that kind, or null.
const std::uint8_t* arp_body(Bytes frame, std::uint16_t what) {
  if (frame.size() < kEthernetBytes + kArpBytes || get16(frame.data() + 12) != kEthernetArp)
    return nullptr;
  const std::uint8_t* at = frame.data() + kEthernetBytes;
  return get16(at + 2) == kEthernetIpv4 && get16(at + 6) == what ? at : nullptr;
}

struct Ndp {
  std::uint8_t type;
  Mac from_mac, to_mac;
  Ip from, to, target;
};

Frame ndp(const Ndp& what) {
  Frame frame = ethernet(what.to_mac, what.from_mac, kEthernetIpv6, kIpv6Bytes + kNdpBytes);
  std::uint8_t* ip = frame.data() + kEthernetBytes;
  ip[0] = 0x60;
  put16(ip + 4, kNdpBytes);
  ip[6] = kIcmpv6;
  ip[7] = 255;  // RFC 4861, 7.1: others have been forwarded, and do not count
  copy_to(what.from.bytes, ip + 8);
  copy_to(what.to.bytes, ip + 24);
  std::uint8_t* at = ip + kIpv6Bytes;
  at[0] = what.type;
  if (what.type == kAdvertisement) at[4] = 0x60;  // solicited, override
  copy_to(what.target.bytes, at + 8);
  at[24] = what.type == kSolicitation ? kSourceOption : kTargetOption;
  at[25] = 1;
  copy_to(what.from_mac.bytes, at + 26);
  const auto all = pseudo_header_sum({ip + 8, 16}, {ip + 24, 16}, kIcmpv6, kNdpBytes);
  put16(at + 2, checksum(sum({at, kNdpBytes}, all)));
  return frame;
}

/// The ICMPv6 body (at least 24 bytes) of that type, or null.
const std::uint8_t* ndp_body(Bytes frame, std::uint8_t type) {
  if (frame.size() < kEthernetBytes + kIpv6Bytes + 24 || get16(frame.data() + 12) != kEthernetIpv6)
    return nullptr;
  const std::uint8_t* ip = frame.data() + kEthernetBytes;
  const std::uint8_t* at = ip + kIpv6Bytes;
  return ip[6] == kIcmpv6 && ip[7] == 255 && at[0] == type ? at : nullptr;
}

}  // namespace

Frame ask_for(const Ip& wanted, const Ip& own, const Mac& own_mac) {
  if (wanted.is_v4()) return arp(kAsk, {own, own_mac}, {wanted, {}});
  // RFC 4291, 2.7.1: the solicited-node address, and RFC 2464, 7: its MAC address.
  Ip group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
  std::copy_n(wanted.bytes.data() + 13, 3, group.bytes.data() + 13);
  Mac group_mac{{0x33, 0x33}};
  std::copy_n(group.bytes.data() + 12, 4, group_mac.bytes.data() + 2);
  return ndp({kSolicitation, own_mac, group_mac, own, group, wanted});
}

std::optional<Mac> read_answer(Bytes frame, const Ip& wanted) {
  if (const auto* at = arp_body(frame, kAnswer); at && v4_at(at + 14) == wanted)
    return mac_at(at + 8);
  const auto* at = ndp_body(frame, kAdvertisement);
  if (!at || v6_at(at + 8) != wanted) return std::nullopt;
  // The option may be left out where the answer goes to one host: then the frame itself says it.
  const std::size_t option = kEthernetBytes + kIpv6Bytes + 24;
  const bool has_option = frame.size() >= option + 8 && at[24] == kTargetOption && at[25] == 1;
  return mac_at(has_option ? at + 26 : frame.data() + 6);
}

std::optional<Frame> answer(Bytes frame, std::span<const Ip> own, const Mac& own_mac) {
  const auto is_own = [own](const Ip& ip) { return std::ranges::find(own, ip) != own.end(); };
  if (const auto* at = arp_body(frame, kAsk)) {
    const Ip wanted = v4_at(at + 24);
    if (!is_own(wanted)) return std::nullopt;
    return arp(kAnswer, {wanted, own_mac}, {v4_at(at + 14), mac_at(at + 8)});
  }
  const auto* at = ndp_body(frame, kSolicitation);
  if (!at || !is_own(v6_at(at + 8))) return std::nullopt;
  const Ip asker = v6_at(frame.data() + kEthernetBytes + 8);
  // Duplicate address detection asks from ::. The address is taken, but nobody here defends it.
  if (asker.is_unspecified()) return std::nullopt;
  const Ip wanted = v6_at(at + 8);
  return ndp({kAdvertisement, own_mac, mac_at(frame.data() + 6), wanted, asker, wanted});
}

}  // namespace fairlead::bench::pktgen
