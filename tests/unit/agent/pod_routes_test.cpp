// Nodes -> what the network is told to write, and when.
#include "agent/pod_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <mutex>

#include "dataplane/kernel/fd.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr SteadyTime kStart{std::chrono::hours(1)};

PodRoutesTimes quick() {
  PodRoutesTimes times;
  times.settle = 50ms;
  times.retry_first = 100ms;
  times.retry_limit = 300ms;
  times.compare_period = 60s;
  times.repair_burst = 2;
  times.repair_period = 10s;
  return times;
}

struct ScheduleTest : ::testing::Test {
  PodRoutesSchedule schedule{quick()};
  SteadyTime at = kStart;

  void write(bool succeeded = true, bool wrote = true) {
    schedule.started();
    schedule.done({.succeeded = succeeded, .wrote = wrote}, at);
  }
};

TEST_F(ScheduleTest, NothingIsDueUntilSomethingChanges) {
  EXPECT_EQ(schedule.due(at), SteadyTime::max());
  schedule.foreign_change(at);  // there is nothing of ours yet
  EXPECT_EQ(schedule.due(at), SteadyTime::max());
}

TEST_F(ScheduleTest, ChangesSettleButDoNotPutEachOtherOff) {
  schedule.changed(at);
  schedule.changed(at + 40ms);
  EXPECT_EQ(schedule.due(at + 40ms), at + 50ms);
  write();
  EXPECT_EQ(schedule.due(at), at + 60s);
}

TEST_F(ScheduleTest, FailuresAreTriedAgainLaterAndLater) {
  schedule.changed(at);
  for (const auto wait : {100ms, 200ms, 300ms, 300ms}) {
    write(false);
    EXPECT_EQ(schedule.due(at), at + wait);
    schedule.changed(at);  // does not hurry it
    EXPECT_EQ(schedule.due(at), at + wait);
  }
  write(true);
  EXPECT_EQ(schedule.failures_in_a_row(), 0U);
  write(false);
  EXPECT_EQ(schedule.due(at), at + 100ms);
}

TEST_F(ScheduleTest, WhatOthersChangeIsRepairedAtOnceButNotForEver) {
  schedule.changed(at);
  write();
  for (int repair = 0; repair < 2; ++repair) {
    schedule.foreign_change(at);
    EXPECT_EQ(schedule.due(at), at);
    write();
  }
  schedule.foreign_change(at);
  EXPECT_EQ(schedule.due(at), at + 10s);
  at += 10s;
  EXPECT_EQ(schedule.due(at), at);
}

TEST_F(ScheduleTest, ALookThatFindsAllInPlaceIsNoRepair) {
  schedule.changed(at);
  write();
  for (int look = 0; look < 10; ++look) {
    schedule.foreign_change(at);
    EXPECT_EQ(schedule.due(at), at);
    write(true, false);
  }
}

struct FakeNetwork : podnet::Network {
  struct Log {
    std::mutex mutex;
    std::vector<podnet::NetworkPlan> plans;
    std::vector<std::string> problems;
    unsigned failures = 0;
    podnet::NetworkReport answer{};
    Fd wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  };
  explicit FakeNetwork(Log& log) : log_(log) {}

  Result<podnet::NetworkReport> apply(const podnet::NetworkPlan& plan) override {
    const std::lock_guard lock(log_.mutex);
    log_.plans.push_back(plan);
    if (log_.failures > 0) {
      --log_.failures;
      return invalid("the kernel refuses");
    }
    podnet::NetworkReport report = log_.answer;
    report.added = 1;
    report.problems = log_.problems;
    return report;
  }
  [[nodiscard]] int monitor_fd() const override { return log_.wake.get(); }
  Result<bool> foreign_change() override {
    eventfd_t count = 0;
    return ::eventfd_read(log_.wake.get(), &count) == 0;
  }
  Result<> clean_up() override { return {}; }

 private:
  Log& log_;
};

struct PodRoutesTest : ::testing::Test {
  PodRoutesTest() {
    boost::asio::co_spawn(io, routes.run(), boost::asio::detached);
    boost::asio::co_spawn(io, routes.watch_kernel(), boost::asio::detached);
  }
  ~PodRoutesTest() override {
    routes.stop();
    io.run_for(10s);
  }

  static PodRoutesOptions options() {
    PodRoutesOptions made;
    made.own_node = "own";
    made.times.settle = 1ms;
    made.times.retry_first = 1ms;
    return made;
  }
  static Node node(const std::string& name, std::string_view address, std::string_view cidr) {
    Node made;
    made.name = name;
    made.addresses = {parse_ip(address).value()};
    made.pod_cidrs = {parse_cidr(cidr).value()};
    return made;
  }
  std::size_t writes() {
    const std::lock_guard lock(network.mutex);
    return network.plans.size();
  }
  /// Until so many were written, and what is ready then was done.
  void run_until_writes(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (writes() < count && std::chrono::steady_clock::now() < deadline)
      io.run_one_until(deadline);
    while (!routes.is_written() && std::chrono::steady_clock::now() < deadline)
      io.run_one_until(deadline);
    ASSERT_EQ(writes(), count);
  }
  std::vector<std::string> nodes_written() {
    std::vector<std::string> names;
    for (const auto& [name, written] : network.plans.back().nodes) names.push_back(name);
    return names;
  }

