// Fields at fixed offsets, in network byte order.
#include "dataplane/layer2/frames.hpp"

#include <algorithm>
#include <array>

namespace fairlead::layer2 {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr MacBytes kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::size_t kEthernetBytes = 14, kArpBytes = 28, kIpv6Bytes = 40;
/// Neighbour messages up to their options, and the one option.
constexpr std::size_t kNeighbourBytes = 24, kOptionBytes = 8;
constexpr std::uint8_t kRequest = 1, kReply = 2;
constexpr std::uint8_t kIcmpV6 = 58, kHopLimit = 255, kSolicitation = 135, kAdvertisement = 136;
constexpr std::uint8_t kSolicited = 0x40, kOverride = 0x20;
constexpr std::uint8_t kSourceLinkAddress = 1, kTargetLinkAddress = 2;
/// Ethernet, IPv4, and the lengths of their addresses.
constexpr std::array<std::uint8_t, 6> kArpHead{0, 1, 8, 0, 6, 4};

void put(Frame& frame, Bytes bytes) { frame.insert(frame.end(), bytes.begin(), bytes.end()); }

void put_ethernet(Frame& frame, const MacBytes& to, const MacBytes& from, std::uint16_t type) {
  put(frame, to);
  put(frame, from);
  frame.push_back(static_cast<std::uint8_t>(type >> 8));
  frame.push_back(static_cast<std::uint8_t>(type));
}

Bytes v4_bytes(const Ip& ip) { return Bytes(ip.bytes).last(4); }

struct ArpSides {
  MacBytes sender_mac{};
  Ip sender;
  MacBytes target_mac{};
  Ip target;
};

Frame arp(const MacBytes& to, std::uint8_t operation, const ArpSides& sides) {
  Frame frame;
  put_ethernet(frame, to, sides.sender_mac, 0x0806);
  put(frame, kArpHead);
  frame.push_back(0);
  frame.push_back(operation);
  put(frame, sides.sender_mac);
  put(frame, v4_bytes(sides.sender));
  put(frame, sides.target_mac);
  put(frame, v4_bytes(sides.target));
  return frame;
}

/// Of the pseudo-header (RFC 8200 8.1) and the message; 0 of a message whose checksum is right.
std::uint16_t checksum(Bytes source, Bytes destination, Bytes message) {
  std::uint32_t sum = static_cast<std::uint32_t>(message.size()) + kIcmpV6;
  for (const Bytes part : {source, destination, message})
    for (std::size_t i = 0; i < part.size(); ++i)
      sum += i % 2 == 0 ? static_cast<std::uint32_t>(part[i]) << 8 : part[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

struct Ends {
  MacBytes from_mac{}, to_mac{};
  Ip from, to;
};

struct Neighbour {
  std::uint8_t type = 0, flags = 0;
  Ip target;
  std::uint8_t option = 0;  // with the sender's link address; 0: none
};

Frame neighbour(const Ends& ends, const Neighbour& what) {
  Frame message{what.type, 0, 0, 0, what.flags, 0, 0, 0};
  put(message, what.target.bytes);
  if (what.option != 0) {
    message.push_back(what.option);
    message.push_back(1);  // of 8 bytes
    put(message, ends.from_mac);
  }
  const std::uint16_t sum = checksum(ends.from.bytes, ends.to.bytes, message);
  message[2] = static_cast<std::uint8_t>(sum >> 8);
  message[3] = static_cast<std::uint8_t>(sum);

  Frame frame;
  put_ethernet(frame, ends.to_mac, ends.from_mac, 0x86dd);
  const auto length = static_cast<std::uint8_t>(message.size());
  put(frame, std::array<std::uint8_t, 8>{0x60, 0, 0, 0, 0, length, kIcmpV6, kHopLimit});
  put(frame, ends.from.bytes);
  put(frame, ends.to.bytes);
  put(frame, message);
  return frame;
}

/// RFC 2464 7.
MacBytes multicast_mac(const Ip& group) {
  const auto& bytes = group.bytes;
  return {0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]};
}

/// RFC 4291 2.7.1.
Ip solicited_node(const Ip& address) {
  Ip group{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
  std::copy_n(address.bytes.begin() + 13, 3, group.bytes.begin() + 13);
  return group;
}

constexpr Ip kAllNodes{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

Ip ip_at(Bytes frame, std::size_t offset) {
  Ip ip;
  std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(offset), 16, ip.bytes.begin());
  return ip;
}

Ip v4_at(Bytes bytes, std::size_t offset) {
  return ip_from_v4({bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]});
}

MacBytes mac_at(Bytes bytes, std::size_t offset) {
  MacBytes mac;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), mac.size(), mac.begin());
  return mac;
}

