// A connection from its first packet to its last, byte by byte, through both directions:
// client -> node -> backend -> node -> client.
#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class NatTest : public PathTest {
 protected:
  /// A NodePort with one backend, which is what every test here begins with.
  void publish_node_port(const Service& service, int verdict) {
    const auto block = tables().add(service);
    tables().publish(node_port(), protocol(), block, all_scopes(verdict), FL_FRONTEND_EXTERNAL);
  }
  [[nodiscard]] Endpoint node_port() const { return {any(), 30080}; }
  [[nodiscard]] Endpoint front() const { return {world.node, 30080}; }
  [[nodiscard]] Endpoint remote() const { return {world.remote_pods[0], 8080}; }
  [[nodiscard]] Endpoint local() const { return {world.local_pod, 8080}; }

  /// As `sent`, one hop on.
  [[nodiscard]] static Packet forwarded(const Packet& sent, const Mac& from, const Mac& to) {
    return sent.with_macs(from, to).with_hops(static_cast<std::uint8_t>(sent.hops - 1));
  }
  [[nodiscard]] std::size_t entries() const {
    return is_v6() ? tables().flows6().size() : tables().flows4().size();
  }
  Outcome reply_from_pod(const Packet& packet) {
    return node().arrive(bytes_of(packet), Ingress::kTc, kPod0);
  }
};
FAIRLEAD_ALL_PATHS(NatTest);

TEST_P(NatTest, MasqueradedConnectionToARemoteBackendGoesThereAndBack) {
  publish_node_port(service_with({remote()}), FL_VERDICT_MASQUERADE);
  Packet sent = from_client(front());
  const Outcome out = arrive(sent);
  const Packet to_backend = packet_of(out);
  EXPECT_EQ(to_backend.from.ip, world.node);
  EXPECT_GE(to_backend.from.port, 1024);
  EXPECT_LE(to_backend.from.port, 29999);
  Packet expected = forwarded(sent, kEth0Mac, kOtherMac).with_to(remote());
  expect_redirected(out, expected.with_from(to_backend.from));
  EXPECT_EQ(entries(), 2U);

  const Packet reply = to_backend.answered("answer");
  expect_redirected(arrive(reply),
                    forwarded(reply, kEth0Mac, kRouterMac).with_from(front()).with_to(sent.from));

  sent = sent.with_flags(kAck | kPsh).with_payload("more");
  expected = forwarded(sent, kEth0Mac, kOtherMac).with_to(remote());
  expect_redirected(arrive(sent), expected.with_from(to_backend.from));
  EXPECT_EQ(entries(), 2U);
  EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_CREATED), 1U);
}

TEST_P(NatTest, AddressOfTheLinkThatAPacketLeavesByIsTheSource) {
  publish_node_port(service_with({remote()}), FL_VERDICT_MASQUERADE);
  fl_interface eth0{};
  eth0.address[is_v6() ? 1 : 0] = abi_address(world.other_node);
  tables().set_interface(kEth0, eth0);
  EXPECT_EQ(packet_of(arrive(from_client(front()))).from.ip, world.other_node);
  // Now the node says that this link's address is its own: that is not asked of the link.
  tables().config().node_interface = kEth0;
  tables().config().node_interface_families = is_v6() ? 2 : 1;
  EXPECT_EQ(packet_of(arrive(from_client(front(), 40001))).from.ip, world.node);
  tables().config().node_interface_families = is_v6() ? 1 : 2;
  EXPECT_EQ(packet_of(arrive(from_client(front(), 40002))).from.ip, world.other_node);
}

TEST_P(NatTest, ClientOfALocalBackendKeepsItsAddress) {
  publish_node_port(service_with({}, {local()}), FL_VERDICT_LOCAL);
  const Packet sent = from_client(front());
  expect_redirected(arrive(sent), forwarded(sent, kPod0Mac, kPodMac).with_to(local()));
  const Packet reply = sent.with_macs(kPod0Mac, kPodMac).with_to(local()).answered("answer");
  expect_redirected(reply_from_pod(reply),
                    forwarded(reply, kEth0Mac, kRouterMac).with_from(front()));
}

TEST_P(NatTest, PodThatReachesItselfSeesTheNode) {
  publish_node_port(service_with({}, {local()}), FL_ACTION_FORWARD);
  const Packet sent = from_pod(front());
  const Outcome out = arrive_from_pod(sent);
  const Packet to_backend = packet_of(out);
  EXPECT_EQ(to_backend.from.ip, world.node);
  expect_redirected(out,
                    forwarded(sent, kPod0Mac, kPodMac).with_from(to_backend.from).with_to(local()));
  const Packet reply = to_backend.answered("answer");
  expect_redirected(reply_from_pod(reply),
                    forwarded(reply, kPod0Mac, kPodMac).with_from(front()).with_to(sent.from));
}

TEST_P(NatTest, BackendOnTheNodeItselfAnswersThroughTheStack) {
  const Endpoint host{world.node, 8080};
  publish_node_port(service_with({}, {host}), FL_VERDICT_MASQUERADE);
  const Packet sent = from_client(front());
  EXPECT_EQ(tables().config().has_host_flows, 0U);
  expect_passed(arrive(sent), sent.with_to(host));
  EXPECT_EQ(tables().config().has_host_flows, 1U) << "egress would ask no table";
  const Packet reply = sent.with_to(host).answered("answer");
  expect_passed(node().leave(bytes_of(reply), kEth0), reply.with_from(front()));
}

