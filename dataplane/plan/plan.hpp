// Snapshot + this node -> Plan. Pure; every rule of a Service is decided here, once, for all
// datapaths.
#pragma once

#include "dataplane/plan/pod_host_ports.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead {

struct PlanOptions {
  std::string node;  // this node's name
  /// Cluster's pod ranges (--cluster-cidr). With kCidr detection they are also who is
  /// Scope::kInternal.
  DetectLocal detect_local;
  bool masquerade_all = false;  // also pod to ClusterIP
  /// Empty: kube-proxy's nftables default, the Node's first address of each family. A /0 of a
  /// family: every local address.
  std::vector<Cidr> node_port_cidrs;
  std::vector<Cidr> service_cidrs;  // the cluster's ClusterIP ranges, if known
  /// The cluster's pod ranges, if known; no external address may lie in them. A range as wide as a
  /// whole private block (10.0.0.0/8) is how operators say "everything inside is local": it counts
  /// for detect_local, not here.
  std::vector<Cidr> cluster_cidrs;
  /// Addresses of this node's own interfaces, as the kernel has them, for node_port_cidrs. May be
  /// empty: the Node object's serve.
  std::vector<Ip> local_addresses;
  /// nullopt: any external IP, as kube-proxy today. Empty: none. Else only these (KEP-5707,
  /// CVE-2020-8554).
  std::optional<std::vector<Cidr>> allowed_external_ips;
  bool operator==(const PlanOptions&) const = default;
};

/// The whole plan. Deterministic: neither the order of arrival nor that of the maps' building
/// matters. `pods`: those of the node that have host ports.
Plan plan(const Snapshot& cluster, const PlanOptions& options,
          const std::vector<PodHostPorts>& pods = {});

}  // namespace fairlead
