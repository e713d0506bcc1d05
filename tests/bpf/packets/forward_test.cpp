// From a client to a backend and back, hop by hop: every byte of every packet.
#include <algorithm>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

constexpr int kMasquerade = FL_VERDICT_MASQUERADE;  // and forward
constexpr int kLocal = FL_VERDICT_LOCAL;

class ForwardTest : public PathTest {};
FAIRLEAD_ALL_PATHS(ForwardTest);

TEST_P(ForwardTest, ExternalAddressIsMasqueradedAndTheReplyFindsBack) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = expect_masqueraded(sent);
  const Packet reply = answer_of(forwarded);
  expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
}

TEST_P(ForwardTest, LaterPacketsOfAConnectionTakeTheSameWay) {
  publish_external(4);
  const Packet sent = from_client(external());
  const Packet first = expect_masqueraded(sent);
  for (int i = 0; i < 20; ++i) {
    const Packet next =
        sent.with_flags(kAck).with_payload(std::string(static_cast<std::size_t>(i), 'x'));
    expect_redirected(arrive(next), to_other_node(next, first.from, first.to));
    const Packet reply = first.answered(std::string(static_cast<std::size_t>(20 - i), 'y'));
    expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
  }
}

TEST_P(ForwardTest, NodePortIsOpenOnTheNodesAddress) {
  const auto block = tables().add(service_with({remote()}));
  tables().publish({any(), 30080}, protocol(), block, {});
  const Endpoint node_port{world.node, 30080};
  const Packet sent = from_client(node_port);
  const Packet forwarded = expect_masqueraded(sent);
  const Packet reply = answer_of(forwarded);
  expect_redirected(arrive(reply), to_client(reply, node_port, sent.from));
}

TEST_P(ForwardTest, ClientsHaveADifferentPortEach) {
  publish_external();
  std::vector<Endpoint> sources;
  for (std::uint16_t port = 40000; port < 40050; ++port)
    sources.push_back(expect_masqueraded(from_client(external(), port)).from);
  std::ranges::sort(sources);
  EXPECT_EQ(std::ranges::adjacent_find(sources), sources.end());
}

TEST_P(ForwardTest, PolicyLocalKeepsTheClientsAddress) {
  const auto block = tables().add(service_with({remote()}, {local()}));
  tables().publish(external(), protocol(), block, all_scopes(kLocal), FL_FRONTEND_EXTERNAL);
  const Packet sent = from_client(external());
  expect_at_local_pod(sent, local());
  const Packet reply = to_local_pod(sent, sent.from, local()).answered("answer");
  expect_redirected(arrive_from_pod(reply), to_client(reply, external(), sent.from));
}

TEST_P(ForwardTest, LocalPodThatIsMasqueradedAnswersTheNode) {
  const auto block = tables().add(service_with({}, {local()}));
  tables().publish(external(), protocol(), block, all_scopes(kMasquerade));
  const Packet sent = from_client(external());
  const Outcome outcome = arrive(sent);
  const Packet forwarded = packet_of(outcome);
  EXPECT_EQ(to_string(forwarded.from.ip), to_string(world.node));
  expect_redirected(outcome, to_local_pod(sent, forwarded.from, local()));
  const Packet reply = forwarded.answered("answer");
  expect_redirected(arrive_from_pod(reply), to_client(reply, external(), sent.from));
}

TEST_P(ForwardTest, PodReachesAClusterIpWithItsOwnAddress) {
  const Endpoint cluster_ip{world.cluster_ip, 80};
  const auto block = tables().add(service_with({remote()}));
  tables().publish(cluster_ip, protocol(), block, {});
  const Packet sent = from_pod(cluster_ip);
  expect_redirected(arrive_from_pod(sent), to_other_node(sent, sent.from, remote()));
  const Packet reply = to_other_node(sent, sent.from, remote()).answered("answer");
  expect_redirected(arrive(reply), to_local_pod(reply, cluster_ip, sent.from));
}

TEST_P(ForwardTest, PodReachesItselfThroughItsService) {
  const Endpoint cluster_ip{world.cluster_ip, 80};
  const auto block = tables().add(service_with({}, {local()}));
  tables().publish(cluster_ip, protocol(), block, {});
  const Packet sent = from_pod(cluster_ip);
  const Outcome outcome = arrive_from_pod(sent);
  const Packet forwarded = packet_of(outcome);
  EXPECT_EQ(to_string(forwarded.from.ip), to_string(world.node));
  expect_redirected(outcome, to_local_pod(sent, forwarded.from, local()));
  const Packet reply = forwarded.answered("answer");
  expect_redirected(arrive_from_pod(reply), to_local_pod(reply, cluster_ip, sent.from));
}