TEST_P(NatTest, WhereNothingWasTranslatedForTheLongestTimeoutNoFlowIsLookedFor) {
  publish_node_port(service_with({}, {local()}), FL_VERDICT_LOCAL);
  const Packet reply = packet_of(arrive(from_client(front()))).answered("answer");
  fl_config& config = tables().config();
  const auto last_use = config.last_use;
  ASSERT_NE(last_use, 0U);
  config.last_use = last_use - config.longest_timeout - 2;
  expect_passed(reply_from_pod(reply), reply);
  config.last_use = last_use;
  EXPECT_EQ(packet_of(reply_from_pod(reply)).from, front());
}

TEST_P(NatTest, ClientsThatUseTheSamePortHaveFlowsOfTheirOwn) {
  publish_node_port(service_with({remote()}), FL_VERDICT_MASQUERADE);
  constexpr std::size_t kClients = 200;  // several to a bucket
  std::vector<Packet> sent, there;
  for (std::size_t i = 0; i < kClients; ++i) {
    Ip client = world.client;
    client.bytes[15] = static_cast<std::uint8_t>(i + 1);
    sent.push_back(from_client(front()).with_from({client, 40000}));
    there.push_back(packet_of(arrive(sent.back())));
  }
  EXPECT_EQ(entries(), 2 * kClients);
  EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_CREATED), kClients);
  for (std::size_t i = 0; i < kClients; ++i) {
    EXPECT_EQ(packet_of(arrive(sent[i].with_flags(kAck))).from, there[i].from);
    EXPECT_EQ(packet_of(arrive(there[i].answered("x"))).to, sent[i].from);
  }
  EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_CREATED), kClients);
}

TEST_P(NatTest, ClientsOfOneNameTwoFrontendsAndOneBackendAreKeptApart) {
  publish_node_port(service_with({}, {local()}), FL_ACTION_FORWARD);
  const auto block = tables().add(service_with({}, {local()}));
  const Endpoint other{world.external_ip, 80};
  tables().publish(other, protocol(), block, all_scopes(FL_ACTION_FORWARD));
  const Packet first = packet_of(arrive(from_client(front())));
  const Packet second = packet_of(arrive(from_client(other)));
  EXPECT_EQ(first.from, from_client(other).from);
  EXPECT_EQ(second.from.ip, world.client);
  EXPECT_NE(second.from.port, first.from.port);
  EXPECT_EQ(packet_of(reply_from_pod(first.answered("x"))).from, front());
  EXPECT_EQ(packet_of(reply_from_pod(second.answered("x"))).from, other);
}

TEST_P(NatTest, LostFlowFindsBackendAndSourcePortAgain) {
  Service service = service_with({{world.remote_pods[0], 8080},
                                  {world.remote_pods[1], 8080},
                                  {world.remote_pods[2], 8080},
                                  {world.remote_pods[3], 8080}});
  service.has_maglev = true;
  publish_node_port(service, FL_VERDICT_MASQUERADE);
  for (std::uint16_t port = 40000; port < 40020; ++port) {
    const Packet sent = from_client(front(), port);
    const Packet before = packet_of(arrive(sent));
    tables().wipe_flows();
    const Packet after = packet_of(arrive(sent.with_flags(kAck).with_payload("later")));
    EXPECT_EQ(before.to, after.to);
    EXPECT_EQ(before.from, after.from);
  }
  EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_RECOVERED), is_tcp() ? 20U : 0U);
}

TEST_P(NatTest, DrainingLeavesNewFlowsAloneAndKeepsOldOnes) {
  publish_node_port(service_with({remote()}), FL_VERDICT_MASQUERADE);
  const Packet old = from_client(front());
  const Packet before = packet_of(arrive(old));
  tables().config().mode = FL_MODE_DRAINING;
  EXPECT_EQ(packet_of(arrive(old.with_flags(kAck))).from, before.from);
  const Packet fresh = from_client(front(), 40001);
  expect_passed_untouched(arrive(fresh), fresh);
}

TEST_P(NatTest, LastHopIsLeftToTheStack) {
  publish_node_port(service_with({remote()}), FL_VERDICT_MASQUERADE);
  const Packet sent = from_client(front()).with_hops(1);
  expect_passed_untouched(arrive(sent), sent);
  EXPECT_EQ(entries(), 0U);
}

TEST_P(NatTest, ExplainChangesNothing) {
  publish_node_port(service_with({remote()}), FL_VERDICT_MASQUERADE);
  const std::string before = tables().snapshot();
  const fl_trace trace = node().explain(bytes_of(from_client(front())), kEth0);
  EXPECT_EQ(trace.step, FL_TRACE_FRONTEND);
  EXPECT_EQ(ip_of(trace.backend), remote().ip);
  EXPECT_EQ(ip_of(trace.new_source), world.node);
  EXPECT_EQ(trace.scope, FL_SCOPE_EXTERNAL);
  EXPECT_EQ(trace.interface, kEth0);
  EXPECT_EQ(tables().snapshot(), before);
}

}  // namespace
}  // namespace fairlead::test
