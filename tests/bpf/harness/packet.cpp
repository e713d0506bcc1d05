// Packet -> libtins' layers -> bytes, and back.
#include "tests/bpf/harness/packet.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <tins/tins.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace fairlead::test {
namespace {

template <class Address>
Address tins_address(const Ip& ip) {
  if constexpr (std::is_same_v<Address, Tins::IPv6Address>)
    return Address(ip.bytes.data());
  else
    return Address(to_string(ip));
}

Ip from_tins(const Tins::IPv4Address& address) {
  const std::uint32_t value = address;  // network byte order in memory
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  return ip_from_v4(bytes);
}

Ip from_tins(const Tins::IPv6Address& address) {
  Ip ip;
  std::copy(address.begin(), address.end(), ip.bytes.begin());
  return ip;
}

std::unique_ptr<Tins::PDU> transport_of(const Packet& packet) {
  std::unique_ptr<Tins::PDU> transport;
  if (packet.protocol == Protocol::kTcp) {
    auto tcp = std::make_unique<Tins::TCP>(packet.to.port, packet.from.port);
    tcp->flags(packet.tcp_flags);
    tcp->seq(packet.seq);
    tcp->ack_seq(packet.ack);
    tcp->window(512);
    transport = std::move(tcp);
  } else {
    transport = std::make_unique<Tins::UDP>(packet.to.port, packet.from.port);
  }
  if (!packet.payload.empty()) transport->inner_pdu(Tins::RawPDU(packet.payload));
  return transport;
}

/// In an own function for its lifetime: libtins owns an inner layer that is given by pointer.
std::unique_ptr<Tins::PDU> network_of(const Packet& packet) {
  std::unique_ptr<Tins::PDU> network;
  if (packet.from.ip.is_v4()) {
    auto ip = std::make_unique<Tins::IP>(tins_address<Tins::IPv4Address>(packet.to.ip),
                                         tins_address<Tins::IPv4Address>(packet.from.ip));
    ip->ttl(packet.hops);
    ip->id(packet.id);
    if (packet.dont_fragment) ip->flags(Tins::IP::DONT_FRAGMENT);
    network = std::move(ip);
  } else {
    auto ip = std::make_unique<Tins::IPv6>(tins_address<Tins::IPv6Address>(packet.to.ip),
                                           tins_address<Tins::IPv6Address>(packet.from.ip));
    ip->hop_limit(packet.hops);
    network = std::move(ip);
  }
  network->inner_pdu(transport_of(packet).release());
  return network;
}

template <class Layer>
bool read_network(const Tins::PDU& frame, Packet& packet) {
  const auto* ip = frame.find_pdu<Layer>();
  if (!ip) return false;
  packet.from.ip = from_tins(ip->src_addr());
  packet.to.ip = from_tins(ip->dst_addr());
  if constexpr (std::is_same_v<Layer, Tins::IP>) {
    packet.hops = ip->ttl();
    packet.id = ip->id();
    packet.dont_fragment = (ip->flags() & Tins::IP::DONT_FRAGMENT) != 0;
  } else {
    packet.hops = ip->hop_limit();
  }
  return true;
}

bool read_transport(const Tins::PDU& frame, Packet& packet) {
  const Tins::PDU* transport = nullptr;
  if (const auto* tcp = frame.find_pdu<Tins::TCP>()) {
    packet.protocol = Protocol::kTcp;
    packet.from.port = tcp->sport();
    packet.to.port = tcp->dport();
    packet.tcp_flags = static_cast<std::uint8_t>(tcp->flags());
    packet.seq = tcp->seq();
    packet.ack = tcp->ack_seq();
    transport = tcp;
  } else if (const auto* udp = frame.find_pdu<Tins::UDP>()) {
    packet.protocol = Protocol::kUdp;
    packet.from.port = udp->sport();
    packet.to.port = udp->dport();
    transport = udp;
  } else {
    return false;
  }
  if (const auto* raw = transport->find_pdu<Tins::RawPDU>())
    packet.payload.assign(raw->payload().begin(), raw->payload().end());
  return true;
}

}  // namespace

