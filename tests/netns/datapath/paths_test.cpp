// From every kind of client by every kind of frontend: who answered, and which source did it see?
#include <gmock/gmock.h>

#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

using testing::Eq;

struct Case {
  DatapathKind datapath;
  Family family;
  Protocol protocol;
};

class Paths : public ClusterTest, public testing::WithParamInterface<Case> {
 protected:
  Paths() : ClusterTest(GetParam().datapath) {}
  [[nodiscard]] Family family() const { return GetParam().family; }
  [[nodiscard]] Addresses at() const { return addresses_of(family()); }
  [[nodiscard]] ServicePlan web(std::vector<Frontend> frontends, std::vector<Backend> cluster,
                                std::vector<Backend> local = {}) const {
    return service("web", GetParam().protocol, family(), std::move(frontends), std::move(cluster),
                   std::move(local));
  }
  [[nodiscard]] Answer from(const Namespace& client, const Ip& to, std::uint16_t port,
                            int milliseconds = 2000) const {
    return ask(client, {.protocol = GetParam().protocol,
                        .to = to,
                        .port = {port},
                        .from = std::nullopt,
                        .from_port = 0,
                        .patience = std::chrono::milliseconds(milliseconds)});
  }
  [[nodiscard]] static Answer seen(const std::string& server, const Ip& source) {
    return {Outcome::kAnswered, server, to_string(source)};
  }
  inline static const Answer kRefusedAnswer{Outcome::kRefused, "", ""};
  inline static const Answer kSilenceAnswer{Outcome::kSilence, "", ""};
  static constexpr int kShort = 300;  // where silence is expected
};

TEST_P(Paths, PodReachesClusterIpWithItsOwnAddress) {
  resync(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {backend("pod2", family())})}));
  EXPECT_EQ(from(world->pod1, at().service, 80), seen("pod2", at().pod1));
}

TEST_P(Paths, PodReachesARemotePodWithItsOwnAddress) {
  resync(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {backend("far", family())})}));
  EXPECT_EQ(from(world->pod1, at().service, 80), seen("far", at().pod1));
}

TEST_P(Paths, NodeReachesClusterIp) {
  resync(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {backend("pod2", family())})}));
  EXPECT_EQ(from(world->node, at().service, 80), seen("pod2", at().gateway));
}

TEST_P(Paths, OutsideReachesClusterIpMasqueraded) {
  resync(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {backend("pod2", family())})}));
  EXPECT_EQ(from(world->ext, at().service, 80), seen("pod2", at().gateway));
}

TEST_P(Paths, OutsideReachesNodePortMasqueraded) {
  resync(plan_of(settings(), {web({node_port(family(), 30080)}, {backend("pod1", family())})}));
  EXPECT_EQ(from(world->ext, at().node, 30080), seen("pod1", at().gateway));
  EXPECT_EQ(from(world->pod2, at().node, 30080), seen("pod1", at().gateway));
  EXPECT_EQ(from(world->node, at().node, 30080), seen("pod1", at().gateway));
}

TEST_P(Paths, OutsideReachesALoadBalancerAddress) {
  resync(
      plan_of(settings(), {web({load_balancer(at().balancer, 80)}, {backend("far", family())})}));
  const Ip towards_far = parse_ip(family() == Family::kIpv4 ? "198.18.1.1" : "fd18:1::1").value();
  EXPECT_EQ(from(world->ext, at().balancer, 80), seen("far", towards_far));
  EXPECT_EQ(from(world->pod1, at().balancer, 80), seen("far", towards_far));
}

TEST_P(Paths, PodReachesItselfThroughItsService) {
  resync(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {backend("pod1", family())})}));
  EXPECT_EQ(from(world->pod1, at().service, 80), seen("pod1", at().gateway));
}

TEST_P(Paths, ExternalPolicyLocalKeepsTheClientsAddress) {
  const Verdict pods = forward(BackendGroup::kCluster, false),
                host = forward(BackendGroup::kCluster, true),
                outside = forward(BackendGroup::kLocal, false);
  resync(plan_of(
      settings(),
      {web({frontend(FrontendKind::kNodePort, any_address(family()), 30080, pods, host, outside),
            frontend(FrontendKind::kLoadBalancer, at().balancer, 80, pods, host, outside)},
           {backend("far", family())}, {backend("pod1", family())})}));
  EXPECT_EQ(from(world->ext, at().node, 30080), seen("pod1", at().ext));
  EXPECT_EQ(from(world->ext, at().balancer, 80), seen("pod1", at().ext));
  EXPECT_EQ(from(world->pod2, at().balancer, 80), seen("far", at().pod2));
  EXPECT_EQ(from(world->pod2, at().node, 30080), seen("far", at().pod2));
  const Ip towards_far = parse_ip(family() == Family::kIpv4 ? "198.18.1.1" : "fd18:1::1").value();
  EXPECT_EQ(from(world->node, at().balancer, 80), seen("far", towards_far));
}

