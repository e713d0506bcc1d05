// frame -> IPv4 or IPv6 header -> UDP or TCP header -> payload, with both checksums looked at.
#include <algorithm>

#include "bench/pktgen/frame.hpp"

namespace fairlead::bench::pktgen {
namespace {

struct Network {
  Bytes source, destination, inner;  // `inner`: from the transport header to the end
  std::uint8_t protocol = 0;
  bool checksum_is_right = true;
};

std::optional<Network> parse_ipv4(Bytes packet) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) return std::nullopt;
  const std::size_t header = (packet[0] & 0xfU) * 4, total = get16(packet.data() + 2);
  const bool is_fragment = (get16(packet.data() + 6) & 0x3fff) != 0;
  if (header < 20 || total < header || total > packet.size() || is_fragment) return std::nullopt;
  return Network{packet.subspan(12, 4), packet.subspan(16, 4),
                 packet.subspan(header, total - header), packet[9],
                 checksum(sum(packet.first(header))) == 0};
}

// Without extension headers: none of ours has any.
std::optional<Network> parse_ipv6(Bytes packet) {
  if (packet.size() < 40 || packet[0] >> 4 != 6) return std::nullopt;
  const std::size_t bytes = get16(packet.data() + 4);
  if (40 + bytes > packet.size()) return std::nullopt;
  return Network{packet.subspan(8, 16), packet.subspan(24, 16), packet.subspan(40, bytes),
                 packet[6]};
}

std::optional<std::size_t> transport_header(const Network& network) {
  const Bytes inner = network.inner;
  if (network.protocol == static_cast<std::uint8_t>(Protocol::kUdp))
    return inner.size() >= 8 && get16(inner.data() + 4) == inner.size()
               ? std::optional<std::size_t>(8)
               : std::nullopt;
  if (network.protocol != static_cast<std::uint8_t>(Protocol::kTcp) || inner.size() < 20)
    return std::nullopt;
  const std::size_t header = (inner[12] >> 4) * 4U;
  return header >= 20 && header <= inner.size() ? std::optional(header) : std::nullopt;
}

}  // namespace

std::optional<Packet> parse_packet(Bytes frame) {
  if (frame.size() < kEthernetBytes) return std::nullopt;
  const std::uint16_t type = get16(frame.data() + 12);
  const Bytes packet = frame.subspan(kEthernetBytes);
  const auto network = type == kEthernetIpv4   ? parse_ipv4(packet)
                       : type == kEthernetIpv6 ? parse_ipv6(packet)
                                               : std::nullopt;
  if (!network) return std::nullopt;
  const auto header = transport_header(*network);
  if (!header) return std::nullopt;
  const std::uint64_t all = pseudo_header_sum(network->source, network->destination,
                                              network->protocol, network->inner.size());
  return Packet{network->inner.subspan(*header), network->checksum_is_right,
                checksum(sum(network->inner, all)) == 0};
}

}  // namespace fairlead::bench::pktgen
