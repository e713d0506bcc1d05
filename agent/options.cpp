// The table itself: first what the agent has, then kube-proxy's other names for the same, then what
// kube-proxy has and the agent has not. A kube-proxy user finds the accustomed flag or field here,
// or a message that names it.
#include "agent/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/option_values.hpp"

namespace fairlead {
namespace {

using option_values::get;
using option_values::set;
using Config = AgentConfig;
using Values = std::span<const std::string>;
using Set = tl::expected<void, ValueError>;

Set one_of(const std::string& value, std::initializer_list<std::string_view> known,
           std::string_view message) {
  if (std::ranges::find(known, value) != known.end()) return {};
  return tl::unexpected(ValueError{0, fmt::format("\"{}\" {}", value.substr(0, 64), message)});
}

/// kube-proxy's mode asks for a way to the same result: the agent takes the best of its own.
Set set_proxy_mode(Config&, Values values) {
  return one_of(values[0], {"iptables", "ipvs", "nftables"},
                "is not a mode on Linux: iptables, ipvs or nftables");
}

Set set_detect_local_mode(Config& config, Values values) {
  return option_values::parse_all(values, config.detect_local);
}

/// kube-proxy's verbosity: 4 is debug (Kubernetes' logging conventions), below it is the usual
/// level.
Set set_verbosity(Config& config, Values values) {
  std::int32_t verbosity = 0;
  if (auto parsed = option_values::parse_all(values, verbosity); !parsed) return parsed;
  config.log_level = verbosity >= 4 ? log::Level::kDebug : log::Level::kInfo;
  return {};
}

template <auto Member>
constexpr Option own(std::string_view field, std::string_view kube_proxy, std::string_view flag,
                     Shape shape, std::string_view help) {
  return {field, kube_proxy, flag, shape, help, Support::kFull, &set<Member>, &get<Member>};
}
constexpr Option also(std::string_view kube_proxy, std::string_view flag, Shape shape,
                      std::string_view help, decltype(Option::set) set_value) {
  return {"", kube_proxy, flag, shape, help, Support::kFull, set_value, nullptr};
}
constexpr Option ignored(std::string_view kube_proxy, std::string_view flag, Shape shape,
                         std::string_view help) {
  return {"", kube_proxy, flag, shape, help, Support::kIgnored, nullptr, nullptr};
}
constexpr Option refused(std::string_view kube_proxy, Shape shape, std::string_view help) {
  return {"", kube_proxy, "", shape, help, Support::kRefused, nullptr, nullptr};
}

constexpr auto kText = Shape::kText;
constexpr auto kBool = Shape::kBool;
constexpr auto kNumber = Shape::kNumber;
constexpr auto kDuration = Shape::kDuration;
constexpr auto kList = Shape::kList;

constexpr Option kOptions[] = {
    own<&Config::node_name>(
        "nodeName", "hostnameOverride", "hostname-override", kText,
        "name of this node's Node object; else $NODE_NAME, else the host's name in lower case"),
    own<&Config::kubeconfig>("kubeconfig", "clientConnection.kubeconfig", "kubeconfig", kText,
                             "how to reach the API server; else the pod's service account"),
    own<&Config::server>("server", "", "master", kText,
                         "URL of the API server, instead of the kubeconfig's"),
    own<&Config::datapath>("datapath", "", "datapath", kText,
                           "auto or one that `fairlead version` lists"),
    own<&Config::cluster_cidrs>("clusterCIDRs", "clusterCIDR", "cluster-cidr", kList,
                                "the cluster's pod addresses"),
    own<&Config::service_cidrs>(
        "serviceCIDRs", "", "service-cidr", kList,
        "the cluster's ClusterIPs: packets to one that no Service has are dropped"),
    own<&Config::detect_local>(
        "detectLocal.mode", "", "detect-local", kText,
        "which packets come from local pods: auto, ClusterCIDR, NodeCIDR, BridgeInterface, "
        "InterfaceNamePrefix or None; auto is ClusterCIDR where clusterCIDRs are known"),
    own<&Config::bridge_interface>("detectLocal.bridgeInterface", "detectLocal.bridgeInterface",
                                   "pod-bridge-interface", kText,
                                   "the pods' bridge, for BridgeInterface"),
    own<&Config::interface_name_prefix>(
        "detectLocal.interfaceNamePrefix", "detectLocal.interfaceNamePrefix",
        "pod-interface-name-prefix", kText,
        "what the pods' interfaces begin with, for InterfaceNamePrefix"),
    own<&Config::node_port_addresses>(
        "nodePortAddresses", "nodePortAddresses", "nodeport-addresses", kList,
        "where NodePorts are open: prefixes, `primary` (the Node's first address of each family) "
        "or `all`"),
    own<&Config::masquerade_all>("masqueradeAll", "nftables.masqueradeAll", "masquerade-all", kBool,
                                 "masquerade all traffic to ClusterIPs"),
    own<&Config::allowed_external_ips>(
        "allowedExternalIPs", "", "allowed-external-ips", kList,
        "prefixes that spec.externalIPs may lie in; empty forbids them, `any` allows all"),
    own<&Config::health_bind_address>("healthBindAddress", "healthzBindAddress",
                                      "healthz-bind-address", kText,
                                      "/healthz, /livez and /readyz; empty: not served"),
    own<&Config::metrics_bind_address>("metricsBindAddress", "metricsBindAddress",
                                       "metrics-bind-address", kText,
                                       "/metrics, /proxyMode and /configz; empty: not served"),
    own<&Config::bind_address_hard_fail>(
        "bindAddressHardFail", "bindAddressHardFail", "bind-address-hard-fail", kBool,
        "end if one of them cannot be bound; else it is tried again every 5 s"),
    own<&Config::runtime_directory>("runtimeDirectory", "", "runtime-directory", kText,
                                    "socket and lock, lost at reboot"),
    own<&Config::state_directory>("stateDirectory", "", "state-directory", kText,
                                  "what outlives a reboot"),
    own<&Config::pin_directory>("pinDirectory", "", "pin-directory", kText,
                                "pinned BPF objects, on a bpffs"),
    own<&Config::cgroup>("cgroup", "", "cgroup", kText, "the cgroup (v2) above all pods"),
    own<&Config::ebpf_xdp>("ebpf.xdp", "", "ebpf-xdp", kText,
                           "off, auto (hardware whose driver does it) or native"),
    own<&Config::ebpf_forwarding>(
        "ebpf.forwarding", "", "ebpf-forwarding", kText,
        "fast (from link to link) or stack (through the host's, where its filters see it; sets "
        "net.ipv4.conf.all.accept_local=1)"),
    own<&Config::ebpf_flows>("ebpf.flows", "", "ebpf-flows", kNumber,
                             "IPv4 flows that are translated at a time; 0: by the node's memory"),
    own<&Config::ebpf_flows_v6>("ebpf.flowsIPv6", "", "ebpf-flows-ipv6", kNumber,
                                "IPv6 flows that are translated at a time; 0: by the node's "
                                "memory"),
    own<&Config::ebpf_records>("ebpf.records", "", "ebpf-records", kNumber,
                               "backends of all Services, with their tables, in records of 32 "
                               "bytes; 0: 1048576"),
    own<&Config::ebpf_frontends>("ebpf.frontends", "", "ebpf-frontends", kNumber,
                                 "frontends of all Services; 0: 262144"),
    own<&Config::ebpf_affinities>("ebpf.affinities", "", "ebpf-affinities", kNumber,
                                  "clients that session affinity remembers; 0: 65536"),
    own<&Config::ebpf_snat_ports>("ebpf.snatPorts", "", "ebpf-snat-ports", kText,
                                  "source ports of masqueraded connections; clear of "
                                  "net.ipv4.ip_local_port_range and of NodePorts"),
    own<&Config::ebpf_skip_interfaces>("ebpf.skipInterfaces", "", "ebpf-skip-interfaces", kList,
                                       "interfaces without programs: names, or prefixes that end "
                                       "in *"),
    own<&Config::pod_network>(
        "podNetwork.mode", "", "pod-network", kText,
        "none (another CNI plugin connects the pods), vxlan, routes (other nodes' pods plainly, on "
        "one link), or bgp (plainly, by routes that BGP learns)"),
    own<&Config::pod_cidrs>("podNetwork.podCIDRs", "", "pod-cidr", kList,
                            "addresses of this node's pods; else its Node's spec.podCIDRs"),
    own<&Config::pod_mtu>("podNetwork.mtu", "", "pod-mtu", kNumber,
                          "of the pods' links; 0: the underlay's less the encapsulation"),
    own<&Config::pod_masquerade>("podNetwork.masquerade", "", "pod-masquerade", kBool,
                                 "pods leave the cluster with the node's address"),
    own<&Config::pod_no_masquerade>("podNetwork.noMasqueradeCIDRs", "", "pod-no-masquerade", kList,
                                    "outside the cluster, but reached with the pod's own address"),
    own<&Config::vxlan_vni>("podNetwork.vxlan.vni", "", "vxlan-vni", kNumber,
                            "VXLAN network identifier, the same on all nodes"),
    own<&Config::vxlan_port>("podNetwork.vxlan.port", "", "vxlan-port", kNumber,
                             "UDP port of VXLAN, the same on all nodes"),
    own<&Config::vxlan_direct_routing>("podNetwork.vxlan.directRouting", "", "vxlan-direct-routing",
                                       kBool, "nodes on the same link are reached without VXLAN"),
    own<&Config::vxlan_underlay>("podNetwork.vxlan.underlay", "", "vxlan-underlay", kText,
                                 "which of the nodes' addresses carry it: ipv4, ipv6, or auto (of "
                                 "the Node's first)"),
    own<&Config::cni_conf_directory>("podNetwork.cniConfDirectory", "", "cni-conf-directory", kText,
                                     "where 05-fairlead.conflist is written once pods can be "
                                     "connected; empty: not written"),
    own<&Config::register_pods>("podNetwork.registerPods", "", "register-pods", kBool,
                                "containers that no kubelet knows of become Pods in the API"),
    own<&Config::labels_command>("podNetwork.labelsCommand", "", "labels-command", kList,
                                 "prints a container's labels as a JSON object; its id is "
                                 "appended. Empty: CNI's labels alone"),
    own<&Config::bgp>("bgp.enabled", "", "bgp", kBool,
                      "BGP with whatever pod network; it is on where podNetwork.mode is bgp"),
    own<&Config::bgp_as>("bgp.asNumber", "", "bgp-as-number", kNumber,
                         "this node's AS number; the nodes of a cluster have one"),
    own<&Config::bgp_router_id>("bgp.routerID", "", "bgp-router-id", kText,
                                "BGP identifier, written as an IPv4 address; else the Node's first "
                                "IPv4 address, or made of its name"),
    own<&Config::bgp_port>("bgp.listenPort", "", "bgp-listen-port", kNumber,
                           "where BGP peers connect to, the same on all nodes"),
    own<&Config::bgp_addresses>("bgp.listenAddresses", "", "bgp-listen-address", kList,
                                "on which of the node's addresses; empty: on all"),
    own<&Config::bgp_node_mesh>(
        "bgp.nodeMesh", "", "bgp-node-mesh", kBool,
        "where podNetwork.mode is bgp, the nodes speak BGP with one another"),
    own<&Config::bgp_max_paths>("bgp.maxPaths", "", "bgp-max-paths", kNumber,
                                "next hops of equal cost that a learned route has, 1 to 16"),
    own<&Config::bgp_restart_time>("bgp.restartTime", "", "bgp-restart-time", kDuration,
                                   "how long other nodes keep this node's routes while its agent "
                                   "is away; 0s: not at all"),
    own<&Config::log_format>("logging.format", "logging.format", "logging-format", kText,
                             "text (key=value) or json"),
    own<&Config::log_level>("logging.level", "", "log-level", kText, "debug, info, warn or error"),
    own<&Config::sync_period>("syncPeriod", "nftables.syncPeriod", "sync-period", kDuration,
                              "a change that waits for twice as long makes the agent unhealthy"),
    own<&Config::min_sync_period>(
        "minSyncPeriod", "", "min-sync-period", kDuration,
        "least time between two writes to the kernel; what arrives meanwhile is merged"),
    own<&Config::compare_period>("comparePeriod", "", "compare-period", kDuration,
                                 "how often the kernel is read back and compared"),
    own<&Config::node_wait>("nodeWait", "", "node-wait", kDuration,
                            "how long the first write waits for this node's Node object"),
    own<&Config::oom_score_adj>("oomScoreAdj", "oomScoreAdj", "oom-score-adj", kNumber,
                                "how willing the kernel is to end the agent when memory is short"),

    also("mode", "proxy-mode", kText,
         "any Linux mode: the agent takes its own datapath (see `datapath`)", &set_proxy_mode),
    also("detectLocalMode", "detect-local-mode", kText, "as detectLocal.mode",
         &set_detect_local_mode),
    also("iptables.masqueradeAll", "", kBool, "as masqueradeAll", &set<&Config::masquerade_all>),
    also("ipvs.masqueradeAll", "", kBool, "as masqueradeAll", &set<&Config::masquerade_all>),
    also("iptables.syncPeriod", "iptables-sync-period", kDuration, "as syncPeriod",
         &set<&Config::sync_period>),
    also("ipvs.syncPeriod", "ipvs-sync-period", kDuration, "as syncPeriod",
         &set<&Config::sync_period>),
    also("logging.verbosity", "v", kNumber, "4 and more: as logging.level debug", &set_verbosity),

    ignored("bindAddress", "bind-address", kText, "families come from the Services' own addresses"),
    ignored("clientConnection.acceptContentTypes", "", kText, "the agent reads JSON"),
    ignored("clientConnection.contentType", "kube-api-content-type", kText, "the agent reads JSON"),
    ignored("clientConnection.qps", "kube-api-qps", kNumber, "the agent only lists and watches"),
    ignored("clientConnection.burst", "kube-api-burst", kNumber,
            "the agent only lists and watches"),
    ignored("configSyncPeriod", "config-sync-period", kDuration,
            "watches are kept alive; see comparePeriod"),
    ignored("conntrack.maxPerCore", "conntrack-max-per-core", kNumber,
            "conntrack's limits are left to the system"),
    ignored("conntrack.min", "conntrack-min", kNumber, "conntrack's limits are left to the system"),
    ignored("conntrack.tcpEstablishedTimeout", "conntrack-tcp-timeout-established", kDuration,
            "left to the system"),
    ignored("conntrack.tcpCloseWaitTimeout", "conntrack-tcp-timeout-close-wait", kDuration,
            "left to the system"),
    ignored("conntrack.tcpBeLiberal", "conntrack-tcp-be-liberal", kBool,
            "no packet is dropped for conntrack's state"),
    ignored("conntrack.udpTimeout", "conntrack-udp-timeout", kDuration, "left to the system"),
    ignored("conntrack.udpStreamTimeout", "conntrack-udp-timeout-stream", kDuration,
            "left to the system"),
    ignored("enableProfiling", "profiling", kBool, "there is no profiler to serve"),
    ignored("featureGates", "feature-gates", kText, "kube-proxy's gates"),
    ignored("iptables.localhostNodePorts", "iptables-localhost-nodeports", kBool,
            "NodePorts are never open on loopback"),
    ignored("iptables.masqueradeBit", "iptables-masquerade-bit", kNumber,
            "no packet mark is used up"),
    ignored("iptables.minSyncPeriod", "iptables-min-sync-period", kDuration, "see minSyncPeriod"),
    ignored("ipvs.excludeCIDRs", "ipvs-exclude-cidrs", kList,
            "other virtual servers are never touched"),
    ignored("ipvs.minSyncPeriod", "ipvs-min-sync-period", kDuration, "see minSyncPeriod"),
    ignored("ipvs.scheduler", "ipvs-scheduler", kText, "backends are chosen at random"),
    ignored("ipvs.strictARP", "ipvs-strict-arp", kBool, "no address is bound to a device"),
    ignored("ipvs.tcpFinTimeout", "ipvs-tcpfin-timeout", kDuration, "left to the system"),
    ignored("ipvs.tcpTimeout", "ipvs-tcp-timeout", kDuration, "left to the system"),
    ignored("ipvs.udpTimeout", "ipvs-udp-timeout", kDuration, "left to the system"),
    ignored("logging.flushFrequency", "log-flush-frequency", kText, "each line is written at once"),
    ignored("logging.options", "", kText, "options of kube-proxy's JSON log"),
    ignored("logging.vmodule", "vmodule", kText, "levels are not set for each module"),
    ignored("nftables.masqueradeBit", "", kNumber, "no packet mark is used up"),
    ignored("nftables.minSyncPeriod", "", kDuration, "see minSyncPeriod"),
    ignored("portRange", "", kText, "without a meaning in kube-proxy too"),
    ignored("showHiddenMetricsForVersion", "show-hidden-metrics-for-version", kText,
            "no metric is hidden"),
    ignored("udpIdleTimeout", "", kDuration, "left to the system"),
    refused("winkernel", kText, "this is for Windows"),
    refused("windowsRunAsService", kBool, "this is for Windows"),
};

std::string in_cell(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

}  // namespace

std::span<const Option> options() { return kOptions; }

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    items.emplace_back(item);
  }
  return items;
}

