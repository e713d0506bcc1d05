// Connections that were begun before their address was programmed, and what of conntrack is left
// alone.
#include <linux/netlink.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "dataplane/kernel/conntrack.hpp"
#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

using namespace std::chrono_literals;

class Conntrack : public ClusterTest, public testing::WithParamInterface<Family> {
 protected:
  const Addresses at = addresses_of(GetParam());

  // A node has other rules that keep connection tracking on. Where ours were the only ones, the
  // kernel would not track what passes while they are flushed.
  void SetUp() override {
    ClusterTest::SetUp();
    if (IsSkipped()) return;
    world->node.sh(
        "nft 'add table inet flt-other; add chain inet flt-other passing { type filter hook "
        "forward priority 0; }; add rule inet flt-other passing ct state new accept'");
  }
  void TearDown() override {
    if (world != nullptr) world->node.sh("nft delete table inet flt-other");
    ClusterTest::TearDown();
  }

  [[nodiscard]] ServicePlan web(std::vector<Backend> backends) const {
    return service("web", Protocol::kTcp, GetParam(),
                   {cluster_ip(at.service, 80), node_port(GetParam(), 30080)}, std::move(backends));
  }
  [[nodiscard]] Backend pod1() const { return backend("pod1", GetParam()); }
  [[nodiscard]] Plan plan(std::vector<Backend> backends) const {
    return plan_of(settings(), {web(std::move(backends))});
  }

  // Entries of the node that are neither translated nor answered.
  [[nodiscard]] std::vector<ConntrackEntry> untouched() const {
    std::vector<ConntrackEntry> entries;
    world->node.run([&] {
      auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
      ASSERT_TRUE(socket);
      ASSERT_TRUE(list_conntrack(*socket, GetParam(), Protocol::kTcp,
                                 ConntrackSelection::kUntouched,
                                 [&](const ConntrackEntry& entry) { entries.push_back(entry); }));
    });
    return entries;
  }
  // The id of the entry of a connection; 0: there is none.
  [[nodiscard]] std::uint32_t entry_to(const Ip& ip, std::uint16_t port) const {
    for (const ConntrackEntry& entry : untouched())
      if (entry.destination == ip && entry.destination_port.host == port) return entry.id;
    return 0;
  }

  void wait_for_entry_to(const Ip& ip, std::uint16_t port) const {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (entry_to(ip, port) == 0)
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the first packet left no entry";
  }

  // A connection that is begun now. The kernel repeats its first packet after 1, 3 and 7 s.
  class Attempt {
   public:
    Attempt(const Conntrack& test, const Ip& ip, std::uint16_t port,
            std::chrono::milliseconds patience = 10s) {
      thread_ = std::jthread([this, ip, port, patience] {
        Ask question;
        question.to = ip;
        question.port = {port};
        question.patience = patience;
        answer_ = ask(world->pod2, question);
      });
      test.wait_for_entry_to(ip, port);
    }
    Answer outcome() {
      thread_.join();
      return answer_;
    }

   private:
    Answer answer_;
    std::jthread thread_;
  };

  void flush() const { world->node.sh("nft flush table inet fairlead"); }
};

TEST_P(Conntrack, AConnectionBegunWhileTheTableWasFlushedSucceedsAfterTheRepair) {
  resync(plan({pod1()}));
  flush();
  Attempt attempt(*this, at.service, 80);
  resync(plan({pod1()}));
  EXPECT_EQ(attempt.outcome().server, "pod1");
}

TEST_P(Conntrack, AConnectionBegunBeforeItsServiceWasProgrammedSucceeds) {
  // Without the range of ClusterIPs: in it, such packets are dropped, and leave nothing.
  NodeSettings node = settings();
  node.service_cidrs.clear();
  resync(plan_of(node, {}));
  Attempt attempt(*this, at.service, 80);
  apply(web({pod1()}));
  EXPECT_EQ(attempt.outcome().server, "pod1");
}

TEST_P(Conntrack, AConnectionWaitsForTheFirstEndpoint) {
  resync(plan({pod1()}));
  flush();
  Attempt attempt(*this, at.service, 80);
  resync(plan({}));
  // With nobody to go to it is left as it is; else it would be refused.
  EXPECT_NE(entry_to(at.service, 80), 0U);
  apply(web({pod1()}));
  EXPECT_EQ(attempt.outcome().server, "pod1");
}

TEST_P(Conntrack, ForeignAndEstablishedConnectionsAreLeftAlone) {
  resync(plan({pod1()}));
  Connection established(world->pod2, at.service, {80});
  const Answer answer = established.ask();
  flush();
  Attempt elsewhere(*this, at.unallocated, 80, 3s), other_port(*this, at.service, 81, 3s),
      ours(*this, at.service, 80);
  const std::uint32_t elsewhere_before = entry_to(at.unallocated, 80),
                      other_port_before = entry_to(at.service, 81);
  resync(plan({pod1()}));
  EXPECT_EQ(ours.outcome().server, "pod1");
  EXPECT_EQ(entry_to(at.unallocated, 80), elsewhere_before);
  EXPECT_EQ(entry_to(at.service, 81), other_port_before);
  EXPECT_EQ(established.ask(), answer);
}

INSTANTIATE_TEST_SUITE_P(, Conntrack, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& param) {
                           return std::string(param.param == Family::kIpv4 ? "Ipv4" : "Ipv6");
                         });

}  // namespace
}  // namespace fairlead::test
