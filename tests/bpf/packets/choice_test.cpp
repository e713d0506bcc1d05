// Which backend a new connection gets, and what keeps it there.
#include <algorithm>
#include <map>
#include <set>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class ChoiceTest : public PathTest {
 protected:
  [[nodiscard]] Service four_backends() const {
    return service_with({remote(0), remote(1), remote(2), remote(3)});
  }
  void publish(const Service& service, int bits = 0) {
    tables().publish(external(), protocol(), tables().add(service), {}, bits);
  }
  Endpoint backend_of(const Packet& sent) { return expect_masqueraded(sent).to; }
};
FAIRLEAD_ALL_PATHS(ChoiceTest);

TEST_P(ChoiceTest, RandomReachesEveryBackend) {
  publish(four_backends());
  std::set<Endpoint> reached;
  // Each is missed with a probability of 0.75^200.
  for (std::uint16_t port = 40000; port < 40200; ++port)
    reached.insert(backend_of(from_client(external(), port)));
  EXPECT_EQ(reached.size(), 4U);
}

TEST_P(ChoiceTest, RoundRobinTakesTurns) {
  Service service = four_backends();
  service.algorithm = FL_ALGORITHM_ROUND_ROBIN;
  publish(service);
  std::map<Endpoint, int> reached;
  for (std::uint16_t port = 40000; port < 40020; ++port)
    ++reached[backend_of(from_client(external(), port))];
  EXPECT_EQ(reached.size(), 4U);
  for (const auto& [backend, times] : reached) EXPECT_EQ(times, 5) << to_string(backend);
}

TEST_P(ChoiceTest, WeightsAreShares) {
  Service service = service_with({remote(0), remote(1)});
  service.cluster[1].weight = 3;
  publish(service);
  int heavy = 0;
  for (std::uint16_t port = 40000; port < 40400; ++port)
    heavy += backend_of(from_client(external(), port)) == remote(1);
  // 300 are expected; the standard deviation is 9.
  EXPECT_GT(heavy, 230);
  EXPECT_LT(heavy, 370);
}

TEST_P(ChoiceTest, AffinityKeepsAClientAtItsBackend) {
  Service service = four_backends();
  service.affinity_seconds = 100;
  publish(service);
  const Endpoint first = backend_of(from_client(external()));
  for (std::uint16_t port = 41000; port < 41030; ++port)
    EXPECT_EQ(backend_of(from_client(external(), port)), first);
}

TEST_P(ChoiceTest, AffinityHoldsAcrossTheFrontendsOfAService) {
  Service service = four_backends();
  service.affinity_seconds = 100;
  const auto block = tables().add(service);
  tables().publish(external(), protocol(), block, {});
  tables().publish({any(), 30080}, protocol(), block, {});
  tables().publish({world.cluster_ip, 80}, protocol(), block, {});
  const Endpoint first = backend_of(from_client(external()));
  for (std::uint16_t port = 41000; port < 41030; ++port) {
    EXPECT_EQ(backend_of(from_client({world.node, 30080}, port)), first);
    EXPECT_EQ(backend_of(from_client({world.cluster_ip, 80}, port)), first);
  }
}

TEST_P(ChoiceTest, AffinityEndsWithTheBackend) {
  Service service = four_backends();
  service.affinity_seconds = 100;
  publish(service);
  const Endpoint first = backend_of(from_client(external()));
  tables().forget_member(service, first);
  std::erase_if(service.cluster, [&](const Target& target) { return target.endpoint == first; });
  publish(service);
  for (std::uint16_t port = 41000; port < 41010; ++port)
    EXPECT_NE(backend_of(from_client(external(), port)), first);
}

TEST_P(ChoiceTest, MaglevChoosesAlikeOnEveryNode) {
  Service service = four_backends();
  service.has_maglev = true;
  publish(service, FL_FRONTEND_EXTERNAL);
  std::vector<Packet> before;
  for (std::uint16_t port = 40000; port < 40050; ++port)
    before.push_back(expect_masqueraded(from_client(external(), port)));
  tables().wipe_flows();  // a node that has seen none of it
  for (std::uint16_t port = 40000; port < 40050; ++port)
    EXPECT_EQ(expect_masqueraded(from_client(external(), port)).to, before[port - 40000U].to);
}

TEST_P(ChoiceTest, FlowWhoseEntryWasLostFindsItsBackendAndItsPort) {
  Service service = four_backends();
  service.has_maglev = true;
  publish(service, FL_FRONTEND_EXTERNAL);
  for (std::uint16_t port = 40000; port < 40020; ++port) {
    const Packet sent = from_client(external(), port);
    const Packet before = expect_masqueraded(sent);
    tables().wipe_flows();
    const Packet next = sent.with_flags(kAck).with_payload("the middle");
    const Packet after = expect_masqueraded(next);
    EXPECT_EQ(after.to, before.to);
    EXPECT_EQ(after.from, before.from);
    const Packet reply = answer_of(after);
    expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
    tables().wipe_flows();
  }
  if (is_tcp()) {
    EXPECT_EQ(tables().counter(FL_COUNT_FLOWS_RECOVERED), 20U);
  }
}

TEST_P(ChoiceTest, FlowsStayWithABackendThatGetsNoNewOnes) {
  publish(service_with({remote(0)}));
  const Packet sent = from_client(external());
  const Packet first = expect_masqueraded(sent);
  publish(service_with({remote(1)}));  // the other is terminating
  const Packet next = sent.with_flags(kAck).with_payload("more");
  expect_redirected(arrive(next), to_other_node(next, first.from, remote(0)));
  const Packet reply = answer_of(first);
  expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
  EXPECT_EQ(backend_of(from_client(external(), 40001)), remote(1));
}

TEST_P(ChoiceTest, FlowsStayWhenTheServiceIsGone) {
  publish(service_with({remote(0)}));
  const Packet sent = from_client(external());
  const Packet first = expect_masqueraded(sent);
  tables().retract(external(), protocol());
  const Packet next = sent.with_flags(kAck).with_payload("more");
  expect_redirected(arrive(next), to_other_node(next, first.from, remote(0)));
}

}  // namespace
}  // namespace fairlead::test
