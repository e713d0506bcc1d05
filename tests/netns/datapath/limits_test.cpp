// A limit of what a pod receives, at the node's end of its link: no datapath goes past it.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

class Limits : public ClusterTest, public testing::WithParamInterface<DatapathKind> {
 protected:
  Limits() : ClusterTest(GetParam()) {}
  void TearDown() override {
    if (world != nullptr) world->node.sh("tc qdisc del dev veth1 root 2>/dev/null || true");
    ClusterTest::TearDown();
  }
  /// Packets that the token bucket has let through.
  [[nodiscard]] static std::int64_t passed() {
    const auto json =
        boost::json::parse(world->node.output_of("tc -s -j qdisc show dev veth1 root"));
    return json.at(0).at("packets").as_int64();
  }
};

TEST_P(Limits, WhatAServiceSendsToAPodPassesTheTokenBucketOfItsLink) {
  world->node.sh("tc qdisc replace dev veth1 root tbf rate 100mbit burst 128k limit 256k");
  const Addresses at = addresses_of(Family::kIpv4);
  resync(plan_of(settings(), {service("web", Protocol::kTcp, Family::kIpv4,
                                      {cluster_ip(at.service, 80), node_port(Family::kIpv4, 30080)},
                                      {backend("pod1", Family::kIpv4)})}));
  for (const auto& [client, to, port] : {std::tuple(&world->pod2, at.service, std::uint16_t{80}),
                                         std::tuple(&world->ext, at.node, std::uint16_t{30080}),
                                         std::tuple(&world->node, at.service, std::uint16_t{80})}) {
    const std::int64_t before = passed();
    EXPECT_EQ(ask(*client, {.to = to, .port = {port}}).server, "pod1");
    EXPECT_GE(passed() - before, 3) << client->name();  // SYN, ACK, FIN at least
  }
}

INSTANTIATE_TEST_SUITE_P(Nftables, Limits, testing::Values(DatapathKind::kNftables));
#ifdef FAIRLEAD_HAS_EBPF
INSTANTIATE_TEST_SUITE_P(Ebpf, Limits, testing::Values(DatapathKind::kEbpf));
#endif

}  // namespace
}  // namespace fairlead::test
