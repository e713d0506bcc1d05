// The plan: what one node programs. plan() makes it, every datapath compiles it; no Kubernetes
// field is looked at after it.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "model/ip.hpp"
#include "model/object.hpp"

namespace fairlead {

enum class BackendState : std::uint8_t { kActive, kTerminating };

/// Where a connection may go. Ordered by address and port.
struct Backend {
  Ip address;
  Port port;
  bool local = false;  // on this node
  BackendState state = BackendState::kActive;
  std::uint16_t weight = 1;  // share of new connections beside the group's others; at least 1
  auto operator<=>(const Backend&) const = default;
};

/// For which source a verdict holds: pods that detect-local calls local, the node itself,
/// everything else.
enum class Scope : std::uint8_t { kInternal, kHost, kExternal };
inline constexpr std::array kScopes{Scope::kInternal, Scope::kHost, Scope::kExternal};

enum class Action : std::uint8_t { kForward, kReject, kDrop };

/// Which of the two choices of a ServicePlan a forward verdict uses.
enum class BackendGroup : std::uint8_t { kCluster, kLocal };

struct Verdict {
  Action action = Action::kReject;
  BackendGroup group = BackendGroup::kCluster;  // meaningful for kForward only
  bool masquerade = false;                      // the backend sees an address of this node
  auto operator<=>(const Verdict&) const = default;
};

enum class FrontendKind : std::uint8_t {
  kClusterIp,
  kNodePort,
  kLoadBalancer,
  kExternalIp,
  kHostPort
};

/// Address, port and what happens to whom. The protocol is the ServicePlan's.
struct Frontend {
  FrontendKind kind = FrontendKind::kClusterIp;
  /// kNodePort: the unspecified address of the family; NodeSettings::node_port_addresses says where
  /// it is open.
  Ip address;
  Port port;
  std::array<Verdict, 3> verdicts{};  // indexed by Scope
  /// Not empty: a source outside of all of them is dropped, whatever its scope and also where the
  /// verdict is reject.
  std::vector<Cidr> source_ranges;
  auto operator<=>(const Frontend&) const = default;

  [[nodiscard]] const Verdict& verdict(Scope scope) const {
    return verdicts[static_cast<std::size_t>(scope)];
  }
};

struct ServicePortName {
  ObjectName service;
  std::string port;
  Protocol protocol = Protocol::kTcp;
  Family family = Family::kIpv4;
  auto operator<=>(const ServicePortName&) const = default;
};
/// "ns/name:port", or "ns/name" for an unnamed port.
inline std::string to_string(const ServicePortName& name) {
  return to_string(name.service) + (name.port.empty() ? "" : ':' + name.port);
}

/// One Service port in one family. The frontends share the two lists of backends, and the affinity.
struct ServicePlan {
  ServicePortName name;
  std::chrono::seconds affinity{0};  // by client address; 0: none
  Algorithm algorithm = Algorithm::kDefault;
  std::vector<Backend> cluster_backends;  // sorted, no duplicates
  std::vector<Backend> local_backends;    // sorted, no duplicates
  std::vector<Frontend> frontends;        // sorted
  /// UDP only, else empty: every endpoint that still serves, whatever the policies. A conntrack
  /// entry of one of the frontends that leads anywhere else is stale.
  std::vector<Ip> serving;
  bool operator==(const ServicePlan&) const = default;

  [[nodiscard]] const std::vector<Backend>& backends(BackendGroup group) const {
    return group == BackendGroup::kCluster ? cluster_backends : local_backends;
  }
};

/// All ports and families of one Service, sorted by name. Empty: nothing is programmed for it.
using ServicePlans = std::vector<ServicePlan>;

/// How a packet's source is recognised as Scope::kInternal (kube-proxy's detectLocalMode).
struct DetectLocal {
  enum class Mode : std::uint8_t { kNone, kCidr, kInterface, kInterfacePrefix };
  Mode mode = Mode::kNone;
  std::vector<Cidr>
      cidrs;  // kCidr: ClusterCIDR or NodeCIDR; a family without one has no internal scope
  std::string interface;  // kInterface: bridge name; kInterfacePrefix: what names begin with
  bool operator==(const DetectLocal&) const = default;
};

/// What holds for the node and not for one Service.
struct NodeSettings {
  DetectLocal detect_local;
  /// Where NodePorts are open. kAnyLocal: every local address but loopback.
  enum class NodePorts : std::uint8_t { kListed, kAnyLocal };
  NodePorts node_ports_v4 = NodePorts::kListed;
  NodePorts node_ports_v6 = NodePorts::kListed;
  std::vector<Ip> node_port_addresses;  // for kListed; both families, sorted
  std::vector<Cidr>
      service_cidrs;  // packets to an address in them that no Service has are dropped; may be empty
  bool operator==(const NodeSettings&) const = default;
};

/// Bad input that was left out of the plan.
struct Problem {
  std::string object;  // "Service default/web"
  std::string field;   // "spec.externalIPs[0]"
  std::string message;
  auto operator<=>(const Problem&) const = default;
};

struct Plan {
  NodeSettings node;
  std::map<ObjectName, ServicePlans> services;
  std::vector<Problem> problems;
};

}  // namespace fairlead
