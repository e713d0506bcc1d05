// Ethernet frames with a TCP segment, made and read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/ip.hpp"

namespace fairlead::bench {

struct Tuple {
  Ip source, destination;
  Port source_port, destination_port;
  bool operator==(const Tuple&) const = default;
};
inline Tuple reversed(const Tuple& tuple) {
  return {tuple.destination, tuple.source, tuple.destination_port, tuple.source_port};
}

/// Bits of the TCP header (RFC 9293 3.1).
enum TcpFlags : std::uint8_t { kSyn = 2, kAck = 16 };

using Frame = std::vector<std::byte>;

/// Without payload. The programs update checksums by what they change and never look at them: they
/// are zero.
Frame tcp_frame(const Tuple& tuple, std::uint8_t flags);
/// Of a frame as tcp_frame() makes them.
Tuple tuple_of(std::span<const std::byte> frame);
/// What is in such an IPv4 frame that was encapsulated, IP in IP (RFC 2003); nothing if it was not.
std::optional<Tuple> wrapped_tuple_of(std::span<const std::byte> frame);

}  // namespace fairlead::bench
