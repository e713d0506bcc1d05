// Whose is a packet? What is not ours leaves as it came; what nobody has is not let through.
#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class DestinationTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    const auto block = tables().add(service_with({{world.remote_pods[0], 8080}}));
    tables().publish({world.cluster_ip, 80}, protocol(), block, {});
    tables().mark(world.cluster_ip, FL_ADDRESS_CLUSTER_IP);
    tables().publish({any(), 30080}, protocol(), block, {});
    fl_config& config = tables().config();
    config.service_prefix_count = 1;
    config.service[0] = abi_prefix(world.service_range);
  }
};
FAIRLEAD_ALL_PATHS(DestinationTest);

TEST_P(DestinationTest, PacketToAnotherHostIsUntouched) {
  const Packet sent = from_client({world.remote_pods[1], 80});
  expect_passed_untouched(arrive(sent), sent);
}

TEST_P(DestinationTest, PacketToAPortOfTheNodeItselfIsUntouched) {
  const Packet sent = from_client({world.node, 22});
  expect_passed_untouched(arrive(sent), sent);
}

TEST_P(DestinationTest, PacketToANodePortOfAnotherNodeIsUntouched) {
  const Packet sent = from_client({world.other_node, 30080});
  expect_passed_untouched(arrive(sent), sent);
}

TEST_P(DestinationTest, FrontendOfTheNodesOwnAddressIsAskedBeforeItsNodePort) {
  const auto other = tables().add(service_with({{world.remote_pods[1], 8081}}));
  tables().publish({world.node, 30080}, protocol(), other, {});
  const Packet arrived = packet_of(arrive(from_client({world.node, 30080})));
  EXPECT_EQ(arrived.to, (Endpoint{world.remote_pods[1], 8081}));
}

TEST_P(DestinationTest, NodePortOfAnAddressThatNoFrontendHasIsFound) {
  tables().mark(world.node, FL_ADDRESS_NODE | FL_ADDRESS_BARE);
  const Packet arrived = packet_of(arrive(from_client({world.node, 30080})));
  EXPECT_EQ(arrived.to, (Endpoint{world.remote_pods[0], 8080}));
  const Packet sent = from_client({world.node, 22});
  expect_passed_untouched(arrive(sent), sent);
}

TEST_P(DestinationTest, ClusterIpOfAPortThatIsANodePortAsWellIsFound) {
  const auto other = tables().add(service_with({{world.remote_pods[1], 8081}}));
  tables().publish({world.cluster_ip, 30080}, protocol(), other, {});
  const Packet arrived = packet_of(arrive(from_client({world.cluster_ip, 30080})));
  EXPECT_EQ(arrived.to, (Endpoint{world.remote_pods[1], 8081}));
}

TEST_P(DestinationTest, AddressOfTheServiceRangeThatNoServiceHasIsDropped) {
  expect_dropped(arrive(from_client({world.unallocated, 80})));
  EXPECT_EQ(tables().drops(FL_DROP_UNALLOCATED), 1U);
}

}  // namespace
}  // namespace fairlead::test
