// The agent's part that connects the nodes, at work: how long a repair takes.
#include "agent/pod_routes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <net/if.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <iostream>

#include "tests/netns/podnet/fleet.hpp"

namespace fairlead::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Runs PodRoutes in the first node's namespace.
struct PodRoutesInKernel : FleetTest {
  PodRoutesInKernel() { options.direct_routing = false; }

  void with_routes(const std::function<void(boost::asio::io_context&, PodRoutes&)>& body) {
    nodes[0]->ns.run([&] {
      auto network = podnet::open_network();
      ASSERT_TRUE(network) << network.error().doing;
      boost::asio::io_context io{1};
      PodRoutesOptions wanted;
      wanted.own_node = "node-1";
      wanted.overlay = options;
      PodRoutes routes(io, wanted, std::move(*network), log::Logger({.capture = &text}));
      boost::asio::co_spawn(io, routes.run(), boost::asio::detached);
      boost::asio::co_spawn(io, routes.watch_kernel(), boost::asio::detached);
      for (const auto& [name, node] : objects) routes.node(node);
      routes.synced();
      body(io, routes);
      routes.stop();
      io.run_for(10s);
    });
  }
  static void run_until(boost::asio::io_context& io, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) io.run_one_for(10ms);
    EXPECT_TRUE(condition());
  }

  std::string text;
};

TEST_F(PodRoutesInKernel, NodesAreConnectedAndADeletedDeviceIsThereAgain) {
  nodes[1]->apply(plan(*nodes[1]));
  with_routes([&](boost::asio::io_context& io, PodRoutes& routes) {
    run_until(io, [&] { return routes.is_written(); });
    EXPECT_THAT(text, HasSubstr("the nodes' pods are connected nodes=2"));
    const unsigned index = ::if_nametoindex("flvx0");
    EXPECT_NE(index, 0U);
    nodes[0]->ns.ip("link delete flvx0");
    const auto start = std::chrono::steady_clock::now();
    run_until(io, [&] {
      const unsigned now = ::if_nametoindex("flvx0");
      return now != 0 && now != index;
    });
    run_until(io, [&] {
      return nodes[0]->ns.output_of("ip route").find("10.244.2.0 dev flvx0") != std::string::npos;
    });
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format("flvx0 and its routes were back after {:.1f} ms\n", took.count());
  });
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
}

TEST_F(PodRoutesInKernel, ANodeThatJoinsIsReachedAndOneThatLeavesIsForgotten) {
  with_routes([&](boost::asio::io_context& io, PodRoutes& routes) {
    run_until(io, [&] { return routes.is_written(); });
    Node joined = nodes[1]->object();
    joined.name = "joined";
    joined.addresses = {ip_of("198.51.100.7")};
    joined.pod_cidrs = {cidr_of("10.244.7.0/24")};
    const auto has_route = [&] {
      return nodes[0]->ns.output_of("ip route").find("10.244.7.0/24") != std::string::npos;
    };
    routes.node(joined);
    run_until(io, has_route);
    routes.node_gone("joined");
    run_until(io, [&] { return !has_route(); });
  });
}

}  // namespace
}  // namespace fairlead::test
