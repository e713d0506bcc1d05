// Packets between pods on the real kernel: which of them the hosts' stacks see. Nodes and pods are
// network namespaces.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <future>

#include "tests/netns/cluster/traffic.hpp"
#include "tests/netns/pods/node.hpp"

namespace fairlead::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};
constexpr Port kPort{8080};

class PodsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
  }

  /// By TCP and UDP, and by ICMP, in both families.
  static void expect_reach(const PodNode& from_node, const std::string& from, const Namespace& pod,
                           const PodNode& to_node, const std::string& to, Servers& servers,
                           const Namespace& other) {
    for (const Family family : kFamilies) {
      const Ip target = to_node.address_of(to, family);
      const Ip source = from_node.address_of(from, family);
      servers.serve(other, to, target, kPort);
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
        EXPECT_EQ(ask(pod, {.protocol = protocol, .to = target, .port = kPort}),
                  (Answer{Outcome::kAnswered, to, to_string(source)}));
      EXPECT_THAT(pod.output_of("ping -c2 -i0.01 -W2 " + to_string(target)),
                  HasSubstr(" 0% packet loss"));
    }
  }
};

class OneNodeTest : public PodsTest {
 protected:
  void SetUp() override {
    PodsTest::SetUp();
    if (IsSkipped()) return;
    node_ = std::make_unique<PodNode>(1);
    a_ = &node_->add_pod("a");
    b_ = &node_->add_pod("b");
  }
  void expect_reach() {
    Servers servers;
    PodsTest::expect_reach(*node_, "a", *a_, *node_, "b", servers, *b_);
  }
  [[nodiscard]] std::string b_in(Family family) const {
    return to_string(node_->address_of("b", family));
  }

  std::unique_ptr<PodNode> node_;
  const Namespace* a_ = nullptr;
  const Namespace* b_ = nullptr;
};

TEST_F(OneNodeTest, PodsReachEachOtherPastTheStack) {
  node_->settle();
  expect_reach();
  EXPECT_EQ(node_->by_stack(), 0U);
  EXPECT_GE(node_->past_stack(), 20U);
  EXPECT_THAT(a_->output_of("ping -c1 -W2 " + b_in(Family::kIpv4)), HasSubstr("ttl=63"));
}

TEST_F(OneNodeTest, ALastHopIsAnsweredByTheNode) {
  node_->settle();
  EXPECT_THAT(a_->output_of("ping -c1 -W2 -t1 " + b_in(Family::kIpv4)),
              HasSubstr("Time to live exceeded"));
  EXPECT_THAT(a_->output_of("ping -c1 -W2 -t1 " + b_in(Family::kIpv6)), HasSubstr("Hop limit"));
}

TEST_F(OneNodeTest, AnotherSourceThanItsOwnGoesThroughTheStack) {
  node_->settle();
  a_->ip("address add 10.244.1.77/32 dev lo");
  const auto before = node_->past_stack();
  EXPECT_THAT(a_->output_of("ping -c1 -W1 -I 10.244.1.77 " + b_in(Family::kIpv4)),
              HasSubstr("100% packet loss"));  // b's answers have no way to it
  EXPECT_GE(node_->by_stack(), 1U);
  EXPECT_EQ(node_->past_stack(), before);
}

TEST_F(OneNodeTest, WhatAShapedPodGetsPassesItsQdiscAndWhatItSendsTheStack) {
  const std::string link = node_->pod("b").host_link;
  node_->space().sh("tc qdisc add dev " + link +
                    " root handle 5: tbf rate 1gbit burst 1mb latency 50ms");
  node_->settle({"b"});
  expect_reach();
  EXPECT_THAT(node_->space().output_of("tc -s qdisc show dev " + link),
              Not(HasSubstr("Sent 0 bytes")));
  EXPECT_GE(node_->past_stack(), 6U);  // towards it
  EXPECT_GE(node_->by_stack(), 6U);    // from it
}

