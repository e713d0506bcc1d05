// Another datapath has taken over: the table lets go of all frontends, and of no connection.
#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

class Drain : public ClusterTest {
 protected:
  const Addresses at = addresses_of(Family::kIpv4);
  [[nodiscard]] Plan plan() const {
    return plan_of(settings(),
                   {service("web", Protocol::kTcp, Family::kIpv4, {node_port(Family::kIpv4, 30080)},
                            {backend("pod1", Family::kIpv4)})});
  }
  /// As the agent that came after opens it.
  Result<bool> drain() { return open_datapath()->drain(plan()); }
};

TEST_F(Drain, AConnectionGoesOnAndNewOnesAreNotTaken) {
  resync(plan());
  Connection connection(world->ext, at.node, Port{30080});
  ASSERT_EQ(connection.ask().server, "pod1");
  for (int i = 0; i < 2; ++i) {
    const auto gone = drain();
    ASSERT_TRUE(gone) << gone.error().doing;
    EXPECT_FALSE(*gone) << "conntrack still translates a connection";
    EXPECT_EQ(connection.ask().server, "pod1");
    EXPECT_EQ(ask(world->ext, {.protocol = Protocol::kTcp, .to = at.node, .port = {30080}}).outcome,
              Outcome::kRefused);
  }
}

TEST_F(Drain, NothingIsLeftWhenTheLastConnectionIs) {
  resync(plan());
  world->node.sh("conntrack -F 2>/dev/null");
  const auto gone = drain();
  ASSERT_TRUE(gone) << gone.error().doing;
  EXPECT_TRUE(*gone);
  EXPECT_EQ(world->node.output_of("nft list tables"), "");
  EXPECT_TRUE(drain().value_or(false)) << "nothing is there any more";
}

TEST_F(Drain, AResyncTakesItBack) {
  resync(plan());
  Connection connection(world->ext, at.node, Port{30080});
  ASSERT_EQ(connection.ask().server, "pod1");
  ASSERT_TRUE(drain());
  datapath = open_datapath();
  resync(plan());
  EXPECT_EQ(connection.ask().server, "pod1");
  EXPECT_EQ(ask(world->ext, {.protocol = Protocol::kTcp, .to = at.node, .port = {30080}}).server,
            "pod1");
}

}  // namespace
}  // namespace fairlead::test
