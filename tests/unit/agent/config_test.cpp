// Files of both kinds and flags: what they mean, and what each mistake is told.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "agent/config_file.hpp"
#include "agent/options.hpp"

namespace fairlead {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kOurs = "apiVersion: fairlead.io/v1alpha1\nkind: AgentConfiguration\n";
constexpr std::string_view kTheirs =
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

Result<AgentConfig> read(std::string_view head, std::string_view body) {
  ConfigBuilder builder;
  if (auto done = builder.read_file("f.yaml", std::string(head) + std::string(body)); !done)
    return tl::unexpected(done.error());
  return std::move(builder).finish("Host1");
}

std::string mistake(std::string_view head, std::string_view body) {
  const auto config = read(head, body);
  return config ? "accepted" : config.error().doing;
}

std::vector<std::string> texts(const std::vector<Cidr>& cidrs) {
  std::vector<std::string> result;
  for (const Cidr& cidr : cidrs) result.push_back(to_string(cidr));
  return result;
}

TEST(AgentConfiguration, HasDefaultsForEverything) {
  AgentConfig expected;
  expected.node_name = "host1";
  EXPECT_EQ(read(kOurs, "").value(), expected);
}

TEST(AgentConfiguration, ReadsEveryShapeOfValue) {
  const auto config = read(kOurs, R"(nodeName: node1
clusterCIDRs: [10.244.0.0/16, "fd00:244::/56"]
serviceCIDRs: 10.96.0.0/16,fd00:96::/112
detectLocal: {mode: BridgeInterface, bridgeInterface: cni0}
nodePortAddresses: [primary, 192.0.2.0/24]
allowedExternalIPs: []
healthBindAddress: "[::]:1"
metricsBindAddress: ""
masqueradeAll: true
logging:
  format: json
  level: debug
syncPeriod: 1m30s
)")
                          .value();
  EXPECT_EQ(config.node_name, "node1");
  EXPECT_THAT(texts(config.cluster_cidrs),
              ::testing::ElementsAre("10.244.0.0/16", "fd00:244::/56"));
  EXPECT_THAT(texts(config.service_cidrs), ::testing::ElementsAre("10.96.0.0/16", "fd00:96::/112"));
  EXPECT_EQ(config.detect_local, DetectLocalMode::kBridgeInterface);
  EXPECT_TRUE(config.node_port_addresses.primary);
  EXPECT_THAT(config.node_port_addresses.cidrs, SizeIs(1));
  EXPECT_THAT(config.allowed_external_ips.value(), IsEmpty());
  EXPECT_EQ(to_string(config.health_bind_address.value()), "[::]:1");
  EXPECT_FALSE(config.metrics_bind_address);
  EXPECT_TRUE(config.masquerade_all);
  EXPECT_EQ(config.log_format, log::Format::kJson);
  EXPECT_EQ(config.log_level, log::Level::kDebug);
  EXPECT_EQ(config.sync_period, std::chrono::seconds(90));
}

TEST(AgentConfiguration, WhatIsWrittenReadsBackToTheSame) {
  AgentConfig config;
  config.node_name = "node1";
  config.cluster_cidrs = {parse_cidr("10.244.0.0/16").value()};
  config.node_port_addresses = {false, {parse_cidr("0.0.0.0/0").value()}};
  config.health_bind_address.reset();
  config.kubeconfig = "/tmp/a \"b\"\n# c: 'd'";
  config.sync_period = std::chrono::milliseconds(1500);
  for (const bool some : {false, true}) {
    if (some) config.allowed_external_ips = {parse_cidr("192.0.2.0/24").value()};
    EXPECT_EQ(read(to_yaml(config), "").value(), config) << to_yaml(config);
  }
}

struct Mistake {
  std::string_view body;
  std::string_view message;
};

TEST(AgentConfiguration, AMistakeNamesFileLineColumnAndField) {
  constexpr Mistake kMistakes[] = {
      {"nodeNam: a", "f.yaml:3:1: nodeNam: unknown field; known here: nodeName, kubeconfig"},
      {"logging: {colour: a}",
       "f.yaml:3:11: logging.colour: unknown field; known here: format, level"},
      {"logging: a", "f.yaml:3:10: logging: must be a mapping"},
      {"ebpf: {snatPorts: 5-4}", "f.yaml:3:19: ebpf.snatPorts: \"5-4\" ends before it begins"},
      {"ebpf: {flows: -1}",
       "f.yaml:3:15: ebpf.flows: \"-1\" is not a whole number from 0 to 4294967295"},
      {"ebpf: {xdp: fast}", "f.yaml:3:13: ebpf.xdp: \"fast\" is none of off, auto, native"},
      {"logging: {level: loud}",
       "f.yaml:3:18: logging.level: \"loud\" is none of debug, info, warn, error"},
      {"nodeName: a\nnodeName: b", "f.yaml:4:1: nodeName: is given twice"},
      {"nodeName: [a]", "f.yaml:3:11: nodeName: must be text"},
      {"masqueradeAll: 1", "f.yaml:3:16: masqueradeAll: \"1\" is neither true nor false"},
      {"clusterCIDRs:\n- 10.0.0.0/8\n- 10.0.0.0/33",
       "f.yaml:5:3: clusterCIDRs[1]: \"10.0.0.0/33\" is not an address prefix"},
      {"clusterCIDRs:\n- 10.0.0.0/8\n- {a: b}", "f.yaml:5:3: clusterCIDRs[1]: must be text"},
      {"clusterCIDRs: {a: b}", "f.yaml:3:15: clusterCIDRs: must be a list"},
      {"nodePortAddresses: [primary, eth0]",
       "f.yaml:3:30: nodePortAddresses[1]: \"eth0\" is neither an address prefix"},
      {"healthBindAddress: :10256",
       "f.yaml:3:20: healthBindAddress: \":10256\" is not ADDRESS:PORT with a numeric"},
      {"healthBindAddress: ::1:10256",
       "f.yaml:3:20: healthBindAddress: \"::1:10256\": an IPv6 address goes in brackets"},
      {"healthBindAddress: 0.0.0.0:0", "f.yaml:3:20: healthBindAddress: "},
      {"syncPeriod: 30", "f.yaml:3:13: syncPeriod: \"30\" is not a duration"},
      {"syncPeriod: 0s", "f.yaml:3:13: syncPeriod: must be longer than 0"},
      {"syncPeriod: 9000h", "f.yaml:3:13: syncPeriod: \"9000h\" is longer than a year"},
      {"oomScoreAdj: -1001", "f.yaml:3:14: oomScoreAdj: must lie in -1000 to 1000"},
      {"oomScoreAdj: many", "f.yaml:3:14: oomScoreAdj: \"many\" is not a whole number"},
      {"detectLocal: {mode: ClusterCIDR}",
       "f.yaml:3:21: detectLocal.mode: ClusterCIDR needs clusterCIDRs"},
      {"detectLocal: {mode: BridgeInterface}",
       "f.yaml:3:21: detectLocal.mode: BridgeInterface needs"},
      {"detectLocal: {mode: InterfaceNamePrefix}",
       "f.yaml:3:21: detectLocal.mode: InterfaceNamePrefix needs"},
      {"metricsBindAddress: 0.0.0.0:10256",
       "f.yaml:3:21: metricsBindAddress: is healthBindAddress too"},
      {"nodeName: {", "f.yaml:"},
      {"? [a, b]\n: c", "f.yaml:3:3: : a field's name must be text"},
      {"---\nnodeName: a", "f.yaml: must hold exactly one document"},
  };
  for (const Mistake& one : kMistakes)
    EXPECT_THAT(mistake(kOurs, one.body), HasSubstr(std::string(one.message))) << one.body;
}

TEST(AgentConfiguration, SaysWhichKindsThereAre) {
  EXPECT_THAT(mistake("", "nodeName: a"), HasSubstr("f.yaml:1:1: apiVersion: missing"));
  EXPECT_THAT(mistake("apiVersion: v1\nkind: ConfigMap\n", ""),
              HasSubstr("f.yaml:2:7: kind: \"ConfigMap\" is neither"));
  EXPECT_THAT(mistake("apiVersion: v1\nkind: AgentConfiguration\n", ""),
              HasSubstr("f.yaml:1:13: apiVersion: \"v1\" is not fairlead.io/v1alpha1"));
  EXPECT_THAT(mistake("", ""), HasSubstr("f.yaml"));
  EXPECT_THAT(mistake("", "- a"), HasSubstr("not a mapping"));
  EXPECT_THAT(mistake("", std::string(2 << 20, 'a')), HasSubstr("larger than 1 MiB"));
}

/// As `kubeadm init` writes it.
constexpr std::string_view kKubeadm = R"(bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: null
  tcpEstablishedTimeout: null
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  strictARP: false
  syncPeriod: 0s
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
    text:
      infoBufferSize: "0"
  verbosity: 0
metricsBindAddress: ""
mode: ""
nftables:
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel:
  enableDSR: false
  forwardHealthCheckVip: false
  networkName: ""
  rootHnsEndpointName: ""
  sourceVip: ""
)";

