// Whatever arrives: every program answers by a verdict that exists, makes no packet longer than an
// ICMP error is, and sends nothing to a backend that was not sent to a frontend.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <set>

#include "tests/bpf/fuzz/corpus.hpp"
#include "tests/bpf/harness/node.hpp"

namespace fairlead::test {
namespace {

constexpr std::uint64_t kDefaultPackets = 200'000;  // a program
constexpr std::uint64_t kSeed = 20240607;
constexpr std::size_t kEthernet = 14;
constexpr std::size_t kMostGrowth = 48;  // an IPv6 header and an ICMPv6 header

struct Program {
  const char* name;
  bool is_xdp;
  bool has_mac;  // else its frames begin with the IP header
  bool is_dry;   // writes no packet
  std::set<int> verdicts;
};
const std::vector<Program>& programs() {
  static const std::set<int> kOfTc{TC_ACT_UNSPEC, TC_ACT_SHOT, TC_ACT_REDIRECT};
  static const std::vector<Program> kPrograms{
      {"fairlead_xdp", true, true, false, {XDP_PASS, XDP_DROP, XDP_TX}},
      {"fairlead_tc_ingress", false, true, false, kOfTc},
      {"fairlead_tc_egress", false, true, false, kOfTc},
      {"fairlead_tc_ingress_l3", false, false, false, kOfTc},
      {"fairlead_tc_egress_l3", false, false, false, kOfTc},
      {"fairlead_explain", false, true, true, {TC_ACT_UNSPEC, TC_ACT_SHOT}},
  };
  return kPrograms;
}

std::uint64_t packets_wanted() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
  const char* text = std::getenv("FAIRLEAD_FUZZ_PACKETS");
  return text ? std::strtoull(text, nullptr, 10) : kDefaultPackets;
}

/// The destination of an IP packet that begins at `ip`, however wrong the rest is. `type`: as the
/// frame had it when it came.
std::optional<Ip> destination_of(const Frame& frame, std::size_t ip, unsigned type) {
  if (frame.size() < ip + 20) return std::nullopt;
  if (type == 0x0800 && frame[ip] >> 4 == 4)
    return ip_from_v4({frame[ip + 16], frame[ip + 17], frame[ip + 18], frame[ip + 19]});
  if (frame.size() < ip + 40 || type != 0x86dd || frame[ip] >> 4 != 6) return std::nullopt;
  Ip found;
  std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(ip) + 24, 16, found.bytes.begin());
  return found;
}

