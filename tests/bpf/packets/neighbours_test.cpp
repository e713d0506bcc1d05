// Whom new flows are left to: the datapath that comes after, Linux conntrack; and `fairlead
// explain`, which must not make any.
#include <arpa/inet.h>

#include <cstdlib>

#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class NeighboursTest : public PathTest {
 protected:
  /// An entry of conntrack, the only one, that translates `sent` to `backend`.
  void give_to_conntrack(const Packet& sent, const Endpoint& backend) const {
    const std::string command = "conntrack -F >/dev/null 2>&1; conntrack -I -p " +
                                std::string(is_tcp() ? "tcp --state ESTABLISHED" : "udp") + " -s " +
                                to_string(sent.from.ip) + " -d " + to_string(sent.to.ip) +
                                " --sport " + std::to_string(sent.from.port) + " --dport " +
                                std::to_string(sent.to.port) + " --dst-nat " +
                                to_string(backend.ip) + " --timeout 100 >/dev/null 2>&1";
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
};
FAIRLEAD_ALL_PATHS(NeighboursTest);

TEST_P(NeighboursTest, DrainingKeepsFlowsAndBeginsNone) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = expect_masqueraded(sent);
  tables().config().mode = FL_MODE_DRAINING;
  const Packet next = sent.with_flags(kAck).with_payload("more");
  expect_redirected(arrive(next), to_other_node(next, forwarded.from, forwarded.to));
  const Packet reply = answer_of(forwarded);
  expect_redirected(arrive(reply), to_client(reply, external(), sent.from));
  const Packet other = from_client(external(), 40001);
  expect_passed_untouched(arrive(other), other);
}

TEST_P(NeighboursTest, DrainingRefusesAndDropsNothing) {
  fl_config& config = tables().config();
  config.mode = FL_MODE_DRAINING;
  config.service_prefix_count = 1;
  config.service[0] = abi_prefix(world.service_range);
  tables().mark(world.cluster_ip, FL_ADDRESS_CLUSTER_IP);
  for (const Ip& to : {world.cluster_ip, world.unallocated}) {
    const Packet sent = from_client({to, 99});
    expect_passed_untouched(arrive(sent), sent);
  }
}

TEST_P(NeighboursTest, ConntracksFlowsAreLeftToConntrack) {
  publish_external();
  const Packet sent = from_client(external(), 45000).with_flags(kAck).with_payload("old");
  give_to_conntrack(sent, remote(1));
  expect_passed_untouched(arrive(sent), sent);
  EXPECT_GE(tables().counter(FL_COUNT_FOREIGN_PACKETS), 1U);
  expect_masqueraded(from_client(external(), 40001));
}

TEST_P(NeighboursTest, ExplainSaysWhatWouldHappenAndChangesNothing) {
  Service service = service_with({remote(0), remote(1)});
  service.affinity_seconds = 100;
  service.algorithm = FL_ALGORITHM_ROUND_ROBIN;
  tables().publish(external(), protocol(), tables().add(service), {});
  const Packet sent = from_client(external());
  const std::string before = tables().snapshot();
  fl_trace trace = node().explain(bytes_of(sent), kEth0);
  EXPECT_EQ(tables().snapshot(), before);
  EXPECT_EQ(trace.step, FL_TRACE_FRONTEND);
  EXPECT_EQ(trace.scope, FL_SCOPE_EXTERNAL);
  EXPECT_EQ(to_string(ip_of(trace.backend)), to_string(remote().ip));
  EXPECT_EQ(::ntohs(trace.backend_port), 8080);

  const Packet forwarded = expect_masqueraded(sent);
  const std::string with_flow = tables().snapshot();
  trace = node().explain(bytes_of(sent), kEth0);
  EXPECT_EQ(tables().snapshot(), with_flow);
  EXPECT_EQ(trace.step, FL_TRACE_FLOW);
  EXPECT_EQ(to_string(ip_of(trace.backend)), to_string(forwarded.to.ip));
  EXPECT_EQ(::ntohs(trace.new_source_port), forwarded.from.port);
}

}  // namespace
}  // namespace fairlead::test