TEST_F(OneNodeTest, WithForwardingByTheStackItSeesAll) {
  node_->space().sh("sysctl -qw net.ipv4.conf.all.accept_local=1");  // else the agent reports it
  node_->start_agent(true);
  node_->settle();
  expect_reach();
  EXPECT_EQ(node_->past_stack(), 0U);
  EXPECT_GE(node_->by_stack(), 20U);
}

TEST_F(OneNodeTest, WhatNobodySaidIsAPodsGoesThroughTheStack) {
  const auto synced = node_->datapath().resync({});
  ASSERT_TRUE(synced);
  expect_reach();
  EXPECT_EQ(node_->past_stack(), 0U);
}

/// A port of the node that nftables leads to the pod, as kube-proxy and CNI's portmap do.
TEST_F(OneNodeTest, AnswersOfWhatConntrackTranslatesPassTheStack) {
  node_->settle();
  Servers servers;
  servers.serve(*b_, "b", node_->address_of("b", Family::kIpv4), kPort);
  node_->space().sh(fmt::format(
      "nft 'add table ip ports; add chain ip ports pre {{ type nat hook prerouting priority "
      "dstnat; }}; add rule ip ports pre ip daddr 198.18.0.1 meta l4proto {{ tcp, udp }} th dport "
      "9090 dnat to {}:8080'",
      b_in(Family::kIpv4)));
  for (int i = 0; i < 3; ++i)
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
      EXPECT_EQ(
          ask(*a_, {.protocol = protocol, .to = parse_ip("198.18.0.1").value(), .port = Port{9090}})
              .server,
          "b");
  EXPECT_EQ(node_->past_stack(), 0U);
  EXPECT_EQ(ask(*a_, {.to = node_->address_of("b", Family::kIpv4), .port = kPort}).server, "b");
  EXPECT_GE(node_->past_stack(), 3U);
}

TEST_F(OneNodeTest, TheNextAgentFindsPodsAsTheyWere) {
  node_->settle();
  node_->start_agent();
  expect_reach();
  node_->settle();
  const auto again = node_->datapath().resync({});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->elements_added + again->elements_removed, 0U);
  expect_reach();
  EXPECT_EQ(node_->by_stack(), 0U);
}

TEST_F(OneNodeTest, APodThatComesLaterIsReachedAsSoonAsItsLinkIsSeen) {
  node_->settle();
  const Namespace& c = node_->add_pod("c");
  node_->tell_pods();
  // As the agent waits for it.
  pollfd wait{node_->datapath().monitor_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&wait, 1, 5000), 1);
  ASSERT_TRUE(node_->datapath().foreign_change());
  Servers servers;
  PodsTest::expect_reach(*node_, "a", *a_, *node_, "c", servers, c);
  EXPECT_EQ(node_->by_stack(), 0U);
  node_->delete_pod("c");
  node_->settle();
  expect_reach();
}