class FuzzTest : public ::testing::TestWithParam<Program> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
    make_network();
    node_ = std::make_unique<Node>(Sizes{.flow4_buckets = 4096, .flow6_buckets = 4096});
    ASSERT_TRUE(node_->is_loaded());
    node_->reset();
    for (const Family family : {Family::kIpv4, Family::kIpv6})
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
        publish(World(family), protocol);
  }

  /// A LoadBalancer's address, a ClusterIP and a NodePort, with backends here and there; and one
  /// flow, whose packets are what is mutated.
  void publish(const World& world, Protocol protocol) {
    Service service{.id = 1U + static_cast<unsigned>(protocol), .protocol = protocol};
    for (const Ip& pod : world.remote_pods) service.cluster.push_back({.endpoint = {pod, 8080}});
    service.local.push_back({.endpoint = {world.local_pod, 8080}, .local = true});
    service.cluster.push_back(service.local[0]);
    service.has_maglev = true;
    Tables& tables = node_->tables();
    const auto block = tables.add(service);
    tables.publish({world.external_ip, 80}, protocol, block, {}, FL_FRONTEND_EXTERNAL);
    tables.publish({world.external_ip, 81}, protocol, block, all_scopes(FL_VERDICT_LOCAL));
    tables.publish({world.cluster_ip, 80}, protocol, block, {});
    tables.publish({any_address(world.node.family()), 30080}, protocol, block, {});
    tables.mark(world.cluster_ip, FL_ADDRESS_CLUSTER_IP);
    for (const Ip& ip : {world.external_ip, world.cluster_ip, world.node}) frontends_.insert(ip);
    for (const Ip& ip : world.remote_pods) backends_.insert(ip);
    backends_.insert(world.local_pod);

    const Endpoint own{world.typed_node, 6443};
    const auto own_block = tables.add({.id = 100U + static_cast<unsigned>(protocol),
                                       .protocol = protocol,
                                       .cluster = {{.endpoint = own, .local = true}}});
    tables.publish({world.external_ip, 82}, protocol, own_block, {});

    const Packet first{.from_mac = kRouterMac,
                       .to_mac = kEth0Mac,
                       .from = {world.typed_client, 40000},
                       .to = {world.external_ip, 80},
                       .protocol = protocol,
                       .payload = "some data"};
    const auto forwarded = parse_frame(node_->arrive(bytes_of(first), Ingress::kTc).frame);
    ASSERT_TRUE(forwarded);
    for (Shape& shape : odd_shapes(first, *forwarded)) shapes_.push_back(std::move(shape));
    for (const Endpoint& to : {Endpoint{world.cluster_ip, 80}, Endpoint{world.cluster_ip, 99},
                               Endpoint{world.external_ip, 81}, Endpoint{world.node, 30080},
                               Endpoint{world.remote_pods[0], 8080}, forwarded->to})
      seeds_.push_back(bytes_of(first.with_to(to)));
    seeds_.push_back(bytes_of(first));
    const Packet to_own = first.with_to({world.external_ip, 82});
    node_->arrive(bytes_of(to_own), Ingress::kTc);
    seeds_.push_back(
        bytes_of(to_own.with_to(own).answered("answer").with_macs(kEth0Mac, kRouterMac)));
    seeds_.push_back(bytes_of(forwarded->answered("answer")));
    seeds_.push_back(
        bytes_of(IcmpError{.from_mac = kOtherMac,
                           .to_mac = kEth0Mac,
                           .from = forwarded->to.ip,
                           .to = forwarded->from.ip,
                           .type = static_cast<std::uint8_t>(world.node.is_v4() ? 3 : 1),
                           .quote = quote_of(bytes_of(*forwarded))}));
  }

  /// One packet through the program, and what must hold of the answer.
  void expect_harmless(Frame frame, const std::string& what) {
    const Program& program = GetParam();
    if (!program.has_mac) frame.erase(frame.begin(), frame.begin() + kEthernet);
    const std::size_t ip = program.has_mac ? kEthernet : 0;
    const auto answer = program.is_xdp ? node_->programs().run_xdp(program.name, frame, kEth0)
                                       : node_->programs().run_tc(program.name, frame, kEth0);
    if (!answer) {
      ++refused_;  // by the kernel: tc is tried only with a whole IP header where the type says IP
      ASSERT_LT(frame.size(), program.is_xdp ? 14U : 54U)
          << answer.error().doing << ": " << hex(frame);
      return;
    }
    ASSERT_TRUE(program.verdicts.contains(answer->code))
        << what << ": answered " << answer->code << "\n"
        << hex(frame);
    ASSERT_LE(answer->frame.size(), std::max<std::size_t>(frame.size() + kMostGrowth, 74))
        << what << "\n"
        << hex(frame);
    const bool drops = program.is_xdp ? answer->code == XDP_DROP : answer->code == TC_ACT_SHOT;
    if (drops) {
      ++dropped_;
      return;
    }
    if (answer->frame == frame) return;
    ++rewritten_;
    const unsigned type = static_cast<unsigned>(frame[12] << 8 | frame[13]);
    // What is forwarded gets the MAC header that it came without; no version of IP begins like one.
    const std::size_t after = program.has_mac || answer->frame[0] >> 4 == 0 ? kEthernet : 0;
    const auto to = destination_of(answer->frame, after, type);
    if (!to || !backends_.contains(*to)) return;
    ++to_backends_;
    const auto before = destination_of(frame, ip, type);
    ASSERT_TRUE(before && frontends_.contains(*before))
        << what << " reached " << to_string(*to) << "\n"
        << hex(frame) << "\n"
        << hex(answer->frame);
  }

  void print(const char* what, std::uint64_t packets, double seconds) const {
    fmt::print(
        "{} {}: {} packets in {:.1f} s: {} rewritten, {} of them to backends; {} dropped, {} "
        "refused by the kernel\n",
        GetParam().name, what, packets, seconds, rewritten_, to_backends_, dropped_, refused_);
  }

  std::unique_ptr<Node> node_;
  std::set<Ip> frontends_, backends_;
  std::vector<Shape> shapes_;
  std::vector<Frame> seeds_;
  std::uint64_t rewritten_ = 0, to_backends_ = 0, dropped_ = 0, refused_ = 0;
};