TEST(KubeProxyConfiguration, OfKubeadmIsAcceptedWithoutAWarning) {
  ConfigBuilder builder;
  ASSERT_TRUE(builder.read_file("f.yaml", std::string(kTheirs) + std::string(kKubeadm)));
  EXPECT_THAT(builder.warnings(), IsEmpty());
  AgentConfig expected;
  expected.node_name = "host1";
  expected.kubeconfig = "/var/lib/kube-proxy/kubeconfig.conf";
  expected.cluster_cidrs = {parse_cidr("10.244.0.0/16").value()};
  EXPECT_EQ(std::move(builder).finish("host1").value(), expected);
}

TEST(KubeProxyConfiguration, MapsWhatHasAMeaning) {
  const auto config = read(kTheirs, R"(hostnameOverride: Node1
mode: iptables
clusterCIDR: 10.244.0.0/16,fd00:244::/56
detectLocalMode: InterfaceNamePrefix
detectLocal: {interfaceNamePrefix: veth}
iptables: {masqueradeAll: true, syncPeriod: 10s}
nodePortAddresses: [all]
logging: {verbosity: 4, format: json}
)")
                          .value();
  EXPECT_EQ(config.node_name, "node1");
  EXPECT_EQ(config.datapath, "auto");
  EXPECT_THAT(config.cluster_cidrs, SizeIs(2));
  EXPECT_EQ(config.detect_local, DetectLocalMode::kInterfaceNamePrefix);
  EXPECT_EQ(config.interface_name_prefix, "veth");
  EXPECT_TRUE(config.masquerade_all);
  EXPECT_EQ(config.sync_period, std::chrono::seconds(10));
  EXPECT_FALSE(config.node_port_addresses.primary);
  EXPECT_THAT(texts(config.node_port_addresses.cidrs), ::testing::ElementsAre("0.0.0.0/0", "::/0"));
  EXPECT_EQ(config.log_level, log::Level::kDebug);
  EXPECT_EQ(config.log_format, log::Format::kJson);
}