TEST_P(Paths, ExternalPolicyLocalWithoutLocalBackendsIsSilentOutsideOnly) {
  const Verdict pods = forward(BackendGroup::kCluster, false),
                host = forward(BackendGroup::kCluster, true);
  resync(
      plan_of(settings(),
              {web({frontend(FrontendKind::kLoadBalancer, at().balancer, 80, pods, host, kDiscard)},
                   {backend("far", family())})}));
  EXPECT_EQ(from(world->ext, at().balancer, 80, kShort), kSilenceAnswer);
  EXPECT_EQ(from(world->pod1, at().balancer, 80), seen("far", at().pod1));
}

TEST_P(Paths, InternalPolicyLocalUsesTheLocalBackend) {
  const Verdict local = forward(BackendGroup::kLocal, false),
                masqueraded = forward(BackendGroup::kLocal, true);
  resync(plan_of(
      settings(),
      {web({frontend(FrontendKind::kClusterIp, at().service, 80, local, masqueraded, masqueraded)},
           {backend("far", family())}, {backend("pod2", family())})}));
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(from(world->pod1, at().service, 80), seen("pod2", at().pod1));
}

TEST_P(Paths, NoEndpointsIsRefusedAtOnceForEverybody) {
  resync(
      plan_of(settings(),
              {web({frontend(FrontendKind::kClusterIp, at().service, 80, kRefuse, kRefuse, kRefuse),
                    frontend(FrontendKind::kNodePort, any_address(family()), 30080, kRefuse,
                             kRefuse, kRefuse)},
                   {})}));
  EXPECT_EQ(from(world->pod1, at().service, 80), kRefusedAnswer);
  EXPECT_EQ(from(world->node, at().service, 80), kRefusedAnswer);
  EXPECT_EQ(from(world->ext, at().service, 80), kRefusedAnswer);
  EXPECT_EQ(from(world->ext, at().node, 30080), kRefusedAnswer);
}

TEST_P(Paths, UnknownPortIsRefusedAndUnallocatedAddressIsSilent) {
  resync(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {backend("pod2", family())})}));
  EXPECT_EQ(from(world->pod1, at().service, 81), kRefusedAnswer);
  EXPECT_EQ(from(world->pod1, at().unallocated, 80, kShort), kSilenceAnswer);
  EXPECT_EQ(from(world->node, at().unallocated, 80, kShort), kSilenceAnswer);
}

TEST_P(Paths, SourceRangesHoldForEverySource) {
  Frontend guarded = load_balancer(at().balancer, 80);
  guarded.source_ranges = {
      Cidr{at().ext, static_cast<std::uint8_t>(family() == Family::kIpv4 ? 32 : 128)}};
  resync(plan_of(settings(),
                 {web({guarded, cluster_ip(at().service, 80)}, {backend("pod2", family())})}));
  EXPECT_EQ(from(world->ext, at().balancer, 80), seen("pod2", at().gateway));
  EXPECT_EQ(from(world->pod1, at().balancer, 80, kShort), kSilenceAnswer);
  EXPECT_EQ(from(world->node, at().balancer, 80, kShort), kSilenceAnswer);
  EXPECT_EQ(from(world->pod1, at().service, 80), seen("pod2", at().pod1));
}

TEST_P(Paths, SourceRangesAreHeldEvenWhereTheVerdictIsReject) {
  Frontend guarded =
      frontend(FrontendKind::kLoadBalancer, at().balancer, 80, kRefuse, kRefuse, kRefuse);
  guarded.source_ranges = {at().pods};
  resync(plan_of(settings(), {web({guarded}, {})}));
  EXPECT_EQ(from(world->pod1, at().balancer, 80), kRefusedAnswer);
  EXPECT_EQ(from(world->ext, at().balancer, 80, kShort), kSilenceAnswer);
}

