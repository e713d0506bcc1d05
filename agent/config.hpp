// What an operator can set for the agent of one node. options.cpp says how each member is written
// in a file and as a flag.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/podnet/overlay.hpp"
#include "log/log.hpp"
#include "model/ip.hpp"

namespace fairlead {

struct ListenAddress {
  Ip ip;
  Port port;
  auto operator<=>(const ListenAddress&) const = default;
};
inline std::string to_string(const ListenAddress& address) {
  return to_string(address.ip, address.port);
}

/// Whose packets count as those of local pods. kAuto: kClusterCidr where clusterCIDRs are given,
/// else kNone.
enum class DetectLocalMode : std::uint8_t {
  kAuto,
  kClusterCidr,
  kNodeCidr,
  kBridgeInterface,
  kInterfaceNamePrefix,
  kNone
};

/// `primary` alone is kube-proxy's nftables default: the Node's first address of each family.
struct NodePortAddresses {
  bool primary = true;
  std::vector<Cidr> cidrs;  // "all" is 0.0.0.0/0 and ::/0
  bool operator==(const NodePortAddresses&) const = default;
};

/// How the eBPF datapath sends on what it has translated: from link to link, or through the host's
/// stack.
enum class Forwarding : std::uint8_t { kFast, kStack };

struct AgentConfig {
  std::string node_name;   // "": $NODE_NAME, else this host's name in lower case
  std::string kubeconfig;  // "": the pod's own service account
  std::string server;      // replaces the kubeconfig's server; "": as the kubeconfig says
  std::string datapath = "auto";

  std::vector<Cidr> cluster_cidrs;
  std::vector<Cidr> service_cidrs;
  DetectLocalMode detect_local = DetectLocalMode::kAuto;
  std::string bridge_interface;
  std::string interface_name_prefix;
  NodePortAddresses node_port_addresses;
  bool masquerade_all = false;
  /// nullopt: any, as kube-proxy does. Empty: none.
  std::optional<std::vector<Cidr>> allowed_external_ips;

  std::optional<ListenAddress> health_bind_address =
      ListenAddress{any_address(Family::kIpv4), Port{10256}};
  std::optional<ListenAddress> metrics_bind_address =
      ListenAddress{ip_from_v4({127, 0, 0, 1}), Port{10249}};
  bool bind_address_hard_fail = false;

  std::string runtime_directory = "/run/fairlead";
  std::string state_directory = "/var/lib/fairlead";
  std::string pin_directory = "/sys/fs/bpf/fairlead";
  std::string cgroup = "/sys/fs/cgroup";

  // Of the eBPF datapath; 0 is its own default.
  ebpf::XdpMode ebpf_xdp = ebpf::XdpMode::kAuto;
  Forwarding ebpf_forwarding = Forwarding::kFast;
  std::uint32_t ebpf_flows = 0, ebpf_flows_v6 = 0;
  std::uint32_t ebpf_records = 0, ebpf_frontends = 0, ebpf_affinities = 0;
  ebpf::PortRange ebpf_snat_ports = ebpf::Options().snat_ports;
  std::vector<std::string> ebpf_skip_interfaces = ebpf::Options().skip_interfaces;

  /// kNone: another CNI plugin connects the pods.
  podnet::Mode pod_network = podnet::Mode::kNone;
  std::vector<Cidr> pod_cidrs;  // empty: the Node's
  std::uint32_t pod_mtu = 0;    // 0: the underlay's less the encapsulation
  bool pod_masquerade = true;
  std::vector<Cidr> pod_no_masquerade;
  std::uint32_t vxlan_vni = podnet::OverlayOptions().vni;
  Port vxlan_port = podnet::OverlayOptions().port;
  bool vxlan_direct_routing = true;
  std::optional<Family> vxlan_underlay;
  std::string cni_conf_directory = "/etc/cni/net.d";
  bool register_pods = false;
  /// Prints the labels of the container whose id is appended, as a JSON object. Empty: not asked.
  std::vector<std::string> labels_command{"podman", "container", "inspect", "--format",
                                          "{{json .Config.Labels}}"};

  /// Services' addresses are announced, too; with kBgp pods' ranges are in any case.
  bool bgp = false;
  std::uint32_t bgp_as = 64512;
  std::optional<Ip> bgp_router_id;  // nullopt: the Node's first IPv4 address
  Port bgp_port{179};
  std::vector<Ip> bgp_addresses;  // that are listened on; empty: all
  bool bgp_node_mesh = true;
  std::uint32_t bgp_max_paths = 16;
  std::chrono::milliseconds bgp_restart_time{120'000};

  log::Format log_format = log::Format::kText;
  log::Level log_level = log::Level::kInfo;

  /// A change that waits longer than twice this makes the agent unhealthy.
  std::chrono::milliseconds sync_period{30'000};
  /// At least this long between two writes to the kernel; what arrives meanwhile is merged.
  std::chrono::milliseconds min_sync_period{0};
  /// How often the kernel is read back and compared.
  std::chrono::milliseconds compare_period{60'000};
  /// How long the first write waits for this node's Node object after everything else was listed.
  std::chrono::milliseconds node_wait{10'000};
  std::int32_t oom_score_adj = -999;

  [[nodiscard]] bool speaks_bgp() const { return bgp || pod_network == podnet::Mode::kBgp; }

  bool operator==(const AgentConfig&) const = default;
};

}  // namespace fairlead
