// Flows -> a template of headers and filler, and its sums; for each packet the template is copied
// and source, stamp and checksums are put in.
#include "bench/pktgen/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace fairlead::bench::pktgen {
namespace {

constexpr std::size_t kUdpBytes = 8, kTcpBytes = 20;
constexpr std::uint8_t kTtl = 64;

std::size_t ip_bytes(bool is_v4) { return is_v4 ? 20 : 40; }
std::size_t transport_bytes(Shape shape) { return shape == Shape::kUdp ? kUdpBytes : kTcpBytes; }
std::uint8_t protocol(Shape shape) {
  return static_cast<std::uint8_t>(shape == Shape::kUdp ? Protocol::kUdp : Protocol::kTcp);
}

/// The bytes that stand in the header: 4 or 16.
Bytes wire(const Ip& ip) {
  const Bytes all(ip.bytes);
  return ip.is_v4() ? all.subspan(12) : all;
}

Ip plus(Ip ip, std::uint32_t number) {
  put32(ip.bytes.data() + 12, get32(ip.bytes.data() + 12) + number);
  return ip;
}

void write_ipv4(const Flows& flows, std::size_t bytes, std::uint8_t* at) {
  at[0] = 0x45;
  put16(at + 2, static_cast<std::uint16_t>(bytes));
  put16(at + 6, 0x4000);  // DF
  at[8] = kTtl;
  at[9] = protocol(flows.shape);
  std::ranges::copy(wire(flows.destination), at + 16);
}

void write_ipv6(const Flows& flows, std::size_t bytes, std::uint8_t* at) {
  at[0] = 0x60;
  put16(at + 4, static_cast<std::uint16_t>(bytes - 40));
  at[6] = protocol(flows.shape);
  at[7] = kTtl;
  std::ranges::copy(wire(flows.destination), at + 24);
}

void write_transport(const Flows& flows, std::size_t bytes, std::uint8_t* at) {
  put16(at + 2, flows.destination_port.host);
  if (flows.shape == Shape::kUdp) {
    put16(at + 4, static_cast<std::uint16_t>(bytes));
    return;
  }
  // Always the same sequence number: a retransmission is within every window.
  put32(at + 4, 1);
  const bool is_data = flows.shape == Shape::kTcpData;
  put32(at + 8, is_data ? 1 : 0);
  at[12] = 5 << 4;
  at[13] = is_data ? 0x18 : 0x02;  // ACK and PSH, or SYN
  put16(at + 14, 0xffff);
}

}  // namespace

Result<Mac> parse_mac(std::string_view text) {
  std::array<unsigned, 6> parts{};
  char rest = 0;
  const std::string copy(text);
  const int read = std::sscanf(copy.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &parts[0], &parts[1],
                               &parts[2], &parts[3], &parts[4], &parts[5], &rest);
  if (read != 6 || text.size() != 17) return invalid(fmt::format("'{}' is no MAC address", text));
  Mac mac;
  std::ranges::transform(parts, mac.bytes.begin(),
                         [](unsigned part) { return static_cast<std::uint8_t>(part); });
  return mac;
}

std::string to_string(const Mac& mac) { return fmt::format("{:02x}", fmt::join(mac.bytes, ":")); }

Result<Shape> parse_shape(std::string_view text) {
  if (text == "udp") return Shape::kUdp;
  if (text == "tcp-syn") return Shape::kTcpSyn;
  if (text == "tcp-data") return Shape::kTcpData;
  return invalid(fmt::format("shape '{}': udp, tcp-syn or tcp-data", text));
}

Result<> check(const Flows& flows) {
  if (flows.source.family() != flows.destination.family())
    return invalid(fmt::format("source {} and destination {} are of different families",
                               to_string(flows.source), to_string(flows.destination)));
  if (flows.count == 0) return invalid("flows: at least 1");
  if (flows.first_port.host == 0 || flows.ports == 0 ||
      flows.first_port.host + flows.ports - 1 > 65535)
    return invalid("source ports: not within 1 to 65535");
  const std::uint64_t last =
      get32(flows.source.bytes.data() + 12) + std::uint64_t{(flows.count - 1) / flows.ports};
  if (last > 0xffffffff) return invalid("flows: more than there are addresses behind the source");
  return {};
}

std::size_t smallest_frame(Shape shape, Family family) {
  const std::size_t bytes = kEthernetBytes + ip_bytes(family == Family::kIpv4) +
                            transport_bytes(shape) + kStampBytes + kFcsBytes;
  return std::max<std::size_t>(bytes, 64);
}

FrameWriter::FrameWriter(const Flows& flows, std::uint16_t run, std::size_t frame_bytes)
    : flows_(flows),
      run_(run),
      is_v4_(flows.source.is_v4()),
      is_udp_(flows.shape == Shape::kUdp),
      transport_(kEthernetBytes + ip_bytes(is_v4_)),
      payload_(transport_ + transport_bytes(flows.shape)),
      template_(frame_bytes - kFcsBytes) {
  std::uint8_t* frame = template_.data();
  std::ranges::copy(flows.destination_mac.bytes, frame);
  std::ranges::copy(flows.source_mac.bytes, frame + 6);
  put16(frame + 12, is_v4_ ? kEthernetIpv4 : kEthernetIpv6);
  (is_v4_ ? write_ipv4 : write_ipv6)(flows, size() - kEthernetBytes, frame + kEthernetBytes);
  const std::size_t bytes = size() - transport_;
  write_transport(flows, bytes, frame + transport_);
  fill(run, std::span(template_).subspan(payload_));
  const Bytes all(template_);
  ip_sum_ = sum(all.subspan(kEthernetBytes, transport_ - kEthernetBytes));
  transport_sum_ = sum(all.subspan(transport_)) +
                   pseudo_header_sum({}, wire(flows.destination), protocol(flows.shape), bytes);
}

void FrameWriter::write(std::uint32_t flow, std::uint32_t sequence, std::uint64_t time_ns,
                        std::uint8_t* frame) const {
  std::ranges::copy(template_, frame);
  const Ip source = plus(flows_.source, flow / flows_.ports);
  const Bytes address = wire(source);
  std::ranges::copy(address, frame + kEthernetBytes + (is_v4_ ? 12 : 8));
  const auto port = static_cast<std::uint16_t>(flows_.first_port.host + flow % flows_.ports);
  put16(frame + transport_, port);
  pktgen::write({run_, flow, sequence, time_ns}, frame + payload_);

  const std::uint64_t address_sum = sum(address);
  if (is_v4_) put16(frame + kEthernetBytes + 10, checksum(ip_sum_ + address_sum));
  std::uint16_t value =
      checksum(transport_sum_ + address_sum + port + sum({frame + payload_, kStampBytes}));
  if (is_udp_ && value == 0) value = 0xffff;  // RFC 768: 0 says that there is none
  put16(frame + transport_ + (is_udp_ ? 6 : 16), value);
}

}  // namespace fairlead::bench::pktgen
