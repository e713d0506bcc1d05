// Ethernet frames: what is sent, and what is seen in one that arrived.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/pktgen/stamp.hpp"
#include "model/ip.hpp"

namespace fairlead::bench::pktgen {

struct Mac {
  std::array<std::uint8_t, 6> bytes{};
  bool operator==(const Mac&) const = default;
};
/// "02:00:00:00:00:01".
Result<Mac> parse_mac(std::string_view text);
std::string to_string(const Mac& mac);

inline constexpr std::size_t kEthernetBytes = 14;
/// Frame sizes count the FCS, as RFC 2544 does; the bytes here do not have it.
inline constexpr std::size_t kFcsBytes = 4;
inline constexpr std::uint16_t kEthernetIpv4 = 0x0800, kEthernetArp = 0x0806,
                               kEthernetIpv6 = 0x86dd;

enum class Shape : std::uint8_t {
  kUdp,
  kTcpSyn,  // the first packet of a connection, with data
  kTcpData  // as of an established one: ACK and PSH
};
/// "udp", "tcp-syn", "tcp-data".
Result<Shape> parse_shape(std::string_view text);

/// Who talks to whom. Flow i has source port `first_port + i % ports` and the source address that
/// is i / ports behind `source`.
struct Flows {
  Shape shape = Shape::kUdp;
  Mac source_mac, destination_mac;
  Ip source, destination;  // of one family
  Port first_port{1024}, destination_port;
  std::uint32_t ports = 64512;
  std::uint32_t count = 1;
};
/// Errors: families differ; ports or addresses that do not exist. All addresses of IPv4 or, of
/// IPv6, the last 32 bits are counted up.
Result<> check(const Flows& flows);

/// The smallest frame that has room for a stamp, FCS included: 64 for UDP over IPv4.
std::size_t smallest_frame(Shape shape, Family family);

/// Makes frames of one size. What all have in common is made, and summed up, once.
class FrameWriter {
 public:
  /// `frame_bytes` with FCS, at least smallest_frame(); `flows` as check() accepts them.
  FrameWriter(const Flows& flows, std::uint16_t run, std::size_t frame_bytes);
  /// Without FCS.
  [[nodiscard]] std::size_t size() const { return template_.size(); }
  /// `frame` has size() bytes.
  void write(std::uint32_t flow, std::uint32_t sequence, std::uint64_t time_ns,
             std::uint8_t* frame) const;

 private:
  Flows flows_;
  std::uint16_t run_;
  bool is_v4_, is_udp_;
  std::size_t transport_, payload_;  // offsets
  std::vector<std::uint8_t> template_;
  std::uint64_t ip_sum_ = 0, transport_sum_ = 0;  // without source address and port, and stamp
};

/// A TCP or UDP packet, whole and unfragmented. Views into the frame.
struct Packet {
  Bytes payload;
  bool ip_checksum_is_right = false;  // IPv6 has none: true
  bool transport_checksum_is_right = false;
};
/// None where it is something else, or shorter than its headers say.
std::optional<Packet> parse_packet(Bytes frame);

}  // namespace fairlead::bench::pktgen