TEST(KubeProxyConfiguration, WarnsOfWhatHasNoneAndRefusesWindows) {
  ConfigBuilder builder;
  ASSERT_TRUE(builder.read_file(
      "f.yaml", std::string(kTheirs) + "ipvs: {strictARP: true}\nfeatureGates: {A: true}\n"));
  EXPECT_THAT(builder.warnings(),
              ::testing::ElementsAre(HasSubstr("f.yaml:3:19: ipvs.strictARP has no effect: "),
                                     HasSubstr("f.yaml:4:15: featureGates has no effect")));
  EXPECT_THAT(mistake(kTheirs, "winkernel: {enableDSR: true}"),
              HasSubstr("winkernel: refused: this is for Windows"));
  EXPECT_THAT(mistake(kTheirs, "mode: kernelspace"),
              HasSubstr("f.yaml:3:7: mode: \"kernelspace\" is not a mode on Linux"));
  EXPECT_THAT(mistake(kTheirs, "nodeName: a"), HasSubstr("f.yaml:3:1: nodeName: unknown field"));
}

TEST(Flags, OutweighTheFile) {
  ConfigBuilder builder;
  ASSERT_TRUE(builder.read_file("f.yaml",
                                std::string(kOurs) + "nodeName: a\nclusterCIDRs: [10.0.0.0/8]\n"));
  ASSERT_TRUE(builder.set_flag("hostname-override", "b"));
  ASSERT_TRUE(builder.set_flag("cluster-cidr", "10.1.0.0/16, 10.2.0.0/16"));
  ASSERT_TRUE(builder.set_flag("iptables-masquerade-bit", "14"));
  EXPECT_THAT(builder.warnings(),
              ::testing::ElementsAre(HasSubstr("--iptables-masquerade-bit has no effect")));
  EXPECT_EQ(builder.set_flag("masquerade-all", "yes").error().doing,
            "--masquerade-all: \"yes\" is neither true nor false");
  const auto config = std::move(builder).finish("host").value();
  EXPECT_EQ(config.node_name, "b");
  EXPECT_THAT(config.cluster_cidrs, SizeIs(2));
}