TEST_P(ForwardTest, BackendOnTheNodeItselfIsReachedThroughItsStack) {
  const Endpoint own{world.node, 6443};
  const auto block = tables().add(service_with({}, {own}));
  tables().publish(external(), protocol(), block, {});
  const Packet sent = from_client(external());
  expect_passed_untouched(arrive(sent), sent.with_to(own));
  Packet reply = sent.with_to(own).answered("answer").with_macs(kEth0Mac, kRouterMac);
  expect_passed_untouched(node().leave(bytes_of(reply), kEth0), reply.with_from(external()));
}

TEST_P(ForwardTest, WhatLeavesTheNodeAndIsNoReplyIsUntouched) {
  publish_external();
  const Packet forwarded = expect_masqueraded(from_client(external()));
  // Not even what looks like a reply of a backend elsewhere: it cannot come from here.
  const Packet odd = forwarded.answered();
  expect_passed_untouched(node().leave(bytes_of(odd), kEth0), odd);
  const Packet own = Packet{.from_mac = kEth0Mac,
                            .to_mac = kRouterMac,
                            .from = {world.node, 50000},
                            .to = {world.client, 443},
                            .protocol = protocol()};
  expect_passed_untouched(node().leave(bytes_of(own), kEth0), own);
}

TEST_P(ForwardTest, EachScopeHasItsOwnVerdict) {
  const auto block = tables().add(service_with({remote()}, {local()}));
  tables().publish(external(), protocol(), block,
                   {.internal = kLocal, .host = 0, .external = FL_ACTION_DROP});
  expect_dropped(arrive(from_client(external())));
  EXPECT_EQ(tables().drops(FL_DROP_POLICY), 1U);
  Packet sent = from_pod(external());
  sent.from.ip = world.other_local_pod;  // not the backend: no hairpin
  expect_redirected(arrive_from_pod(sent), to_local_pod(sent, sent.from, local()));
}

TEST_P(ForwardTest, AddressInAnInternalPrefixIsInternalWhereverItComesFrom) {
  const auto block = tables().add(service_with({remote()}, {local()}));
  tables().publish(external(), protocol(), block,
                   {.internal = kLocal, .host = 0, .external = FL_ACTION_DROP});
  fl_config& config = tables().config();
  config.internal_prefix_count = 1;
  config.internal[0] = abi_prefix({world.client, static_cast<std::uint8_t>(is_v6() ? 128 : 32)});
  expect_at_local_pod(from_client(external()), local());
}

TEST_P(ForwardTest, NoEndpointsMeansRefused) {
  const auto block = tables().add(service_with({}));
  tables().publish(external(), protocol(), block, all_scopes(FL_ACTION_REJECT));
  const Outcome outcome = arrive(from_client(external()));
  EXPECT_NE(outcome.fate, Fate::kPassed);
  EXPECT_NE(outcome.fate, Fate::kDropped);
  EXPECT_EQ(tables().counter(FL_COUNT_REJECTED), 1U);
}

TEST_P(ForwardTest, SourcesOutsideOfTheRangesAreDropped) {
  const Service service = service_with({remote()});
  const auto block = tables().add(service);
  tables().publish(external(), protocol(), block, {}, FL_FRONTEND_RANGES);
  const Packet sent = from_client(external());
  expect_dropped(arrive(sent));
  EXPECT_EQ(tables().drops(FL_DROP_SOURCE_RANGE), 1U);
  const auto bits = static_cast<std::uint8_t>(is_v6() ? 128 : 32);
  tables().allow(service, {world.other_client, bits});
  expect_dropped(arrive(sent));
  tables().allow(service, {world.client, bits});
  expect_masqueraded(sent);
}

TEST_P(ForwardTest, PacketWhoseTimeIsUpIsLeftToTheStack) {
  publish_external();
  const Packet sent = from_client(external()).with_hops(1);
  expect_passed_untouched(arrive(sent), sent);
}

TEST_P(ForwardTest, ForwardingByTheStackTranslatesAndPasses) {
  publish_external();
  tables().config().forward_by_stack = 1;
  const Packet sent = from_client(external());
  const Outcome outcome = arrive(sent);
  const Packet forwarded = packet_of(outcome);
  EXPECT_EQ(to_string(forwarded.from.ip), to_string(world.node));
  expect_passed_untouched(outcome, sent.with_from(forwarded.from).with_to(remote()));
  EXPECT_EQ(tables().counter(FL_COUNT_TO_STACK), 1U);
}

}  // namespace
}  // namespace fairlead::test
