// The flow table: collisions, ends, ages, and what happens when it is full.
#include <algorithm>
#include <set>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class FlowsTest : public PathTest {
 protected:
  /// The phases of all entries.
  [[nodiscard]] static std::multiset<int> phases() {
    std::multiset<int> phases;
    for (const fl_flow4* flow : tables().flows4()) phases.insert(flow->state & FL_FLOW_PHASE);
    for (const fl_flow6* flow : tables().flows6()) phases.insert(flow->state & FL_FLOW_PHASE);
    return phases;
  }
  using Phases = std::multiset<int>;

  /// A connection with its handshake done: the client's SYN as it was forwarded.
  Packet open(const Packet& sent) {
    const Packet forwarded = expect_masqueraded(sent);
    const Packet reply = answer_of(forwarded).with_payload("");
    expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
    return forwarded;
  }
};
FAIRLEAD_ALL_PATHS(FlowsTest);

TEST_P(FlowsTest, AFlowHasTwoEntriesAndIsEstablishedByItsAnswer) {
  publish_external();
  const Packet sent = from_client(external());
  expect_masqueraded(sent);
  EXPECT_EQ(phases(), (Phases{FL_FLOW_NEW, FL_FLOW_NEW}));
  EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_CREATED), 1U);
  open(sent);
  EXPECT_EQ(phases(), (Phases{FL_FLOW_ESTABLISHED, FL_FLOW_ESTABLISHED}));
  EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_CREATED), 1U);
}

TEST_P(FlowsTest, TwoFrontendsOfOneBackendGetDifferentSourcePorts) {
  const auto block = tables().add(service_with({}, {local()}));
  const Verdicts unchanged = all_scopes(FL_ACTION_FORWARD);
  tables().publish(external(), protocol(), block, unchanged);
  tables().publish({world.cluster_ip, 80}, protocol(), block, unchanged);
  const Packet one = from_client(external());
  const Packet two = from_client({world.cluster_ip, 80});
  expect_at_local_pod(one, local());
  const Packet forwarded = packet_of(arrive(two));
  EXPECT_EQ(to_string(forwarded.from.ip), to_string(world.client));
  EXPECT_NE(forwarded.from.port, two.from.port);
  const Packet reply = forwarded.answered("two");
  expect_redirected(arrive_from_pod(reply), to_client(reply, two.to, two.from));
  const Packet other = to_local_pod(one, one.from, local()).answered("one");
  expect_redirected(arrive_from_pod(other), to_client(other, external(), one.from));
}

TEST_P(FlowsTest, WithoutAFreeSourcePortAConnectionIsDroppedAndOthersStay) {
  publish_external();
  tables().config().snat_port_first = tables().config().snat_port_last = 5000;
  const Packet sent = from_client(external());
  const Packet first = expect_masqueraded(sent);
  expect_dropped(arrive(from_client(external(), 40001)));
  EXPECT_EQ(tables().drops(FL_DROP_NO_SNAT_PORT), 1U);
  const Packet reply = answer_of(first);
  expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
  tables().age_flows(2000);
  EXPECT_EQ(expect_masqueraded(from_client(external(), 40001)).from.port, 5000);
}

TEST_P(FlowsTest, FlowWhoseTimeIsOverIsChosenAnew) {
  tables().publish(external(), protocol(), tables().add(service_with({remote(0)})), {});
  const Packet sent = from_client(external());
  EXPECT_EQ(expect_masqueraded(sent).to, remote(0));
  tables().publish(external(), protocol(), tables().add(service_with({remote(1)})), {});
  tables().age_flows(5);
  EXPECT_EQ(expect_masqueraded(sent).to, remote(0));
  tables().age_flows(500);
  EXPECT_EQ(expect_masqueraded(sent).to, remote(1));
}

TEST_P(FlowsTest, EveryPacketRenewsAFlow) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = open(sent);
  tables().publish(external(), protocol(), tables().add(service_with({remote(1)})), {});
  const std::uint32_t most = is_tcp() ? 900 : 90;
  for (int i = 0; i < 10; ++i) {
    tables().age_flows(most);
    const Packet next = sent.with_flags(kAck).with_payload("still here");
    expect_redirected(arrive(next), to_other_node(next, forwarded.from, forwarded.to));
    // The reply's entry is as old as its last packet; it holds as long as its partner does.
    const Packet reply = forwarded.with_flags(kAck).answered("still there");
    if (i % 3 == 0) expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
  }
}

class TcpFlowsTest : public FlowsTest {};
FAIRLEAD_PATHS_OF(TcpFlowsTest, Protocol::kTcp);