TEST_P(Paths, NestedSourceRangesAreAccepted) {
  Frontend guarded = load_balancer(at().balancer, 80);
  Cidr inner = at().pods;
  inner.length = static_cast<std::uint8_t>(inner.length + 4);
  guarded.source_ranges = {inner, at().pods};
  resync(plan_of(settings(), {web({guarded}, {backend("pod2", family())})}));
  EXPECT_EQ(from(world->pod1, at().balancer, 80), seen("pod2", at().gateway));
}

TEST_P(Paths, NodePortIsClosedOnOtherAddressesAndLoopback) {
  resync(plan_of(settings(), {web({node_port(family(), 30080)}, {backend("pod1", family())})}));
  EXPECT_EQ(from(world->ext, at().gateway, 30080, kShort).outcome == Outcome::kAnswered, false);
  const Ip loopback = parse_ip(family() == Family::kIpv4 ? "127.0.0.1" : "::1").value();
  EXPECT_EQ(from(world->node, loopback, 30080), kRefusedAnswer);
}

TEST_P(Paths, NodePortOnAnyLocalAddressButLoopback) {
  NodeSettings node = settings();
  node.node_ports_v4 = node.node_ports_v6 = NodeSettings::NodePorts::kAnyLocal;
  resync(plan_of(node, {web({node_port(family(), 30080)}, {backend("pod1", family())})}));
  EXPECT_EQ(from(world->ext, at().node, 30080), seen("pod1", at().gateway));
  EXPECT_EQ(from(world->pod2, at().gateway, 30080), seen("pod1", at().gateway));
  const Ip loopback = parse_ip(family() == Family::kIpv4 ? "127.0.0.1" : "::1").value();
  EXPECT_EQ(from(world->node, loopback, 30080), kRefusedAnswer);
  EXPECT_NE(from(world->pod2, at().far_node, 30080, kShort), seen("pod1", at().gateway));
}

TEST_P(Paths, TwoPortsOfOneServiceGoTheirOwnWays) {
  ServicePlan first = web({cluster_ip(at().service, 80)}, {backend("pod1", family())});
  ServicePlan second = web({cluster_ip(at().service, 81)}, {backend("far", family())});
  first.name.port = "a";
  second.name.port = "b";
  resync(plan_of(settings(), {first, second}));
  EXPECT_EQ(from(world->pod2, at().service, 80), seen("pod1", at().pod2));
  EXPECT_EQ(from(world->pod2, at().service, 81), seen("far", at().pod2));
}

TEST_P(Paths, WithoutDetectionNobodyIsInternal) {
  NodeSettings node = settings();
  node.detect_local = {};
  const Verdict local = forward(BackendGroup::kLocal, false);
  resync(plan_of(
      node,
      {web({frontend(FrontendKind::kLoadBalancer, at().balancer, 80, kDiscard, kDiscard, local)},
           {}, {backend("pod2", family())})}));
  EXPECT_EQ(from(world->pod1, at().balancer, 80), seen("pod2", at().pod1));
}

TEST_P(Paths, InterfacesTellWhoIsInternal) {
  for (const auto mode : {DetectLocal::Mode::kInterface, DetectLocal::Mode::kInterfacePrefix}) {
    NodeSettings node = settings();
    node.detect_local = {mode, {}, mode == DetectLocal::Mode::kInterface ? "veth1" : "veth"};
    const Verdict plain = forward(BackendGroup::kCluster, false),
                  masqueraded = forward(BackendGroup::kCluster, true);
    resync(plan_of(node, {web({frontend(FrontendKind::kLoadBalancer, at().balancer, 80, plain,
                                        kDiscard, masqueraded)},
                              {backend("pod2", family())})}));
    EXPECT_EQ(from(world->pod1, at().balancer, 80), seen("pod2", at().pod1));
    EXPECT_EQ(from(world->ext, at().balancer, 80), seen("pod2", at().gateway));
    EXPECT_EQ(from(world->node, at().balancer, 80, kShort), kSilenceAnswer);
  }
}

std::vector<Case> cases(DatapathKind kind) {
  std::vector<Case> all;
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
      all.push_back({kind, family, protocol});
  return all;
}
std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.family == Family::kIpv4 ? "Ipv4" : "Ipv6") +
         std::string(to_string(info.param.protocol));
}

INSTANTIATE_TEST_SUITE_P(Nftables, Paths, testing::ValuesIn(cases(DatapathKind::kNftables)),
                         name_of_case);
#ifdef FAIRLEAD_HAS_EBPF
INSTANTIATE_TEST_SUITE_P(Ebpf, Paths, testing::ValuesIn(cases(DatapathKind::kEbpf)), name_of_case);
#endif

}  // namespace
}  // namespace fairlead::test
