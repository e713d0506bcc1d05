// Tuple -> Ethernet, IPv4 or IPv6, TCP; and back, also out of a packet that was encapsulated.
#include "bench/packets/frames.hpp"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

#include <cstring>

namespace fairlead::bench {
namespace {

constexpr std::size_t kMac = sizeof(ether_header);

template <class Header>
void append(Frame& frame, const Header& header) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&header);
  frame.insert(frame.end(), bytes, bytes + sizeof(header));
}

template <class Header>
Header header_at(std::span<const std::byte> frame, std::size_t offset) {
  Header header;
  std::memcpy(&header, frame.data() + offset, sizeof(header));
  return header;
}

void append_ethernet(Frame& frame, bool is_v4) {
  ether_header ethernet{.ether_dhost = {2, 0, 0, 0, 0, 1},
                        .ether_shost = {2, 0, 0, 0, 0, 2},
                        .ether_type = htons(is_v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6)};
  append(frame, ethernet);
}

void append_ip(Frame& frame, const Tuple& tuple) {
  if (tuple.source.is_v4()) {
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.tot_len = htons(sizeof(iphdr) + sizeof(tcphdr));
    ip.frag_off = htons(IP_DF);
    ip.ttl = 64;
    ip.protocol = IPPROTO_TCP;
    std::memcpy(&ip.saddr, &tuple.source.bytes[12], sizeof(ip.saddr));
    std::memcpy(&ip.daddr, &tuple.destination.bytes[12], sizeof(ip.daddr));
    return append(frame, ip);
  }
  ip6_hdr ip{};
  ip.ip6_flow = htonl(6U << 28);
  ip.ip6_plen = htons(sizeof(tcphdr));
  ip.ip6_nxt = IPPROTO_TCP;
  ip.ip6_hlim = 64;
  std::memcpy(&ip.ip6_src, tuple.source.bytes.data(), sizeof(ip.ip6_src));
  std::memcpy(&ip.ip6_dst, tuple.destination.bytes.data(), sizeof(ip.ip6_dst));
  append(frame, ip);
}

}  // namespace

Frame tcp_frame(const Tuple& tuple, std::uint8_t flags) {
  Frame frame;
  append_ethernet(frame, tuple.source.is_v4());
  append_ip(frame, tuple);
  tcphdr tcp{};
  tcp.th_sport = htons(tuple.source_port.host);
  tcp.th_dport = htons(tuple.destination_port.host);
  tcp.th_off = 5;
  tcp.th_flags = flags;
  append(frame, tcp);
  return frame;
}

Tuple tuple_of(std::span<const std::byte> frame) {
  Tuple tuple;
  std::size_t l4 = kMac;
  if (header_at<ether_header>(frame, 0).ether_type == htons(ETHERTYPE_IP)) {
    const auto ip = header_at<iphdr>(frame, kMac);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &ip.saddr, sizeof(ip.saddr));
    tuple.source = ip_from_v4(bytes);
    std::memcpy(bytes.data(), &ip.daddr, sizeof(ip.daddr));
    tuple.destination = ip_from_v4(bytes);
    l4 += sizeof(ip);
  } else {
    const auto ip = header_at<ip6_hdr>(frame, kMac);
    std::memcpy(tuple.source.bytes.data(), &ip.ip6_src, sizeof(ip.ip6_src));
    std::memcpy(tuple.destination.bytes.data(), &ip.ip6_dst, sizeof(ip.ip6_dst));
    l4 += sizeof(ip);
  }
  const auto tcp = header_at<tcphdr>(frame, l4);
  tuple.source_port = {ntohs(tcp.th_sport)};
  tuple.destination_port = {ntohs(tcp.th_dport)};
  return tuple;
}

std::optional<Tuple> wrapped_tuple_of(std::span<const std::byte> frame) {
  constexpr std::size_t kInner = sizeof(iphdr) + sizeof(tcphdr);
  if (frame.size() != kMac + sizeof(iphdr) + kInner) return std::nullopt;
  const auto outer = header_at<iphdr>(frame, kMac);
  if (outer.protocol != IPPROTO_IPIP || ntohs(outer.tot_len) != sizeof(iphdr) + kInner)
    return std::nullopt;
  Frame inner;
  append_ethernet(inner, true);
  const auto packet = frame.last(kInner);
  inner.insert(inner.end(), packet.begin(), packet.end());
  return tuple_of(inner);
}

}  // namespace fairlead::bench