std::string options_markdown() {
  std::string text =
      "# The agent's options\n\n"
      "`fairlead agent --config FILE` reads an `AgentConfiguration` (`apiVersion: "
      "fairlead.io/v1alpha1`) or a "
      "`KubeProxyConfiguration`\n(`kubeproxy.config.k8s.io/v1alpha1`). A flag outweighs the file. "
      "A dot stands between levels of "
      "the file. Written by\n`fairlead agent --options-markdown`.\n\n"
      "| AgentConfiguration | default | flag | KubeProxyConfiguration | meaning "
      "|\n|---|---|---|---|---|\n";
  const AgentConfig defaults;
  for (const Option& option : kOptions) {
    if (option.support != Support::kFull) continue;
    const auto values = option.get == nullptr ? std::vector<std::string>{} : option.get(defaults);
    text += fmt::format("| {} | {} | {} | {} | {} |\n", in_cell(option.field),
                        in_cell(fmt::format("{}", fmt::join(values, ","))),
                        option.flag.empty() ? "" : in_cell(fmt::format("--{}", option.flag)),
                        in_cell(option.kube_proxy), option.help);
  }
  text +=
      "\n## kube-proxy's options without a meaning here\n\nAccepted with a warning, unless it says "
      "refused.\n\n"
      "| KubeProxyConfiguration | flag | why |\n|---|---|---|\n";
  for (const Option& option : kOptions) {
    if (option.support == Support::kFull) continue;
    text += fmt::format("| {} | {} | {}{} |\n", in_cell(option.kube_proxy),
                        option.flag.empty() ? "" : in_cell(fmt::format("--{}", option.flag)),
                        option.support == Support::kRefused ? "refused: " : "", option.help);
  }
  return text;
}

}  // namespace fairlead