Ip operator""_ip(const char* text, std::size_t length) {
  const auto ip = parse_ip({text, length});
  if (!ip) {
    std::fprintf(stderr, "%s\n", ip.error().doing.c_str());
    std::abort();
  }
  return *ip;
}

std::string to_string(const Endpoint& endpoint) {
  return fairlead::to_string(endpoint.ip, Port{endpoint.port});
}

Packet Packet::with_from(Endpoint value) const {
  Packet packet = *this;
  packet.from = value;
  return packet;
}
Packet Packet::with_to(Endpoint value) const {
  Packet packet = *this;
  packet.to = value;
  return packet;
}
Packet Packet::with_flags(std::uint8_t value) const {
  Packet packet = *this;
  packet.tcp_flags = value;
  return packet;
}
Packet Packet::with_hops(std::uint8_t value) const {
  Packet packet = *this;
  packet.hops = value;
  return packet;
}
Packet Packet::with_macs(Mac from_value, Mac to_value) const {
  Packet packet = *this;
  packet.from_mac = from_value;
  packet.to_mac = to_value;
  return packet;
}
Packet Packet::with_payload(std::string value) const {
  Packet packet = *this;
  packet.payload = std::move(value);
  return packet;
}

Packet Packet::answered(std::string data) const {
  Packet reply = *this;
  reply.from = to;
  reply.to = from;
  reply.from_mac = to_mac;
  reply.to_mac = from_mac;
  reply.hops = 64;
  reply.seq = 5000;
  const bool opens = tcp_flags & kSyn;
  reply.ack = seq + static_cast<std::uint32_t>(payload.size()) + (opens || tcp_flags & kFin);
  reply.tcp_flags = opens ? kSyn | kAck : kAck;
  reply.payload = std::move(data);
  return reply;
}

Frame bytes_of(const Packet& packet) {
  Tins::EthernetII ethernet(Tins::HWAddress<6>(packet.to_mac.data()),
                            Tins::HWAddress<6>(packet.from_mac.data()));
  auto network = network_of(packet);
  if (packet.vlan) {
    auto tag = std::make_unique<Tins::Dot1Q>(*packet.vlan, false);
    tag->inner_pdu(network.release());
    ethernet.inner_pdu(tag.release());
  } else {
    ethernet.inner_pdu(network.release());
  }
  Frame frame = ethernet.serialize();
  // libtins fills up to 60 bytes; veths do not.
  const std::size_t begin = packet.vlan ? 18 : 14;
  const std::size_t transport = packet.protocol == Protocol::kTcp ? 20 : 8;
  frame.resize(begin + (packet.from.ip.is_v4() ? 20 : 40) + transport + packet.payload.size());
  return frame;
}

Frame quote_of(const Frame& frame, std::size_t most) {
  const auto begin = frame.begin() + 14;
  const auto length = std::min<std::size_t>(most, frame.size() - 14);
  return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}

