// Every odd shape through every program: what is ours is translated and keeps all that is odd about
// it, byte for byte, and what is not a whole packet is left alone.
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "tests/bpf/packets/fixture.hpp"
#include "tests/bpf/packets/odd_shapes.hpp"

namespace fairlead::test {
namespace {

constexpr std::size_t kEthernet = 14;
const std::string kData = "0123456789";

struct Program {
  const char* name;
  bool is_xdp, is_egress, has_mac;
  friend void PrintTo(const Program& program, std::ostream* out) { *out << program.name; }
};
constexpr std::array<Program, 5> kPrograms{{{"fairlead_xdp", true, false, true},
                                            {"fairlead_tc_ingress", false, false, true},
                                            {"fairlead_tc_ingress_l3", false, false, false},
                                            {"fairlead_tc_egress", false, true, true},
                                            {"fairlead_tc_egress_l3", false, true, false}}};

using Case = std::tuple<Program, Family, Protocol>;

class OddTest : public NodeTest, public ::testing::WithParamInterface<Case> {
 protected:
  OddTest()
      : world_(std::get<Family>(GetParam())),
        client_{world_.typed_client, 40000},
        own_{world_.typed_node, 6443} {}
  void SetUp() override {
    NodeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const Protocol protocol = std::get<Protocol>(GetParam());
    const Endpoint backend = program().is_egress ? own_ : Endpoint{world_.remote_pods[0], 8080};
    const Service service{.protocol = protocol,
                          .cluster = {{.endpoint = backend, .local = program().is_egress}}};
    tables().publish(frontend(), protocol, tables().add(service), {});
    open_flow();
  }

  [[nodiscard]] const Program& program() const { return std::get<Program>(GetParam()); }
  [[nodiscard]] bool is_v4() const { return std::get<Family>(GetParam()) == Family::kIpv4; }
  [[nodiscard]] Endpoint frontend() const { return {world_.external_ip, 80}; }

  /// The client's first packet, which is plain: from now on the flow is known, and what its
  /// packets become.
  void open_flow() {
    tables().wipe_flows();
    const Packet first{.from_mac = kRouterMac,
                       .to_mac = kEth0Mac,
                       .from = client_,
                       .to = frontend(),
                       .protocol = std::get<Protocol>(GetParam()),
                       .payload = kData};
    arrived_ = packet_of(node().arrive(bytes_of(first), Ingress::kTc));
    first_ = first;
    if (program().is_egress) {
      before_ = first.with_to(own_).answered(kData).with_macs(kEth0Mac, kRouterMac);
      after_ = before_.with_from(frontend());
    } else {
      before_ = first;
      after_ = arrived_;
    }
  }

  /// From the IP header on where the program has no other.
  [[nodiscard]] Frame cut(Frame frame) const {
    if (!program().has_mac) frame.erase(frame.begin(), frame.begin() + kEthernet);
    return frame;
  }
  [[nodiscard]] Result<Answer> run(const Frame& frame, std::uint32_t segment = 0) const {
    const Programs& programs = node().programs();
    return program().is_xdp ? programs.run_xdp(program().name, frame, kEth0)
                            : programs.run_tc(program().name, frame, kEth0, segment);
  }
  [[nodiscard]] int untouched() const { return program().is_xdp ? XDP_PASS : TC_ACT_UNSPEC; }
  [[nodiscard]] int translated() const {
    if (program().is_xdp) return XDP_TX;
    return program().is_egress ? TC_ACT_UNSPEC : TC_ACT_REDIRECT;
  }

  void expect(const Frame& in, Expected expected, const Frame& out, const std::string& what,
              std::uint32_t segment = 0) {
    const auto answer = run(cut(in), segment);
    if (!answer) {
      // The kernel runs a program of tc on nothing less than a whole IP header.
      EXPECT_LT(cut(in).size(), is_v4() ? 34U : 54U) << what << ": " << answer.error().doing;
      ++refused_;
      return;
    }
    const bool translates = expected == Expected::kTranslated;
    EXPECT_EQ(answer->code, translates ? translated() : untouched()) << what;
    // What is forwarded gets the MAC header that it came without.
    const bool is_whole = translates && !program().is_egress;
    EXPECT_EQ(hex(answer->frame), hex(is_whole ? out : cut(translates ? out : in))) << what;
  }