/// Packets that are random, cut, or changed in a few places.
class Mutator {
 public:
  explicit Mutator(const std::vector<Frame>& seeds) : seeds_(seeds) {}

  const Frame& next() {
    switch (below(8)) {
      case 0:
        random_bytes();
        break;
      case 1:
        random_ip();
        break;
      default:
        frame_ = seeds_[below(seeds_.size())];
        change();
    }
    return frame_;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(random_()); }

  void random_bytes() {
    frame_.resize(14 + below(120));
    std::ranges::generate(frame_, [&] { return byte(); });
  }
  /// Random behind a header that programs look at.
  void random_ip() {
    frame_ = seeds_[below(seeds_.size())];
    const std::size_t keep = 14 + below(60);
    for (std::size_t i = keep; i < frame_.size(); ++i) frame_[i] = byte();
  }
  void change() {
    for (std::size_t changes = below(6); changes > 0; --changes) {
      static constexpr std::array<std::uint8_t, 10> kEdges{0,    1,    5,    0x40, 0x45,
                                                           0x60, 0x7f, 0x80, 0xfe, 0xff};
      std::uint8_t& at = frame_[14 + below(frame_.size() - 14)];
      at = below(2) ? byte() : kEdges[below(kEdges.size())];
    }
    switch (below(8)) {
      case 0:
        frame_.resize(14 + below(frame_.size() - 14));
        break;
      case 1:
        frame_.resize(frame_.size() + below(200), byte());
        break;
      case 2: {  // another client: a new flow
        const bool v4 = frame_[12] == 8;
        frame_[v4 ? 29 : 37] = byte();
        if (frame_.size() > 56) frame_[v4 ? 35 : 55] = byte();
        break;
      }
      default:
        break;
    }
  }

  const std::vector<Frame>& seeds_;
  Frame frame_;
  std::mt19937_64 random_{kSeed};
};

TEST_P(FuzzTest, OddShapesDoNoHarm) {
  ASSERT_GE(shapes_.size(), 500U);
  for (const Shape& shape : shapes_)
    ASSERT_NO_FATAL_FAILURE(expect_harmless(shape.frame, shape.name));
  print("odd shapes", shapes_.size(), 0);
}

TEST_P(FuzzTest, RandomCutAndMutatedPacketsDoNoHarm) {
  for (const Shape& shape : shapes_)
    if (shape.frame.size() >= 34) seeds_.push_back(shape.frame);
  const std::uint64_t packets = packets_wanted();
  fmt::print("seed {}\n", kSeed);
  Mutator mutator(seeds_);
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < packets; ++i)
    ASSERT_NO_FATAL_FAILURE(expect_harmless(mutator.next(), fmt::format("packet {}", i)));
  print("mutated", packets,
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (GetParam().is_dry)
    EXPECT_EQ(rewritten_, 0U);
  else
    EXPECT_GT(rewritten_, 0U) << "nothing was translated: the test tests nothing";
}

INSTANTIATE_TEST_SUITE_P(, FuzzTest, ::testing::ValuesIn(programs()),
                         [](const auto& i) { return std::string(i.param.name); });

}  // namespace
}  // namespace fairlead::test
