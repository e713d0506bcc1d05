// kube-proxy's health answers, with clocks that the test moves.
#include "agent/health.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/unit/agent/fakes.hpp"

namespace fairlead {
namespace {

using std::chrono::seconds;

class HealthOfAnAgent : public ::testing::Test {
 protected:
  [[nodiscard]] Now now() const {
    return {.steady = SteadyTime(seconds(1000) + elapsed),
            .wall = Time(seconds(1'790'000'000) + elapsed)};
  }
  void sync(bool succeeds) {
    while (auto job = reconciler.next(now().steady).job) {
      reconciler.done(*job, succeeds, now().steady);
      if (!succeeds) break;
      health.sync_succeeded(now());
    }
  }
  void list_all() {
    for (const auto resource : client::kResources) reconciler.listed(resource, now().steady);
  }
  static boost::json::object parse(const HealthAnswer& answer) {
    return boost::json::parse(answer.body).as_object();
  }

  seconds elapsed{0};
  Planner planner{PlanOptions{}};
  Reconciler reconciler{planner, {.compare_period = std::chrono::hours(100)}};
  Health health{reconciler, seconds(60)};
  Node node;
};

TEST_F(HealthOfAnAgent, WithoutAnApiServerItIsLiveButNotReady) {
  elapsed = seconds(100'000);
  EXPECT_TRUE(health.livez(now()).ok);
  EXPECT_FALSE(health.readyz(now()).ok);
  EXPECT_FALSE(health.healthz(now()).ok) << "the Node is unknown";
}

TEST_F(HealthOfAnAgent, IsReadyAfterTheFirstSync) {
  list_all();
  EXPECT_FALSE(health.readyz(now()).ok);
  sync(true);
  EXPECT_TRUE(health.readyz(now()).ok);
}

TEST_F(HealthOfAnAgent, AStuckChangeMakesItUnhealthyUntilItIsWritten) {
  health.set_node(&node);
  list_all();
  sync(true);
  planner.set_service(service("web", "10.96.0.1"));
  reconciler.planner_changed(now().steady);
  sync(false);
  elapsed = seconds(60);
  sync(false);
  EXPECT_TRUE(health.healthz(now()).ok);
  elapsed = seconds(61);
  EXPECT_FALSE(health.healthz(now()).ok);
  EXPECT_FALSE(health.livez(now()).ok);
  EXPECT_FALSE(health.readyz(now()).ok);
  elapsed = seconds(200);
  sync(true);
  EXPECT_TRUE(health.healthz(now()).ok);
  EXPECT_TRUE(health.livez(now()).ok);
}

TEST_F(HealthOfAnAgent, LoadBalancersAvoidANodeThatGoesAway) {
  list_all();
  sync(true);
  health.set_node(&node);
  EXPECT_TRUE(health.healthz(now()).ok);
  node.taint_keys = {"node.kubernetes.io/unschedulable"};
  health.set_node(&node);
  EXPECT_TRUE(health.healthz(now()).ok);
  node.taint_keys = {"ToBeDeletedByClusterAutoscaler"};
  health.set_node(&node);
  EXPECT_FALSE(health.healthz(now()).ok);
  EXPECT_TRUE(health.livez(now()).ok);
  node.taint_keys = {};
  node.being_deleted = true;
  health.set_node(&node);
  EXPECT_FALSE(health.healthz(now()).ok);
  health.set_node(nullptr);
  EXPECT_FALSE(health.healthz(now()).ok);
}

TEST_F(HealthOfAnAgent, AnswersInKubeProxysWords) {
  list_all();
  sync(true);
  health.set_node(&node);
  elapsed = seconds(5);
  const auto healthy = parse(health.healthz(now()));
  EXPECT_EQ(healthy.at("lastUpdated"), healthy.at("currentTime"));
  EXPECT_EQ(healthy.at("nodeEligible"), true);
  EXPECT_EQ(healthy.at("healthy"), true);
  EXPECT_EQ(healthy.at("status").at("IPv4").at("healthy"), true);
  EXPECT_EQ(healthy.at("status").at("IPv6").at("healthy"), true);
  EXPECT_FALSE(parse(health.livez(now())).contains("nodeEligible"));

  planner.set_service(service("web", "10.96.0.1"));
  reconciler.planner_changed(now().steady);
  elapsed = seconds(1000);
  const auto stuck = parse(health.healthz(now()));
  EXPECT_EQ(stuck.at("healthy"), false);
  EXPECT_NE(stuck.at("lastUpdated"), stuck.at("currentTime"));
  EXPECT_EQ(stuck.at("status").at("IPv4").at("healthy"), false);
}

}  // namespace
}  // namespace fairlead
