// The tests of the packet path, each for both families, TCP and UDP, XDP and tc.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "tests/bpf/harness/node.hpp"

namespace fairlead::test {

/// Asserts about outcomes. `what` is for the reader of a failure.
void expect_passed_untouched(const Outcome& outcome, const Packet& sent);
/// To the stack, as these very bytes.
void expect_passed(const Outcome& outcome, const Packet& expected);
void expect_dropped(const Outcome& outcome);
/// Redirected, and these very bytes.
void expect_redirected(const Outcome& outcome, const Packet& expected);
/// The packet as it went on, however it did; a test failure and an empty packet if it is none.
Packet packet_of(const Outcome& outcome);

/// One loaded node for all tests of a suite; each begins with fresh tables.
class NodeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite() { node_.reset(); }
  void SetUp() override;

  static Node& node() { return *node_; }
  static Tables& tables() { return node_->tables(); }

 private:
  static std::unique_ptr<Node> node_;
};

struct PathParameter {
  Family family;
  Protocol protocol;
  Ingress ingress;
};
std::string to_string(const PathParameter& parameter);

class PathTest : public NodeTest, public ::testing::WithParamInterface<PathParameter> {
 protected:
  PathTest() : world(GetParam().family) {}

  [[nodiscard]] bool is_v6() const { return GetParam().family == Family::kIpv6; }
  [[nodiscard]] bool is_tcp() const { return GetParam().protocol == Protocol::kTcp; }
  [[nodiscard]] Protocol protocol() const { return GetParam().protocol; }
  [[nodiscard]] Ip any() const { return any_address(GetParam().family); }

  /// A client's first packet, as the router hands it to this node.
  [[nodiscard]] Packet from_client(const Endpoint& to, std::uint16_t port = 40000) const;
  /// A local pod's first packet.
  [[nodiscard]] Packet from_pod(const Endpoint& to, std::uint16_t port = 40000) const;
  Outcome arrive(const Packet& packet) {
    return node().arrive(bytes_of(packet), GetParam().ingress);
  }
  /// From the pod's side: only tc runs there.
  Outcome arrive_from_pod(const Packet& packet) {
    return node().arrive(bytes_of(packet), Ingress::kTc, kPod0);
  }

  /// A Service of the test's protocol with these backends in both groups where they are local.
  [[nodiscard]] Service service_with(const std::vector<Endpoint>& remote,
                                     const std::vector<Endpoint>& local = {}) const;

  World world;
};

std::vector<PathParameter> all_paths();
/// For what TCP alone has, or where XDP has no part.
std::vector<PathParameter> paths_of(Protocol protocol);

#define FAIRLEAD_ALL_PATHS(suite)                                     \
  INSTANTIATE_TEST_SUITE_P(, suite, ::testing::ValuesIn(all_paths()), \
                           [](const auto& i) { return to_string(i.param); })
#define FAIRLEAD_PATHS_OF(suite, which)                                   \
  INSTANTIATE_TEST_SUITE_P(, suite, ::testing::ValuesIn(paths_of(which)), \
                           [](const auto& i) { return to_string(i.param); })

}  // namespace fairlead::test