class TwoNodesTest : public PodsTest {
 protected:
  void SetUp() override {
    PodsTest::SetUp();
    if (IsSkipped()) return;
    one_ = std::make_unique<PodNode>(1);
    two_ = std::make_unique<PodNode>(2);
    connect_namespaces(one_->space(), "eth0", two_->space(), "eth0");
    join(*one_, 1, 2);
    join(*two_, 2, 1);
    a_ = &one_->add_pod("a");
    b_ = &two_->add_pod("b");
  }
  /// One answers the other's neighbour requests before pods ask.
  static void join(const PodNode& node, int own, int other) {
    node.space().ip(fmt::format("address add 172.18.0.{}/24 dev eth0", own));
    node.space().ip(fmt::format("address add fd72::{}/64 dev eth0 nodad", own));
    node.space().ip(fmt::format("route add default via 172.18.0.{}", other));
  }
  static void route_plainly(const PodNode& node, int other) {
    node.space().ip(fmt::format("route add 10.244.{0}.0/24 via 172.18.0.{0}", other));
    node.space().ip(fmt::format("route add fd00:244:{0}::/64 via fd72::{0}", other));
  }
  static void route_by_vxlan(const PodNode& node, int own, int other) {
    const std::string mac = "02:00:00:00:01:0";
    const Namespace& space = node.space();
    space.ip(
        fmt::format("link add flvx0 address {}{} mtu 1450 type vxlan id 201 dstport 4789 "
                    "local 172.18.0.{} dev eth0 nolearning",
                    mac, own, own));
    space.ip("link set flvx0 up");
    space.ip(fmt::format("address add 10.244.{}.0/32 dev flvx0", own));
    space.sh(fmt::format("bridge fdb append {}{} dev flvx0 dst 172.18.0.{}", mac, other, other));
    space.ip(
        fmt::format("neigh add 10.244.{1}.0 lladdr {0}{1} dev flvx0 nud permanent", mac, other));
    space.ip(
        fmt::format("neigh add fd00:244:{1}:: lladdr {0}{1} dev flvx0 nud permanent", mac, other));
    space.ip(fmt::format("route add 10.244.{0}.0/24 via 10.244.{0}.0 dev flvx0 onlink", other));
    space.ip(fmt::format("route add fd00:244:{0}::/64 via fd00:244:{0}:: dev flvx0 onlink", other));
  }
  /// Of the device that route_by_vxlan() makes.
  static Tunnel tunnel_of(const PodNode& node, int own, int other) {
    int underlay = 0;
    node.space().run([&] { underlay = static_cast<int>(::if_nametoindex("eth0")); });
    const auto mac = [](int number) {
      return Tunnel::Mac{2, 0, 0, 0, 1, static_cast<std::uint8_t>(number)};
    };
    const auto address = [](int number) {
      return parse_ip(fmt::format("172.18.0.{}", number)).value();
    };
    return {.device = "flvx0",
            .underlay = underlay,
            .local = address(own),
            .vni = 201,
            .port = Port{4789},
            .mac = mac(own),
            .nodes = {{mac(other), address(other)}}};
  }
  /// Packets that the VXLAN device has sent and received.
  static std::uint64_t by_device(const PodNode& node) {
    return std::stoull(node.space().output_of("cat /sys/class/net/flvx0/statistics/rx_packets")) +
           std::stoull(node.space().output_of("cat /sys/class/net/flvx0/statistics/tx_packets"));
  }
  void connect_by_vxlan(bool tunnel_of_one, bool tunnel_of_two) {
    route_by_vxlan(*one_, 1, 2);
    route_by_vxlan(*two_, 2, 1);
    if (tunnel_of_one) one_->set_tunnel(tunnel_of(*one_, 1, 2));
    if (tunnel_of_two) two_->set_tunnel(tunnel_of(*two_, 2, 1));
  }
  /// 32 MiB from a to b, which arrive as they were: most of it in aggregates.
  void expect_stream() {
    const std::string b = to_string(two_->address_of("b", Family::kIpv4));
    const Namespace& receiver = *b_;
    auto sum = std::async(std::launch::async, [&receiver] {
      return receiver.output_of("timeout 60 socat -u TCP4-LISTEN:9000,reuseaddr - | sha256sum");
    });
    const std::string sent = a_->output_of(
        fmt::format("sh -c 'head -c 33554432 /dev/urandom > {0}; "
                    "timeout 60 socat -u FILE:{0} TCP4:{1}:9000,retry=200,interval=0.05; "
                    "sha256sum < {0}; rm {0}'",
                    stream_file_, b));
    EXPECT_EQ(sum.get(), sent);
  }
  void expect_past_both_stacks() {
    one_->settle();
    two_->settle();
    Servers servers;
    expect_reach(*one_, "a", *a_, *two_, "b", servers, *b_);
    EXPECT_EQ(one_->by_stack(), 0U);
    EXPECT_EQ(two_->by_stack(), 0U);
    EXPECT_GE(one_->past_stack(), 20U);
    EXPECT_GE(two_->past_stack(), 20U);
  }