  FakeNetwork::Log network;
  std::string text;
  int tunnels_told = 0;
  boost::asio::io_context io{1};
  PodRoutes routes{io, options(), std::make_unique<FakeNetwork>(network),
                   log::Logger({.capture = &text}), [this] { ++tunnels_told; }};
};

TEST_F(PodRoutesTest, NothingIsWrittenUntilAllNodesWereListed) {
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  routes.node(node("other", "192.0.2.2", "10.244.2.0/24"));
  io.poll();
  EXPECT_EQ(writes(), 0U);
  routes.synced();
  run_until_writes(1);
  EXPECT_THAT(nodes_written(), ElementsAre("other", "own"));
  EXPECT_THAT(network.plans[0].own_pod_cidrs, ElementsAre(parse_cidr("10.244.1.0/24").value()));
}

TEST_F(PodRoutesTest, TheTunnelIsToldWhenItIsAnotherOrMadeAnew) {
  network.answer.device = podnet::VxlanDevice{.name = "flvx0",
                                              .vni = 201,
                                              .port = Port{4789},
                                              .local = parse_ip("192.0.2.1").value(),
                                              .underlay = 4,
                                              .mac = {2, 1},
                                              .mtu = 1450,
                                              .addresses = {}};
  network.answer.forwarding = {{.mac = {2, 2}, .remote = parse_ip("192.0.2.2").value()}};
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  routes.synced();
  run_until_writes(1);
  ASSERT_TRUE(routes.tunnel());
  EXPECT_EQ(routes.tunnel()->device, "flvx0");
  EXPECT_EQ(routes.tunnel()->underlay, 4);
  EXPECT_THAT(routes.tunnel()->nodes,
              ElementsAre(std::pair(Tunnel::Mac{2, 2}, parse_ip("192.0.2.2").value())));
  EXPECT_EQ(tunnels_told, 1);
  routes.node(node("other", "192.0.2.2", "10.244.2.0/24"));
  run_until_writes(2);
  {
    const std::lock_guard lock(network.mutex);
    network.answer.device_made = true;
  }
  routes.node_gone("other");
  run_until_writes(3);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (tunnels_told < 2 && std::chrono::steady_clock::now() < deadline)
    io.run_one_until(deadline);
  EXPECT_EQ(tunnels_told, 2);
}

TEST_F(PodRoutesTest, WithoutThisNodesNodeNothingIsWritten) {
  routes.node(node("other", "192.0.2.2", "10.244.2.0/24"));
  routes.synced();
  io.poll();
  EXPECT_EQ(writes(), 0U);
  EXPECT_THAT(text, HasSubstr("waits for this node's Node node=own"));
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  run_until_writes(1);
}

TEST_F(PodRoutesTest, ThisNodesNodeIsKeptWhenItIsDeleted) {
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  routes.node(node("other", "192.0.2.2", "10.244.2.0/24"));
  routes.synced();
  run_until_writes(1);
  routes.node_gone("own");
  routes.node_gone("other");
  run_until_writes(2);
  EXPECT_THAT(nodes_written(), ElementsAre("own"));
}

TEST_F(PodRoutesTest, ThisNodeKeepsWhatItHasWhenItsNodeRegistersAnew) {
  const Node own = node("own", "192.0.2.1", "10.244.1.0/24");
  routes.node(own);
  routes.synced();
  run_until_writes(1);
  Node anew;
  anew.name = "own";
  routes.node(anew);
  routes.node(node("other", "192.0.2.2", "10.244.2.0/24"));
  run_until_writes(2);
  EXPECT_EQ(network.plans[1].nodes.at("own"), own);
}

TEST_F(PodRoutesTest, AHeartbeatOfANodeWritesNothing) {
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  routes.synced();
  run_until_writes(1);
  Node again = node("own", "192.0.2.1", "10.244.1.0/24");
  again.zone = "b";
  routes.node(again);
  again.addresses = {parse_ip("192.0.2.7").value()};
  routes.node(again);
  run_until_writes(2);
  EXPECT_EQ(network.plans[1].nodes.at("own").addresses[0], parse_ip("192.0.2.7").value());
}

TEST_F(PodRoutesTest, AFailureIsSaidOnceAndTriedAgain) {
  network.failures = 3;
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  routes.synced();
  run_until_writes(4);
  const std::string said = "cannot connect the nodes' pods, will try again: the kernel refuses";
  const auto first = text.find(said);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find(said, first + 1), std::string::npos);
  EXPECT_THAT(routes.problems(), IsEmpty());
}

TEST_F(PodRoutesTest, AProblemIsSaidOnceAndKept) {
  network.problems = {"Node other: it has no podCIDRs"};
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  routes.synced();
  run_until_writes(1);
  const std::size_t length = text.size();
  EXPECT_THAT(text, HasSubstr("Node other: it has no podCIDRs"));
  EXPECT_THAT(routes.problems(), ElementsAre("Node other: it has no podCIDRs"));
  ::eventfd_write(network.wake.get(), 1);
  run_until_writes(2);
  EXPECT_THAT(text.substr(length), Not(HasSubstr("podCIDRs")));
}

TEST_F(PodRoutesTest, WhatOthersChangeIsWrittenAgain) {
  routes.node(node("own", "192.0.2.1", "10.244.1.0/24"));
  routes.synced();
  run_until_writes(1);
  ::eventfd_write(network.wake.get(), 1);
  run_until_writes(2);
}

}  // namespace
}  // namespace fairlead