  World world_;
  Endpoint client_, own_;
  Packet first_, arrived_;  // the flow's first packet, and as its backend gets it
  Packet before_, after_;   // what the program is given, and what it makes of it
  std::size_t refused_ = 0;
};

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  const auto& [program, family, protocol] = info.param;
  return fmt::format("{}_{}_{}", program.name, family == Family::kIpv4 ? "v4" : "v6",
                     fairlead::to_string(protocol));
}
/// Of all cases, those that a test says something about.
std::vector<Case> cases_where(bool (*holds)(const Program&, Protocol)) {
  std::vector<Case> cases;
  for (const Program& program : kPrograms)
    for (const Family family : {Family::kIpv4, Family::kIpv6})
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
        if (holds(program, protocol)) cases.emplace_back(program, family, protocol);
  return cases;
}
INSTANTIATE_TEST_SUITE_P(, OddTest, ::testing::ValuesIn(cases_where([](const Program&, Protocol) {
                           return true;
                         })),
                         name_of);

/// Where a frame begins with the backend's address, that does not read as a type of frames.
class OddErrorTest : public OddTest {};
INSTANTIATE_TEST_SUITE_P(, OddErrorTest,
                         ::testing::ValuesIn(cases_where([](const Program& program, Protocol) {
                           return program.has_mac || program.is_egress;
                         })),
                         name_of);

/// Only skbs of TCP are so large.
class OddAggregateTest : public OddTest {};
INSTANTIATE_TEST_SUITE_P(, OddAggregateTest,
                         ::testing::ValuesIn(cases_where([](const Program& program,
                                                            Protocol protocol) {
                           return !program.is_xdp && protocol == Protocol::kTcp;
                         })),
                         name_of);

TEST_P(OddTest, ShapesAreTranslatedAsTheyAreOrLeftAlone) {
  const auto shapes = odd_shapes_of({.family = std::get<Family>(GetParam()),
                                     .protocol = std::get<Protocol>(GetParam()),
                                     .payload = kData.size(),
                                     .is_forwarded = !program().is_egress,
                                     .has_mac = program().has_mac});
  ASSERT_GE(shapes.size(), 100U);
  for (const OddShape& shape : shapes) {
    open_flow();
    expect(shape.make(bytes_of(before_)), shape.expected, shape.make(bytes_of(after_)), shape.name);
  }
  EXPECT_LE(refused_, 20U);
}

TEST_P(OddErrorTest, ErrorsAreTranslatedWhereverTheyCutThePacketOff) {
  const bool egress = program().is_egress;
  const Frame about = bytes_of(arrived_);
  // Within is what the client sent, with the hops that it had left where it failed.
  const Frame meant = bytes_of(first_.with_hops(arrived_.hops));
  const IcmpError error{.from_mac = egress ? kEth0Mac : kOtherMac,
                        .to_mac = egress ? kRouterMac : kEth0Mac,
                        .from = arrived_.to.ip,
                        .to = arrived_.from.ip,
                        .type = static_cast<std::uint8_t>(is_v4() ? 3 : 1)};
  IcmpError translated = error;
  translated.from = frontend().ip;
  translated.to = client_.ip;
  if (!egress) {
    translated.from_mac = kEth0Mac;
    translated.to_mac = kRouterMac;
    translated.hops = 63;
  }
  const bool is_tcp = std::get<Protocol>(GetParam()) == Protocol::kTcp;
  const std::size_t half_a_checksum = (is_v4() ? 20U : 40U) + (is_tcp ? 17U : 7U);
  for (std::size_t length = 0; length <= about.size() - kEthernet; ++length) {
    IcmpError in = error, out = translated;
    in.quote = quote_of(about, length);
    out.quote = quote_of(meant, length);
    // Half a checksum is left as it is: nobody can use it.
    if (length == half_a_checksum) out.quote.back() = in.quote.back();
    const bool has_ports = length >= (is_v4() ? 24U : 44U);
    expect(bytes_of(in), has_ports ? Expected::kTranslated : Expected::kUntouched, bytes_of(out),
           fmt::format("{} bytes within", length));
  }
}

TEST_P(OddAggregateTest, AggregatesWithoutALengthAreTranslated) {
  const auto without_length = [this](const Packet& packet) {
    Frame frame = bytes_of(packet.with_flags(kAck).with_payload(std::string(3000, 'b')));
    const std::size_t at = kEthernet + (is_v4() ? 2 : 4);
    frame[at] = frame[at + 1] = 0;
    if (!is_v4()) return frame;
    frame[kEthernet + 10] = frame[kEthernet + 11] = 0;
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < 20; i += 2)
      sum += static_cast<std::uint32_t>(frame[kEthernet + i] << 8 | frame[kEthernet + i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    frame[kEthernet + 10] = static_cast<std::uint8_t>(~sum >> 8);
    frame[kEthernet + 11] = static_cast<std::uint8_t>(~sum);
    return frame;
  };
  expect(without_length(before_), Expected::kTranslated, without_length(after_), "an aggregate",
         1000);
  expect(without_length(before_), Expected::kUntouched, {}, "not an aggregate");
}

}  // namespace
}  // namespace fairlead::test
