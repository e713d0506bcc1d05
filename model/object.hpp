// Kubernetes objects as typed values: only the fields that decide where a packet goes. Decoded by
// objects/, never here.
#pragma once

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/ip.hpp"
#include "model/labels.hpp"
#include "model/shared.hpp"

namespace fairlead {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

struct ObjectName {
  std::string ns;  // namespace
  std::string name;
  auto operator<=>(const ObjectName&) const = default;
};
inline std::string to_string(const ObjectName& name) { return name.ns + '/' + name.name; }

enum class ServiceType : std::uint8_t { kClusterIp, kNodePort, kLoadBalancer, kExternalName };
enum class TrafficPolicy : std::uint8_t { kCluster, kLocal };

struct ServicePort {
  std::string name;  // "" when the Service has one unnamed port
  Protocol protocol = Protocol::kTcp;
  Port port;
  std::optional<Port> node_port;
  auto operator<=>(const ServicePort&) const = default;
};

/// How a backend is chosen where affinity remembers none. A datapath that cannot do it chooses at
/// random.
enum class Algorithm : std::uint8_t { kDefault, kRandom, kRoundRobin, kMaglev };

/// What each endpoint on a node counts for among all of its Service when a connection begins.
struct NodeWeight {
  std::string node;
  std::uint16_t weight = 1;  // 1 to 100
  auto operator<=>(const NodeWeight&) const = default;
};

/// v1 Service.
struct Service {
  ObjectName name;
  Time created;  // metadata.creationTimestamp; decides who keeps an address that two Services claim
  ServiceType type = ServiceType::kClusterIp;
  /// Labelled service.kubernetes.io/service-proxy-name or .../headless: somebody else's, whatever
  /// the label's value.
  bool handled_elsewhere = false;
  std::vector<Ip> cluster_ips;  // empty: headless
  std::vector<ServicePort> ports;
  std::vector<Ip> external_ips;
  std::vector<Ip>
      load_balancer_ips;  // status.loadBalancer.ingress[].ip, without those of ipMode Proxy
  std::vector<Cidr> source_ranges;  // spec.loadBalancerSourceRanges
  TrafficPolicy external_traffic_policy = TrafficPolicy::kCluster;
  TrafficPolicy internal_traffic_policy = TrafficPolicy::kCluster;
  std::chrono::seconds affinity{0};  // sessionAffinity ClientIP's timeout; 0: none
  std::optional<Port> health_check_node_port;
  Algorithm algorithm = Algorithm::kDefault;  // annotation fairlead.io/algorithm
  /// Annotation fairlead.io/node-weights; sorted by node, each once. 1 for all others.
  std::vector<NodeWeight> node_weights;
  Shared<Labels> labels = {};
  bool operator==(const Service&) const = default;
};

struct EndpointPort {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  Port port;
  auto operator<=>(const EndpointPort&) const = default;
};

/// Zones and nodes whose traffic an endpoint is meant for: hints.forZones, hints.forNodes.
struct EndpointHints {
  std::vector<std::string> zones, nodes;
  auto operator<=>(const EndpointHints&) const = default;
};

/// There are ten times more of these than of anything else, and few different names on them.
struct Endpoint {
  Ip address;  // addresses[0]; consumers look at no other
  bool ready = true, serving = true, terminating = false;
  Shared<std::string> node;  // "" if unknown
  Shared<EndpointHints> hints;
  bool operator==(const Endpoint&) const = default;
};

/// discovery.k8s.io EndpointSlice.
struct EndpointSlice {
  ObjectName name;
  std::string service;  // label kubernetes.io/service-name; in the slice's own namespace
  Family family = Family::kIpv4;
  bool handled_elsewhere = false;
  std::vector<EndpointPort> ports;
  std::vector<Endpoint> endpoints;
  std::optional<Time> last_change;  // annotation endpoints.kubernetes.io/last-change-trigger-time
  bool operator==(const EndpointSlice&) const = default;
};

/// v1 Node.
struct Node {
  std::string name;
  std::string zone;  // label topology.kubernetes.io/zone; "" if missing or empty
  std::vector<Ip>
      addresses;  // status.addresses: InternalIP before ExternalIP, else in the object's order
  std::vector<Cidr> pod_cidrs;
  bool being_deleted = false;           // metadata.deletionTimestamp
  std::vector<std::string> taint_keys;  // spec.taints[].key
  Labels labels = {};
  bool operator==(const Node&) const = default;
};

/// The cluster as the API server last told it. Slices are grouped by the Service that they belong
/// to.
struct Snapshot {
  std::map<ObjectName, Service> services;
  std::map<ObjectName, std::map<std::string, EndpointSlice>>
      slices;                         // Service -> slice name -> slice
  std::map<std::string, Node> nodes;  // by name
};

}  // namespace fairlead