TEST_P(TcpFlowsTest, FinOfBothSidesClosesAFlow) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = open(sent);
  const Packet fin = sent.with_flags(kFin | kAck);
  expect_redirected(arrive(fin), to_other_node(fin, forwarded.from, forwarded.to));
  EXPECT_EQ(phases(), (Phases{FL_FLOW_CLOSING, FL_FLOW_CLOSING}));
  const Packet data = forwarded.with_flags(kAck).answered("half closed");
  expect_redirected(arrive(data), to_client(data, external(), sent.from));
  EXPECT_EQ(phases(), (Phases{FL_FLOW_CLOSING, FL_FLOW_CLOSING}));
  const Packet other_fin = forwarded.with_flags(kAck).answered().with_flags(kFin | kAck);
  expect_redirected(arrive(other_fin), to_client(other_fin, external(), sent.from));
  EXPECT_EQ(phases(), (Phases{FL_FLOW_CLOSED, FL_FLOW_CLOSED}));
  const Packet last = sent.with_flags(kAck);
  expect_redirected(arrive(last), to_other_node(last, forwarded.from, forwarded.to));
}

TEST_P(TcpFlowsTest, FinSentTwiceBySameSideDoesNotClose) {
  publish_external();
  const Packet sent = from_client(external());
  open(sent);
  const Packet fin = sent.with_flags(kFin | kAck);
  arrive(fin);
  arrive(fin);
  EXPECT_EQ(phases(), (Phases{FL_FLOW_CLOSING, FL_FLOW_CLOSING}));
}

TEST_P(TcpFlowsTest, ResetOfEitherSideClosesAFlow) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = open(sent);
  const Packet reset = forwarded.with_flags(kAck).answered().with_flags(kRst);
  expect_redirected(arrive(reset), to_client(reset, external(), sent.from));
  EXPECT_EQ(phases(), (Phases{FL_FLOW_CLOSED, FL_FLOW_CLOSED}));
}

TEST_P(TcpFlowsTest, PortOfAClosedConnectionIsUsedAgain) {
  publish_external();
  const Packet sent = from_client(external());
  open(sent);
  arrive(sent.with_flags(kRst));
  tables().publish(external(), protocol(), tables().add(service_with({remote(1)})), {});
  EXPECT_EQ(expect_masqueraded(sent).to, remote(1));
}

TEST_P(TcpFlowsTest, SynThatIsSentAgainGoesTheSameWay) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet first = expect_masqueraded(sent);
  tables().publish(external(), protocol(), tables().add(service_with({remote(1)})), {});
  expect_redirected(arrive(sent), to_other_node(sent, first.from, first.to));
  EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_CREATED), 1U);
}

TEST_P(TcpFlowsTest, ResetOfAnUnknownConnectionMakesNoFlow) {
  publish_external();
  const Packet sent = from_client(external()).with_flags(kRst);
  expect_passed_untouched(arrive(sent), sent);
  EXPECT_TRUE(phases().empty());
}

/// A table of four buckets.
class FullTableTest : public FlowsTest {
 protected:
  static void SetUpTestSuite() { start({.flow4_buckets = 4, .flow6_buckets = 4}); }
};
FAIRLEAD_ALL_PATHS(FullTableTest);

TEST_P(FullTableTest, LiveFlowsStayAndNewOnesAreCounted) {
  publish_external();
  std::vector<std::pair<Packet, Packet>> flows;
  std::uint64_t refused = 0;
  for (std::uint16_t port = 40000; port < 40040; ++port) {
    const Packet sent = from_client(external(), port);
    const Outcome outcome = arrive(sent);
    if (outcome.fate == Fate::kDropped)
      ++refused;
    else
      flows.emplace_back(sent, packet_of(outcome));
  }
  EXPECT_GE(flows.size(), 2U);
  EXPECT_LE(flows.size(), 4U);  // eight places, two a flow
  EXPECT_EQ(tables().drops(FL_DROP_FLOW_TABLE_FULL), refused);
  for (const auto& [sent, forwarded] : flows) {
    const Packet reply = answer_of(forwarded);
    expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
  }
}

TEST_P(FullTableTest, PlacesOfFlowsThatAreOverAreTaken) {
  publish_external();
  for (std::uint16_t port = 40000; port < 40040; ++port) arrive(from_client(external(), port));
  ASSERT_EQ(arrive(from_client(external(), 50000)).fate, Fate::kDropped);
  tables().age_flows(2000);
  expect_masqueraded(from_client(external(), 50000));
  EXPECT_GE(tables().counter(FL_COUNT_FLOWS_REPLACED), 1U);
}

}  // namespace
}  // namespace fairlead::test