// The message itself is written here: libtins puts RFC 4884's length into every longer one.
Frame bytes_of(const IcmpError& error) {
  const auto byte = [](std::uint32_t value, int shift) {
    return static_cast<std::uint8_t>(value >> shift);
  };
  Frame message{
      error.type,         error.code,        0, 0, byte(error.mtu, 24), byte(error.mtu, 16),
      byte(error.mtu, 8), byte(error.mtu, 0)};
  message.insert(message.end(), error.quote.begin(), error.quote.end());
  const bool is_v4 = error.from.is_v4();
  std::uint32_t sum = Tins::Utils::sum_range(message.data(), message.data() + message.size());
  if (!is_v4)
    sum += Tins::Utils::pseudoheader_checksum(tins_address<Tins::IPv6Address>(error.from),
                                              tins_address<Tins::IPv6Address>(error.to),
                                              static_cast<std::uint16_t>(message.size()), 58);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  const auto checksum = static_cast<std::uint16_t>(~sum);  // as it lies in memory
  std::memcpy(message.data() + 2, &checksum, sizeof checksum);

  Tins::EthernetII ethernet(Tins::HWAddress<6>(error.to_mac.data()),
                            Tins::HWAddress<6>(error.from_mac.data()));
  const Tins::RawPDU raw(message.data(), static_cast<std::uint32_t>(message.size()));
  if (is_v4) {
    Tins::IP ip(to_string(error.to), to_string(error.from));
    ip.ttl(error.hops);
    ip.id(0);
    ip.flags(Tins::IP::DONT_FRAGMENT);
    ip.protocol(1);
    ethernet /= ip / raw;
  } else {
    Tins::IPv6 ip(tins_address<Tins::IPv6Address>(error.to),
                  tins_address<Tins::IPv6Address>(error.from));
    ip.hop_limit(error.hops);
    ip.next_header(58);
    ethernet /= ip / raw;
  }
  Frame frame = ethernet.serialize();
  frame.resize(14 + (is_v4 ? 20U : 40U) + message.size());
  return frame;
}

std::optional<Packet> parse_frame(const Frame& frame) {
  try {
    const Tins::EthernetII ethernet(frame.data(), static_cast<std::uint32_t>(frame.size()));
    Packet packet{.tcp_flags = 0, .seq = 0, .dont_fragment = true, .id = 7};
    std::copy_n(frame.begin(), 6, packet.to_mac.begin());
    std::copy_n(frame.begin() + 6, 6, packet.from_mac.begin());
    if (const auto* tag = ethernet.find_pdu<Tins::Dot1Q>()) packet.vlan = tag->id();
    if (!read_network<Tins::IP>(ethernet, packet) && !read_network<Tins::IPv6>(ethernet, packet))
      return std::nullopt;
    if (!read_transport(ethernet, packet)) return std::nullopt;
    return packet;
  } catch (const Tins::exception_base&) {
    return std::nullopt;
  }
}

bool is_well_formed(const Frame& frame, std::string* why) {
  try {
    Tins::EthernetII ethernet(frame.data(), static_cast<std::uint32_t>(frame.size()));
    const auto* udp = ethernet.find_pdu<Tins::UDP>();
    const bool no_checksum = udp && udp->checksum() == 0 && ethernet.find_pdu<Tins::IP>();
    Frame again = ethernet.serialize();
    again.resize(frame.size());
    if (no_checksum) {
      const std::size_t at = 14 + (ethernet.find_pdu<Tins::Dot1Q>() ? 4 : 0) +
                             ethernet.find_pdu<Tins::IP>()->header_size() + 6;
      again[at] = again[at + 1] = 0;
    }
    if (again == frame) return true;
    *why = fmt::format("is        {}\nshould be {}", hex(frame), hex(again));
  } catch (const Tins::exception_base& error) {
    *why = fmt::format("{}: {}", error.what(), hex(frame));
  }
  return false;
}

std::string to_string(const Packet& packet) {
  return fmt::format(
      "{:02x} > {:02x}{} {} {} -> {} hops {} flags {:#x} seq {} ack {} id {} df {} '{}'",
      fmt::join(packet.from_mac, ":"), fmt::join(packet.to_mac, ":"),
      packet.vlan ? fmt::format(" vlan {}", *packet.vlan) : "",
      fairlead::to_string(packet.protocol), to_string(packet.from), to_string(packet.to),
      packet.hops, packet.tcp_flags, packet.seq, packet.ack, packet.id, packet.dont_fragment,
      packet.payload);
}

std::string hex(const Frame& frame) { return fmt::format("{:02x}", fmt::join(frame, " ")); }

}  // namespace fairlead::test
