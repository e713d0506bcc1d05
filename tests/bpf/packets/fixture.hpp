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
  static void SetUpTestSuite() { start({}); }
  static void start(const Sizes& sizes);
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

  /// What `sent` is on its way to a backend behind the other node, in a local pod, or to the
  /// client.
  [[nodiscard]] static Packet to_other_node(const Packet& sent, const Endpoint& from,
                                            const Endpoint& to);
  [[nodiscard]] static Packet to_local_pod(const Packet& sent, const Endpoint& from,
                                           const Endpoint& to);
  [[nodiscard]] static Packet to_client(const Packet& sent, const Endpoint& from,
                                        const Endpoint& to);
  /// The answer to what was sent to a backend behind the other node, as it arrives.
  [[nodiscard]] static Packet answer_of(const Packet& forwarded) {
    return forwarded.answered("answer");
  }

  /// Sends, and expects that it went to one of the remote pods, by a port of the node's own:
  /// the packet as it left.
  Packet expect_masqueraded(const Packet& sent);
  /// Sends, and expects that it went to `to` with the client's own address and port.
  void expect_at_local_pod(const Packet& sent, const Endpoint& to);

  /// A Service of the test's protocol with these backends in both groups where they are local.
  [[nodiscard]] Service service_with(const std::vector<Endpoint>& remote,
                                     const std::vector<Endpoint>& local = {}) const;

  /// Makes a Service with these remote backends on port 8080 and publishes it as a LoadBalancer's
  /// address, masqueraded for clients from outside.
  std::uint32_t publish_external(std::size_t backends = 1, int bits = FL_FRONTEND_EXTERNAL);
  [[nodiscard]] Endpoint external() const { return {world.external_ip, 80}; }
  [[nodiscard]] Endpoint remote(std::size_t index = 0) const {
    return {world.remote_pods[index], 8080};
  }
  [[nodiscard]] Endpoint local() const { return {world.local_pod, 8080}; }

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
