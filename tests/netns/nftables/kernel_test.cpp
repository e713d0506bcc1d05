// What the datapath finds in the kernel and leaves there: adoption, repair, minimal writes, and
// what operators see.
#include <gmock/gmock.h>
#include <poll.h>

#include <map>
#include <set>

#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

using testing::HasSubstr;

const SyncReport kNothingWritten{};

bool operator==(const SyncReport& a, const SyncReport& b) {
  return a.elements_added == b.elements_added && a.elements_removed == b.elements_removed &&
         a.transactions == b.transactions;
}

class Kernel : public ClusterTest {
 protected:
  const Addresses at = addresses_of(Family::kIpv4);

  [[nodiscard]] ServicePlan web(std::vector<Backend> backends) const {
    return service("web", Protocol::kTcp, Family::kIpv4,
                   {cluster_ip(at.service, 80), node_port(Family::kIpv4, 30080)},
                   std::move(backends));
  }
  [[nodiscard]] static Backend pod(std::string_view name) { return backend(name, Family::kIpv4); }
  [[nodiscard]] Answer from_pod2(Protocol protocol = Protocol::kTcp,
                                 std::uint16_t from_port = 0) const {
    Ask question;
    question.protocol = protocol;
    question.to = at.service;
    question.port = {80};
    question.from_port = from_port;
    return ask(world->pod2, question);
  }
  void restart_agent() {
    datapath.reset();
    datapath = open_datapath();
  }
  // Waits until the monitor's descriptor is readable.
  [[nodiscard]] bool told_of_foreign_change() const {
    pollfd monitor{datapath->monitor_fd(), POLLIN, 0};
    if (::poll(&monitor, 1, 1000) != 1) return false;
    auto changed = datapath->foreign_change();
    EXPECT_TRUE(changed) << changed.error().doing;
    return changed.value_or(false);
  }
  void nft(const std::string& arguments) const { world->node.sh("nft " + arguments); }

  // Plans that use every set there is.
  [[nodiscard]] Plan everything() const {
    Plan plan;
    plan.node = settings();
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const Addresses a = addresses_of(family);
      Frontend guarded = load_balancer(a.balancer, 80);
      guarded.source_ranges = {a.pods};
      const Verdict pods = forward(BackendGroup::kCluster, false),
                    host = forward(BackendGroup::kCluster, true),
                    outside = forward(BackendGroup::kLocal, false);
      ServicePlan sticky = service(
          "sticky", Protocol::kTcp, family,
          {cluster_ip(a.service, 80), node_port(family, 30080), guarded,
           frontend(FrontendKind::kNodePort, any_address(family), 30081, pods, host, outside)},
          {backend("pod1", family), backend("far", family)}, {backend("pod1", family)});
      sticky.affinity = std::chrono::hours(3);
      plan.services[sticky.name.service].push_back(sticky);
      ServicePlan dns =
          service("dns", Protocol::kUdp, family, {cluster_ip(a.service2, 53)},
                  {backend("pod1", family), backend("pod2", family), backend("far", family)});
      plan.services[dns.name.service].push_back(dns);
    }
    return plan;
  }
};

TEST_F(Kernel, IdenticalKernelGetsNoWriteAfterRestart) {
  const Plan plan = everything();
  EXPECT_EQ(resync(plan).transactions, 1U);
  EXPECT_TRUE(resync(plan) == kNothingWritten);
  restart_agent();
  EXPECT_TRUE(resync(plan) == kNothingWritten);
}

TEST_F(Kernel, ConnectionsOutliveAFlush) {
  resync(plan_of(settings(), {web({pod("pod1")})}));
  Connection connection(world->pod2, at.service, {80});
  const Answer answer = connection.ask();
  EXPECT_EQ(answer.server, "pod1");
  for (int i = 0; i < 5; ++i) {
    restart_agent();
    nft("flush table inet fairlead");
    resync(plan_of(settings(), {web({pod("far")})}));
    EXPECT_EQ(connection.ask(), answer);
    EXPECT_EQ(from_pod2().server, "far");
  }
  nft("delete table inet fairlead");
  resync(plan_of(settings(), {web({pod("far")})}));
  EXPECT_EQ(connection.ask(), answer);
}

TEST_F(Kernel, OwnCommitsAreNotForeignAndOthersAre) {
  resync(everything());
  remove("dns");
  EXPECT_FALSE(told_of_foreign_change());
  nft("add table inet flt-neighbour");
  EXPECT_FALSE(told_of_foreign_change());
  nft("flush table inet fairlead");
  EXPECT_TRUE(told_of_foreign_change());
}