std::optional<Heard> decode_arp(Bytes body) {
  if (body.size() < kArpBytes || !std::ranges::equal(body.first(kArpHead.size()), kArpHead))
    return std::nullopt;
  const bool is_reply = body[6] == 0 && body[7] == kReply;
  const Ip sender = v4_at(body, 14);
  const bool is_announcement = sender == v4_at(body, 24);
  if (sender.is_unspecified() || (!is_reply && !is_announcement)) return std::nullopt;
  return Heard{is_announcement, sender, mac_at(body, 8)};
}

std::optional<Heard> decode_neighbour(Bytes frame) {
  const Bytes head = frame.subspan(kEthernetBytes);
  if (head.size() < kIpv6Bytes + kNeighbourBytes || head[6] != kIcmpV6 || head[7] != kHopLimit)
    return std::nullopt;
  const std::size_t length = head[4] * std::size_t{256} + head[5];
  if (length < kNeighbourBytes || length > head.size() - kIpv6Bytes) return std::nullopt;
  const Bytes message = head.subspan(kIpv6Bytes, length);
  if (message[0] != kAdvertisement || message[1] != 0) return std::nullopt;
  if (checksum(head.subspan(8, 16), head.subspan(24, 16), message) != 0) return std::nullopt;
  const bool is_answer = (message[4] & kSolicited) != 0;
  if (!is_answer && (message[4] & kOverride) == 0) return std::nullopt;
  const bool has_mac = length >= kNeighbourBytes + kOptionBytes &&
                       message[kNeighbourBytes] == kTargetLinkAddress &&
                       message[kNeighbourBytes + 1] == 1;
  return Heard{!is_answer, ip_at(message, 8),
               has_mac ? mac_at(message, kNeighbourBytes + 2) : mac_at(frame, 6)};
}

}  // namespace

Frame question(const MacBytes& own_mac, const Ip& own_ip, const Ip& address,
               const std::optional<MacBytes>& to) {
  if (address.is_v4())
    return arp(to.value_or(kBroadcast), kRequest, {own_mac, own_ip, {}, address});
  const Ip group = solicited_node(address);
  const bool has_source = !own_ip.is_unspecified();
  return neighbour({own_mac, to.value_or(multicast_mac(group)), has_source ? own_ip : Ip{}, group},
                   {kSolicitation, 0, address, has_source ? kSourceLinkAddress : std::uint8_t{0}});
}

std::vector<Frame> announcement(const MacBytes& own_mac, const Ip& address) {
  if (address.is_v4())
    return {arp(kBroadcast, kRequest, {own_mac, address, {}, address}),
            arp(kBroadcast, kReply, {own_mac, address, own_mac, address})};
  return {neighbour({own_mac, multicast_mac(kAllNodes), address, kAllNodes},
                    {kAdvertisement, kOverride, address, kTargetLinkAddress})};
}

std::optional<Heard> decode(Bytes frame) {
  if (frame.size() < kEthernetBytes) return std::nullopt;
  const std::uint32_t type = frame[12] * 256U + frame[13];
  if (type == 0x0806) return decode_arp(frame.subspan(kEthernetBytes));
  if (type == 0x86dd) return decode_neighbour(frame);
  return std::nullopt;
}

}  // namespace fairlead::layer2
