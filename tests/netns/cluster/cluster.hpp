// A node with two pods, another node with one, and a client outside, in namespaces; and words to
// write plans with.
//
//   ext 198.18.0.250 --- 198.18.0.1 node --- pod1 10.244.1.11
//                                    |  `--- pod2 10.244.1.12
//                                    `------ far  10.244.2.21, which is 198.18.1.2
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/datapath.hpp"
#include "model/plan.hpp"
#include "tests/netns/cluster/namespaces.hpp"
#include "tests/netns/cluster/traffic.hpp"

namespace fairlead::test {

inline constexpr Port kPodPort{8080};

/// The addresses of one family.
struct Addresses {
  Ip ext, node, pod1, pod2, far, far_node;
  Ip service, service2;  // ClusterIPs
  Ip unallocated;        // in the range of ClusterIPs
  Ip balancer;           // a LoadBalancer's or external IP, routed to the node
  Ip gateway;            // of pods: the node
  Cidr pods, services;
};
Addresses addresses_of(Family family);

Verdict forward(BackendGroup group, bool masquerade);
inline const Verdict kRefuse{Action::kReject, BackendGroup::kCluster, false};
inline const Verdict kDiscard{Action::kDrop, BackendGroup::kCluster, false};

Frontend frontend(FrontendKind kind, const Ip& ip, std::uint16_t port, Verdict internal,
                  Verdict host, Verdict external);
/// As plan() has them with both policies Cluster: pods are not masqueraded on the way to a
/// ClusterIP.
Frontend cluster_ip(const Ip& ip, std::uint16_t port);
Frontend node_port(Family family, std::uint16_t port);
Frontend load_balancer(const Ip& ip, std::uint16_t port);

/// A Service of one port.
ServicePlan service(const std::string& name, Protocol protocol, Family family,
                    std::vector<Frontend> frontends, std::vector<Backend> cluster,
                    std::vector<Backend> local = {});
Plan plan_of(const NodeSettings& node, std::vector<ServicePlan> services);

/// Those that are tested with the same expectations.
enum class DatapathKind : std::uint8_t { kNftables, kEbpf };

class ClusterTest : public testing::Test {
 protected:
  explicit ClusterTest(DatapathKind kind = DatapathKind::kNftables) : kind_(kind) {}
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  /// A datapath in the node's namespace. An eBPF datapath translates the sockets of the node's own
  /// clients; those of pods and of the outside are in no cgroup of its, so their packets are.
  [[nodiscard]] static std::unique_ptr<Datapath> open_datapath(DatapathKind kind);
  [[nodiscard]] std::unique_ptr<Datapath> open_datapath() const { return open_datapath(kind_); }
  SyncReport resync(const Plan& plan);
  SyncReport apply(const ServicePlan& service);
  SyncReport remove(const std::string& service);

  [[nodiscard]] static NodeSettings settings();
  [[nodiscard]] static Backend backend(std::string_view pod, Family family);

  struct World;
  static World* world;
  std::unique_ptr<Datapath> datapath;

 private:
  DatapathKind kind_;
};

struct ClusterTest::World {
  World();
  std::unique_ptr<BpfFilesystem> bpffs;  // these two: once an eBPF datapath was opened
  std::unique_ptr<Cgroup> cgroup;
  Namespace node{"node"}, pod1{"pod1"}, pod2{"pod2"}, far{"far"}, ext{"ext"};
  Servers servers;

  /// From now on the clients on the node and in its pods belong to a cgroup.
  Result<> put_all_into_cgroup();
  /// In the calling thread's namespace.
  Result<std::unique_ptr<Datapath>> open_ebpf(std::function<void(const Error&)> report);

 private:
  void connect_pod(const Namespace& pod, const std::string& interface, Family family,
                   const Ip& ip) const;
};

}  // namespace fairlead::test