TEST_F(Kernel, WhateverWasDoneToTheTableIsRepaired) {
  const Plan plan = plan_of(settings(), {web({pod("pod1")})});
  const char* damages[] = {
      "flush table inet fairlead",
      "delete table inet fairlead",
      "flush chain inet fairlead services4",
      "flush map inet fairlead frontends4",
      "flush map inet fairlead backends4",
      "flush map inet fairlead start4",
      "add element inet fairlead cluster-ips4 { 192.0.2.1 }",
      "insert rule inet fairlead services4 drop",
      "add chain inet fairlead junk { type filter hook prerouting priority 0; policy drop; }",
      "add set inet fairlead junk { type ipv4_addr; }",
      "add map inet fairlead junk { type ipv4_addr : verdict; elements = { 192.0.2.1 : goto "
      "draw4-1 }; }",
  };
  for (const char* damage : damages) {
    SCOPED_TRACE(damage);
    resync(plan);
    nft(std::string("'") + damage + "'");
    EXPECT_TRUE(told_of_foreign_change());
    EXPECT_EQ(resync(plan).transactions, 1U);
    EXPECT_EQ(from_pod2().server, "pod1");
    EXPECT_TRUE(resync(plan) == kNothingWritten);
  }
}

TEST_F(Kernel, WhatIsNotInUseWhileItIsRepairedServesLater) {
  const std::string damages[] = {"flush table inet fairlead", "flush chain inet fairlead draw4-1",
                                 "flush map inet fairlead draw4", "flush map inet fairlead start4"};
  for (const std::string& damage : damages) {
    SCOPED_TRACE(damage);
    resync(plan_of(settings(), {web({pod("pod1")})}));
    apply(web({}));
    nft("'" + damage + "'");
    resync(plan_of(settings(), {web({})}));
    apply(web({pod("pod1")}));
    EXPECT_EQ(from_pod2().server, "pod1");
  }
}

TEST_F(Kernel, OneEndpointCostsAFewElements) {
  resync(plan_of(settings(), {web({pod("pod1"), pod("pod2")})}));
  const SyncReport more = apply(web({pod("far"), pod("pod1"), pod("pod2")}));
  EXPECT_LE(more.elements_added + more.elements_removed, 5U);
  const SyncReport fewer = apply(web({pod("far"), pod("pod2")}));
  EXPECT_LE(fewer.elements_added + fewer.elements_removed, 8U);
  EXPECT_TRUE(apply(web({pod("far"), pod("pod2")})) == kNothingWritten);
  EXPECT_TRUE(resync(plan_of(settings(), {web({pod("far"), pod("pod2")})})) == kNothingWritten);
}

TEST_F(Kernel, ARefusedTransactionIsAClearErrorAndChangesNothing) {
  resync(plan_of(settings(), {web({pod("pod1")})}));
  nft("flush map inet fairlead frontends4");
  const ServicePlans nothing;
  const ServiceChange change{{"default", "web"}, &nothing};
  const auto report = datapath->apply({&change, 1});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().doing,
              HasSubstr("delete elements of frontends4: No such file or directory"));
  resync(plan_of(settings(), {web({pod("pod1")})}));
  EXPECT_EQ(from_pod2().server, "pod1");
}

TEST_F(Kernel, OperatorsReadTheTableWithNft) {
  resync(everything());
  const std::string listing = world->node.output_of("nft list table inet fairlead; echo status=$?");
  EXPECT_THAT(listing, HasSubstr("10.96.0.10 . tcp . 80 : "));
  EXPECT_THAT(listing, HasSubstr("fd00:96::11 . udp . 53 : "));
  EXPECT_THAT(listing, HasSubstr("comment \"default/dns UDP IPv6\""));
  EXPECT_THAT(listing, HasSubstr("10.244.1.11 . 8080"));
  EXPECT_THAT(listing, HasSubstr("comment \"start4[services[frontends4 >> 3]]\""));
  EXPECT_THAT(listing, HasSubstr("type nat hook prerouting priority"));
  EXPECT_THAT(world->node.output_of("sh -c 'nft list ruleset >/dev/null 2>&1; echo status=$?'"),
              HasSubstr("status=0"));
}

TEST_F(Kernel, CleanupLeavesNothingAndSucceedsTwice) {
  resync(everything());
  EXPECT_TRUE(datapath->cleanup());
  EXPECT_TRUE(datapath->cleanup());
  EXPECT_EQ(world->node.output_of("nft list tables").find("fairlead"), std::string::npos);
}

}  // namespace
}  // namespace fairlead::test