TEST(Flags, AContradictionNamesTheFlag) {
  ConfigBuilder builder;
  ASSERT_TRUE(builder.set_flag("detect-local-mode", "ClusterCIDR"));
  EXPECT_THAT(std::move(builder).finish("host").error().doing,
              HasSubstr("detectLocal.mode: ClusterCIDR needs clusterCIDRs"));
}

TEST(Options, HaveNoNameTwice) {
  for (const auto column : {&Option::field, &Option::kube_proxy, &Option::flag}) {
    std::vector<std::string_view> names;
    for (const Option& option : options()) {
      if (!(option.*column).empty()) names.push_back(option.*column);
    }
    std::ranges::sort(names);
    EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  }
}

/// Whatever is cut or changed in a good file, the answer is a configuration or one message, and
/// never megabytes of it.
TEST(AgentConfiguration, SurvivesDamage) {
  std::mt19937 random(7);
  const std::string good = std::string(kTheirs) + std::string(kKubeadm);
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (unsigned hits = 1 + random() % 4; hits > 0; --hits) {
      const std::size_t at = random() % text.size();
      constexpr std::string_view kNasty =
          "{}[]:-&*!|>'\"%@`#,? \n\t\0\x80\xff"
          "0a";
      switch (random() % 3) {
        case 0:
          text[at] = kNasty[random() % kNasty.size()];
          break;
        case 1:
          text.erase(at, random() % 20);
          break;
        default:
          text.insert(at, 1 + random() % 3, kNasty[random() % kNasty.size()]);
      }
    }
    const auto config = read(text, "");
    if (!config) {
      EXPECT_LT(config.error().doing.size(), 1000U);
    }
  }
  EXPECT_FALSE(read(kOurs, "nodeName: " + std::string(100'000, '[')));
  EXPECT_FALSE(read(kOurs, "nodeName: &a [*a, *a]"));
  EXPECT_LT(mistake(kOurs, std::string(100'000, 'x') + ": a").size(), 1000U);
}

TEST(AgentConfiguration, OfASmallTextIsNoLargeWork) {
  std::string laughs;
  for (int i = 0; i < 40; ++i) {
    const std::string last = i == 0 ? "~" : "*a" + std::to_string(i - 1);
    laughs += fmt::format("a{0}: &a{0} {{x: {1}, y: {1}}}\n", i, last);
  }
  EXPECT_THAT(mistake(kTheirs, laughs), HasSubstr("f.yaml:4:13: aliases are not accepted"));
  EXPECT_THAT(mistake(kTheirs, "iptables: &a {x: *a}\n"), HasSubstr("aliases are not accepted"));
  std::string many = "clusterCIDRs: [";
  for (int i = 0; i < 100'000; ++i) many += "a,";
  EXPECT_THAT(mistake(kOurs, many + "]"), HasSubstr("more than 10,000 values"));
  // yaml-cpp finds documents without end in these.
  for (const auto* text : {"]", "nodeName: a\n---\n,", "nodeName: [a]]"})
    EXPECT_THAT(mistake(kOurs, text), HasSubstr("f.yaml")) << text;
}

}  // namespace
}  // namespace fairlead