  std::unique_ptr<PodNode> one_, two_;
  const Namespace* a_ = nullptr;
  const Namespace* b_ = nullptr;
  std::string stream_file_ = fmt::format("/tmp/fairlead-pods-stream-{}", ::getpid());
};

TEST_F(TwoNodesTest, ByPlainRoutesBothStacksAreLeftOut) {
  route_plainly(*one_, 2);
  route_plainly(*two_, 1);
  expect_past_both_stacks();
}

TEST_F(TwoNodesTest, ByVxlanBothStacksForwardNothing) {
  route_by_vxlan(*one_, 1, 2);
  route_by_vxlan(*two_, 2, 1);
  expect_past_both_stacks();
}

TEST_F(TwoNodesTest, ThroughTheTunnelItsDeviceHasNothingToDoForIpv4) {
  connect_by_vxlan(true, true);
  one_->settle();
  two_->settle();
  const std::string b = to_string(two_->address_of("b", Family::kIpv4));
  // Who asks for the underlay's neighbours is the device.
  EXPECT_THAT(a_->output_of("ping -c3 -i0.01 -W2 " + b), HasSubstr(" 0% packet loss"));
  const auto before_one = by_device(*one_), before_two = by_device(*two_);
  EXPECT_THAT(a_->output_of("ping -c50 -i0.002 -W2 " + b), HasSubstr(" 0% packet loss"));
  EXPECT_EQ(by_device(*one_), before_one);
  EXPECT_EQ(by_device(*two_), before_two);
  expect_past_both_stacks();
}

TEST_F(TwoNodesTest, AnEndWithoutTheTunnelUnderstandsOneWithIt) {
  connect_by_vxlan(true, false);
  expect_past_both_stacks();
  expect_stream();
}

TEST_F(TwoNodesTest, AnEndWithTheTunnelUnderstandsOneWithoutIt) {
  connect_by_vxlan(false, true);
  expect_past_both_stacks();
  expect_stream();
}

TEST_F(TwoNodesTest, AggregatesPassTheTunnelWhole) {
  connect_by_vxlan(true, true);
  one_->settle();
  two_->settle();
  expect_stream();
}

/// As to an underlay whose devices cut no VXLAN: the kernel does it in software.
TEST_F(TwoNodesTest, AggregatesAreCutForALinkThatTakesNone) {
  connect_by_vxlan(true, true);
  for (const PodNode* node : {one_.get(), two_.get()})
    node->space().sh(
        "ethtool -K eth0 tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off tso off");
  one_->settle();
  two_->settle();
  expect_stream();
}

TEST_F(TwoNodesTest, ARouteThatChangesIsFollowedWithinSeconds) {
  route_plainly(*one_, 2);
  route_plainly(*two_, 1);
  expect_past_both_stacks();
  const std::string b = to_string(two_->address_of("b", Family::kIpv4));
  one_->space().ip("route replace blackhole 10.244.2.0/24");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::string answer;
  do answer = a_->output_of("ping -c1 -W1 " + b);
  while (answer.find(" 0% packet loss") != answer.npos &&
         std::chrono::steady_clock::now() < deadline);
  EXPECT_THAT(answer, HasSubstr("100% packet loss"));
}

/// MTU of a link in the middle: who sends too much is told.
TEST_F(TwoNodesTest, WhatIsTooLargeIsAnsweredByTheNode) {
  route_plainly(*one_, 2);
  route_plainly(*two_, 1);
  one_->space().ip("link set eth0 mtu 1300");
  one_->settle();
  two_->settle();
  const std::string b = to_string(two_->address_of("b", Family::kIpv4));
  EXPECT_THAT(a_->output_of("ping -c1 -W2 -s1350 -M do " + b), HasSubstr("mtu = 1300"));
  EXPECT_THAT(a_->output_of("ping -c1 -W2 -s1200 -M do " + b), HasSubstr(" 0% packet loss"));
}

}  // namespace
}  // namespace fairlead::test
