// Nodes on one wire, each a namespace with a pod behind it, and a host that is of no cluster.
//
//   node N: 192.0.2.N, 2001:db8::N; podCIDRs 10.244.N.0/24, fd00:244:N::/64; its pod has ….10
//   outside: 192.0.2.250, 2001:db8::250
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/podnet/network.hpp"
#include "tests/netns/cluster/namespaces.hpp"
#include "tests/netns/cluster/traffic.hpp"

namespace fairlead::test {

Ip ip_of(std::string_view text);
Cidr cidr_of(std::string_view text);

/// The overlay of one node, at work in its namespace.
class FleetNode {
 public:
  FleetNode(const Namespace& wire, int number);

  [[nodiscard]] std::string name() const { return "node-" + std::to_string(number_); }
  [[nodiscard]] Ip address(Family family) const;
  [[nodiscard]] Ip pod_address(Family family) const;
  /// As the API server has it.
  [[nodiscard]] Node object() const;

  /// Opens the network anew, as an agent that starts.
  void restart();
  podnet::NetworkReport apply(const podnet::NetworkPlan& plan);
  /// The error of an apply() that is to fail; "" if it did not.
  std::string refusal(const podnet::NetworkPlan& plan);
  void clean_up();
  /// Waits for notifications and repairs, until `condition` holds.
  void repair_until(const podnet::NetworkPlan& plan, const std::function<bool()>& condition);
  /// Whether something that counts has been notified since the last call.
  bool is_woken();

  Namespace ns, pod;

 private:
  void add_pod();

  int number_;
  std::unique_ptr<podnet::Network> network_;
};

class FleetTest : public testing::Test {
 protected:
  FleetTest();

  /// Without what is changed in `options`: VXLAN only.
  [[nodiscard]] podnet::NetworkPlan plan(const FleetNode& node) const;
  void apply_all();
  /// TCP from pod to pod; what the server saw, "" for silence.
  std::string source_seen(const Namespace& from, const Ip& to);
  void expect_pods_reach_each_other(Family family);
  /// `ping -M do` with packets of `bytes` in all; its output.
  static std::string ping(const Namespace& from, const Ip& to, unsigned bytes);

  Namespace wire{"wire"}, outside{"out"};
  std::vector<std::unique_ptr<FleetNode>> nodes;
  std::map<std::string, Node> objects;
  podnet::OverlayOptions options;
  podnet::MasqueradeOptions masquerade;
  Servers servers;
};

}  // namespace fairlead::test
