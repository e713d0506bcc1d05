// SCTP: its CRC32c is right after every change of ports, held against one that is computed over the
// whole packet.
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

constexpr std::size_t kEthernet = 14;

/// RFC 9260 appendix A, bit by bit.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) ? (crc >> 1U) ^ 0x82f63b78U : crc >> 1U;
  }
  return ~crc;
}

/// `packet` as one of SCTP whose own length is 12 and its payload's.
Frame sctp_of(const Packet& packet) {
  const std::size_t ip = packet.from.ip.is_v4() ? 20 : 40;
  const std::size_t l4 = kEthernet + ip;
  Packet udp = packet;
  udp.protocol = Protocol::kUdp;  // has its ports at the same place
  udp.payload = "tagC" + packet.payload;
  Frame frame = bytes_of(udp);
  std::copy_n("TAG!", 4, frame.begin() + static_cast<std::ptrdiff_t>(l4) + 4);
  std::fill_n(frame.begin() + static_cast<std::ptrdiff_t>(l4) + 8, 4, std::uint8_t{0});
  const std::uint32_t crc = crc32c(std::span(frame).subspan(l4));
  for (std::size_t i = 0; i < 4; ++i) frame[l4 + 8 + i] = static_cast<std::uint8_t>(crc >> 8 * i);
  if (!packet.from.ip.is_v4()) {
    frame[kEthernet + 6] = IPPROTO_SCTP;
    return frame;
  }
  frame[kEthernet + 9] = IPPROTO_SCTP;
  frame[kEthernet + 10] = frame[kEthernet + 11] = 0;
  std::uint32_t sum = 0;
  for (std::size_t i = kEthernet; i < l4; i += 2)
    sum += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  frame[kEthernet + 10] = static_cast<std::uint8_t>(~sum >> 8);
  frame[kEthernet + 11] = static_cast<std::uint8_t>(~sum);
  return frame;
}

class SctpTest : public NodeTest,
                 public ::testing::WithParamInterface<std::tuple<Family, Ingress>> {
 protected:
  SctpTest() : world_(std::get<Family>(GetParam())) {}

  void publish(const Endpoint& frontend, const Endpoint& backend, bool local = false) {
    const Service service{.protocol = Protocol::kSctp,
                          .cluster = {{.endpoint = backend, .local = local}}};
    tables().publish(frontend, Protocol::kSctp, tables().add(service), {});
  }
  [[nodiscard]] Packet from_client(std::size_t payload) const {
    std::string data;
    for (std::size_t i = 0; i < payload; ++i) data += static_cast<char>(i * 41 + payload);
    return {.from_mac = kRouterMac,
            .to_mac = kEth0Mac,
            .from = {world_.client, 40000},
            .to = {world_.external_ip, 80},
            .payload = data};
  }
  Outcome arrive(const Frame& frame) { return node().arrive(frame, std::get<Ingress>(GetParam())); }
  /// The port that the node has taken for itself, as the frame left.
  [[nodiscard]] std::uint16_t source_port_of(const Frame& frame) const {
    const std::size_t l4 = kEthernet + (world_.node.is_v4() ? 20 : 40);
    return static_cast<std::uint16_t>(frame[l4] << 8 | frame[l4 + 1]);
  }

  World world_;
};
std::string name_of(const ::testing::TestParamInfo<std::tuple<Family, Ingress>>& way) {
  const auto& [family, ingress] = way.param;
  return std::string(family == Family::kIpv4 ? "v4" : "v6") +
         (ingress == Ingress::kXdp ? "_XDP" : "_tc");
}
INSTANTIATE_TEST_SUITE_P(, SctpTest,
                         ::testing::Combine(::testing::Values(Family::kIpv4, Family::kIpv6),
                                            ::testing::Values(Ingress::kXdp, Ingress::kTc)),
                         name_of);

TEST_P(SctpTest, EveryLengthHasARightChecksumThereAndBack) {
  const Endpoint backend{world_.remote_pods[0], 8080};
  publish({world_.external_ip, 80}, backend);
  const std::size_t most = 1500 - 12 - (world_.node.is_v4() ? 20 : 40);
  for (std::size_t payload = 0; payload <= most; ++payload) {
    const Packet sent = from_client(payload);
    const Outcome there = arrive(sctp_of(sent));
    ASSERT_EQ(there.fate == Fate::kDropped || there.fate == Fate::kPassed, false) << payload;
    const Endpoint source{world_.node, source_port_of(there.frame)};
    ASSERT_NE(source.port, sent.from.port);
    const Packet forwarded =
        sent.with_from(source).with_to(backend).with_hops(63).with_macs(kEth0Mac, kOtherMac);
    ASSERT_EQ(hex(there.frame), hex(sctp_of(forwarded))) << payload;
    Packet reply = forwarded.with_from(backend).with_to(source).with_hops(64);
    reply = reply.with_macs(kOtherMac, kEth0Mac);
    const Packet answered =
        reply.with_from(sent.to).with_to(sent.from).with_hops(63).with_macs(kEth0Mac, kRouterMac);
    ASSERT_EQ(hex(arrive(sctp_of(reply)).frame), hex(sctp_of(answered))) << payload;
  }
}

TEST_P(SctpTest, AnswersOfTheNodeItselfHaveARightChecksum) {
  const Endpoint own{world_.node, 6443};
  publish({world_.external_ip, 80}, own, true);
  const Packet sent = from_client(100);
  const Outcome there = arrive(sctp_of(sent));
  EXPECT_EQ(there.fate, Fate::kPassed);
  EXPECT_EQ(hex(there.frame), hex(sctp_of(sent.with_to(own))));
  for (std::size_t payload = 0; payload < 300; ++payload) {
    const Packet reply = from_client(payload).with_from(own).with_to(sent.from);
    const Outcome back = node().leave(sctp_of(reply), kEth0);
    ASSERT_EQ(hex(back.frame), hex(sctp_of(reply.with_from(sent.to)))) << payload;
  }
}

TEST_P(SctpTest, PaddingAndAWrongChecksumAreKept) {
  const Endpoint backend{world_.remote_pods[0], 8080};
  publish({world_.external_ip, 80}, backend);
  const auto odd = [this](const Packet& packet) {
    Frame frame = sctp_of(packet);
    frame[kEthernet + (world_.node.is_v4() ? 20 : 40) + 9] ^= 0x5a;
    frame.resize(frame.size() + 30, 0xa5);
    return frame;
  };
  const Packet sent = from_client(3);
  const Outcome there = arrive(odd(sent));
  const Packet forwarded = sent.with_from({world_.node, source_port_of(there.frame)})
                               .with_to(backend)
                               .with_hops(63)
                               .with_macs(kEth0Mac, kOtherMac);
  EXPECT_EQ(hex(there.frame), hex(odd(forwarded)));
}

/// IPv6's fragments are the same to what is tested.
class SctpFragmentsTest : public SctpTest {};
INSTANTIATE_TEST_SUITE_P(, SctpFragmentsTest,
                         ::testing::Combine(::testing::Values(Family::kIpv4),
                                            ::testing::Values(Ingress::kXdp, Ingress::kTc)),
                         name_of);

TEST_P(SctpFragmentsTest, ThoseWhoseChecksumNobodyKnowsAreDropped) {
  publish({world_.external_ip, 80}, {world_.remote_pods[0], 8080});
  Frame frame = sctp_of(from_client(100));
  frame[kEthernet + 6] = 0x20;  // the first of several
  expect_dropped(arrive(frame));
  EXPECT_EQ(tables().drops(FL_DROP_MALFORMED), 1U);
}

}  // namespace
}  // namespace fairlead::test
