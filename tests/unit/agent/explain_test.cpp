// The path of a packet through a plan, in words.
#include "agent/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/plan_json.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace fairlead {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Explaining : public ::testing::Test {
 protected:
  Explaining() {
    PlanOptions options;
    options.node = "node1";
    options.detect_local = {.mode = DetectLocal::Mode::kCidr,
                            .cidrs = {parse_cidr("10.244.0.0/16").value()},
                            .interface = ""};
    options.service_cidrs = {parse_cidr("10.96.0.0/16").value()};
    planner.set_options(options);
    Node node;
    node.name = "node1";
    node.addresses = {parse_ip("192.0.2.1").value()};
    planner.set_node(node);
    Service web = service("web", "10.96.0.10");
    web.type = ServiceType::kLoadBalancer;
    web.ports[0].node_port = Port{30080};
    web.load_balancer_ips = {parse_ip("198.51.100.1").value()};
    web.source_ranges = {parse_cidr("203.0.113.0/24").value()};
    planner.set_service(web);
    planner.set_slice(slice_of("web", {"10.244.1.5"}, "node1"));
    planner.set_service(service("empty", "10.96.0.11"));
    Service local = service("local", "10.96.0.12");
    local.internal_traffic_policy = TrafficPolicy::kLocal;
    planner.set_service(local);
    planner.set_slice(slice_of("local", {"10.244.2.5"}, "node2"));
    planner.update();
  }

  Explanation ask(std::string_view source, std::string_view destination, std::uint16_t port,
                  Protocol protocol = Protocol::kTcp) {
    return explain(planner.plan(), {parse_ip("192.0.2.1").value()},
                   {parse_ip(source).value(), parse_ip(destination).value(), Port{port}, protocol});
  }

  Planner planner{PlanOptions{}};
};

TEST_F(Explaining, APodThatReachesAClusterIp) {
  const auto result = ask("10.244.1.7", "10.96.0.10", 80);
  EXPECT_EQ(result.scope, Scope::kInternal);
  EXPECT_EQ(result.outcome, Outcome::kForward);
  EXPECT_FALSE(result.masquerade);
  EXPECT_THAT(result.backends, SizeIs(1));
  EXPECT_THAT(result.reasons, Contains(HasSubstr("10.96.0.10:80 is a ClusterIP of ns/web")));
}

TEST_F(Explaining, AClientOutsideThroughANodePort) {
  const auto result = ask("203.0.113.9", "192.0.2.1", 30080);
  EXPECT_EQ(result.scope, Scope::kExternal);
  EXPECT_EQ(result.outcome, Outcome::kForward);
  EXPECT_TRUE(result.masquerade);
  EXPECT_EQ(result.frontend->kind, FrontendKind::kNodePort);
  EXPECT_EQ(ask("203.0.113.9", "192.0.2.2", 30080).outcome, Outcome::kNotAService);
}

TEST_F(Explaining, TheNodeItself) {
  EXPECT_EQ(ask("192.0.2.1", "10.96.0.10", 80).scope, Scope::kHost);
}

TEST_F(Explaining, WhatIsRejectedAndDroppedAndWhy) {
  EXPECT_EQ(ask("203.0.113.9", "198.51.100.1", 80).outcome, Outcome::kForward);
  const auto barred = ask("198.51.100.77", "198.51.100.1", 80);
  EXPECT_EQ(barred.outcome, Outcome::kDrop);
  EXPECT_THAT(barred.reasons, Contains(HasSubstr("none of loadBalancerSourceRanges")));
  const auto empty = ask("10.244.1.7", "10.96.0.11", 80);
  EXPECT_EQ(empty.outcome, Outcome::kReject);
  EXPECT_THAT(empty.backends, IsEmpty());
  EXPECT_EQ(ask("10.244.1.7", "10.96.0.12", 80).outcome, Outcome::kDrop);
  EXPECT_EQ(ask("10.244.1.7", "10.96.0.10", 81).outcome, Outcome::kReject);
  EXPECT_EQ(ask("10.244.1.7", "10.96.0.10", 80, Protocol::kUdp).outcome, Outcome::kReject);
  EXPECT_EQ(ask("10.244.1.7", "10.96.9.9", 80).outcome, Outcome::kDrop);
  EXPECT_EQ(ask("10.244.1.7", "192.0.2.77", 80).outcome, Outcome::kNotAService);
}

TEST_F(Explaining, IsShownAsJson) {
  const Packet packet{parse_ip("10.244.1.7").value(), parse_ip("10.96.0.10").value(), Port{80},
                      Protocol::kTcp};
  const auto json = to_json(packet, explain(planner.plan(), {}, packet));
  EXPECT_EQ(json.at("packet"), "10.244.1.7 -> 10.96.0.10:80/TCP");
  EXPECT_EQ(json.at("service"), "ns/web");
  EXPECT_EQ(json.at("outcome"), "forward");
  EXPECT_EQ(json.at("backends").as_array().at(0).at("address"), "10.244.1.5");
}

TEST_F(Explaining, WhatTheKernelsProgramDidIsShownBesideThePlan) {
  const Packet packet{parse_ip("10.244.1.7").value(), parse_ip("10.96.0.10").value(), Port{80},
                      Protocol::kTcp};
  const Explanation explanation = explain(planner.plan(), {}, packet);
  EXPECT_FALSE(to_json(packet, explanation).contains("kernel"));
  const Trace trace{.decisions = {"the frontend's word says forward"},
                    .backend = Backend{parse_ip("10.244.1.5").value(), Port{8080}}};
  const auto told = to_json(packet, explanation, std::optional(trace));
  EXPECT_EQ(told.at("kernel").at("backend"), "10.244.1.5:8080");
  EXPECT_EQ(told.at("kernel").at("decisions").at(0), "the frontend's word says forward");
  const auto refused = to_json(packet, explanation, system_error(EPERM, "run the program"));
  EXPECT_THAT(std::string(refused.at("kernel").at("error").as_string()),
              testing::HasSubstr("run the program"));
}

TEST_F(Explaining, ServicesAreListedWithTheirFrontends) {
  const auto rows = services_json(planner.plan());
  EXPECT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows.at(2).at("service"), "ns/web");
  EXPECT_THAT(rows.at(2).at("frontends").as_array(), SizeIs(3));
  EXPECT_EQ(rows.at(2).at("backends").as_array().at(0).at("local"), true);
}

}  // namespace
}  // namespace fairlead
