// A port that nobody has on a ClusterIP: who asked is told so, by the address that was asked.
#include <tins/tins.h>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class RefuseTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    const auto block = tables().add(service_with({{world.remote_pods[0], 8080}}));
    tables().publish({world.cluster_ip, 80}, protocol(), block, {});
    tables().mark(world.cluster_ip, FL_ADDRESS_CLUSTER_IP);
  }

  [[nodiscard]] Packet question(std::string payload = "") const {
    return from_client({world.cluster_ip, 81}).with_payload(std::move(payload));
  }
};

class TcpRefuseTest : public RefuseTest {
 protected:
  /// A reset without data, as RFC 9293 3.5.2 has it.
  [[nodiscard]] static Packet reset_of(const Packet& sent) {
    Packet reset = sent.answered();
    const bool has_ack = sent.tcp_flags & kAck;
    const bool counts = sent.tcp_flags & (kSyn | kFin);
    reset.tcp_flags = has_ack ? kRst : kRst | kAck;
    reset.seq = has_ack ? sent.ack : 0;
    reset.ack = has_ack ? 0 : sent.seq + static_cast<std::uint32_t>(sent.payload.size()) + counts;
    reset.id = 0;
    return reset;
  }

  void expect_reset(const Packet& sent) {
    const Outcome outcome = arrive(sent);
    EXPECT_NE(outcome.fate, Fate::kDropped);
    const auto packet = parse_frame(outcome.frame);
    ASSERT_TRUE(packet) << hex(outcome.frame);
    Frame wanted = bytes_of(reset_of(sent));
    // Not what packets of ours have: the window of a reset is 0.
    Tins::EthernetII ethernet(wanted.data(), static_cast<std::uint32_t>(wanted.size()));
    ethernet.rfind_pdu<Tins::TCP>().window(0);
    Frame bytes = ethernet.serialize();
    bytes.resize(wanted.size());
    EXPECT_EQ(hex(outcome.frame), hex(bytes)) << to_string(*packet);
  }
};
FAIRLEAD_PATHS_OF(TcpRefuseTest, Protocol::kTcp);

TEST_P(TcpRefuseTest, SynIsAnsweredByAResetThatAcknowledgesIt) { expect_reset(question()); }

TEST_P(TcpRefuseTest, DataOfAnUnknownConnectionIsAnsweredByAResetAtItsAcknowledgement) {
  Packet sent = question("some data of a connection").with_flags(kAck | kPsh);
  sent.ack = 77777;
  expect_reset(sent);
}

TEST_P(TcpRefuseTest, DataWithoutAcknowledgementIsAcknowledged) {
  expect_reset(question("12345").with_flags(kPsh));
  expect_reset(question("123456").with_flags(kFin));
}

TEST_P(TcpRefuseTest, ResetIsNeverAnswered) {
  expect_dropped(arrive(question().with_flags(kRst)));
  expect_dropped(arrive(question().with_flags(kRst | kAck)));
}

TEST_P(TcpRefuseTest, RefusalsAreCounted) {
  expect_reset(question());
  EXPECT_EQ(tables().counter(FL_COUNT_REJECTED), 1U);
}

TEST_P(TcpRefuseTest, ExplainAnswersNothing) {
  const std::string before = tables().snapshot();
  node().explain(bytes_of(question()), kEth0);
  EXPECT_EQ(tables().snapshot(), before);
}

class UdpRefuseTest : public RefuseTest {
 protected:
  /// ICMP port unreachable with as much of `sent` as there may be, in steps of four bytes.
  [[nodiscard]] Frame unreachable_of(const Packet& sent) const {
    const Frame frame = bytes_of(sent);
    const std::size_t most = is_v6() ? 1280 - 48 : 576 - 28;
    return bytes_of(IcmpError{
        .from_mac = sent.to_mac,
        .to_mac = sent.from_mac,
        .from = sent.to.ip,
        .to = sent.from.ip,
        .type = static_cast<std::uint8_t>(is_v6() ? 1 : 3),
        .code = static_cast<std::uint8_t>(is_v6() ? 4 : 3),
        .quote = quote_of(frame, std::min(frame.size() - 14, most) / 4 * 4),
    });
  }

  void expect_unreachable(const Packet& sent) {
    const Outcome outcome = arrive(sent);
    EXPECT_NE(outcome.fate, Fate::kDropped);
    EXPECT_EQ(hex(outcome.frame), hex(unreachable_of(sent))) << sent.payload.size() << " bytes";
  }
};
FAIRLEAD_PATHS_OF(UdpRefuseTest, Protocol::kUdp);

TEST_P(UdpRefuseTest, DatagramIsAnsweredByPortUnreachableThatQuotesIt) {
  expect_unreachable(question("what is the time?!!?"));
}

TEST_P(UdpRefuseTest, EveryLengthIsQuotedUpToTheLimit) {
  std::string text;
  for (int length = 0; length < 1400; length += 13) {
    expect_unreachable(question(text));
    text += "thirteen char";
  }
}

TEST_P(UdpRefuseTest, EmptyDatagramIsAnswered) { expect_unreachable(question("")); }

TEST_P(UdpRefuseTest, PaddingOfTheFrameIsNotQuoted) {
  const Packet sent = question("abcd");
  Frame padded = bytes_of(sent);
  padded.resize(padded.size() + 14, 0xee);
  const Outcome outcome = node().arrive(padded, GetParam().ingress);
  EXPECT_EQ(hex(outcome.frame), hex(unreachable_of(sent)));
}

TEST_P(UdpRefuseTest, WhoIsNoHostIsNotAnswered) {
  Packet sent = question("?");
  for (const Ip& source : is_v6() ? std::vector<Ip>{"::"_ip, "ff02::1"_ip}
                                  : std::vector<Ip>{"0.0.0.0"_ip, "127.0.0.1"_ip, "224.0.0.1"_ip,
                                                    "255.255.255.255"_ip}) {
    sent.from.ip = source;
    expect_dropped(arrive(sent));
  }
}

TEST_P(UdpRefuseTest, AFloodIsAnsweredOnlyInPart) {
  const Frame frame = bytes_of(question("?"));
  int dropped = 0;
  // However slow this machine is: at some time a thousand packets fit into a second.
  for (int i = 0; i < 1'000'000 && dropped == 0; ++i)
    dropped += node().arrive(frame, GetParam().ingress).fate == Fate::kDropped;
  EXPECT_EQ(dropped, 1);
}

}  // namespace
}  // namespace fairlead::test
