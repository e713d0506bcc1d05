// Each way that the bench compares, in a cluster of namespaces: does a connection that is measured
// arrive where it should, and with which source?
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "bench/ways/way.hpp"
#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::bench {
namespace {

using namespace fairlead::test;

struct Case {
  std::string way;
  Family family = Family::kIpv4;
  Protocol protocol = Protocol::kTcp;
};

/// A real kube-proxy takes part where FAIRLEAD_KUBE_PROXY says its path, in the mode of
/// FAIRLEAD_KUBE_PROXY_MODE; IPv4, which all of them have.
WaysOptions options() {
  const auto from = [](const char* name, const char* otherwise) -> std::string {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return value == nullptr ? otherwise : value;
  };
  const auto bin =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path();
  WaysOptions options;
  options.kube_proxy = from("FAIRLEAD_KUBE_PROXY", "");
  options.kube_proxy_mode = from("FAIRLEAD_KUBE_PROXY_MODE", "iptables");
  options.control_plane = bin / "fairlead";
  return options;
}

class Ways : public ClusterTest, public testing::WithParamInterface<Case> {
 protected:
  void SetUp() override;
  void TearDown() override;

  void install(Plan plan) {
    installed_ = std::move(plan);
    world->node.run([&] {
      const auto cost = way_->install(installed_);
      ASSERT_TRUE(cost) << cost.error().doing;
      EXPECT_GT(cost->seconds, 0);
      EXPECT_GT(cost->cpu_seconds, 0);
    });
  }
  void change(const Plan& plan, const std::string& service) {
    world->node.run([&] {
      const auto cost = way_->change(plan, {"default", service});
      ASSERT_TRUE(cost) << cost.error().doing;
      EXPECT_GT(cost->seconds, 0);
    });
    // The layouts alone do not end the flow of a datagram whose port is used again.
    if (GetParam().protocol == Protocol::kUdp) world->node.sh("conntrack -F 2>/dev/null");
  }

  [[nodiscard]] std::optional<std::uint64_t> kernel_bytes() const { return way_->kernel_bytes(); }

  [[nodiscard]] static Family family() { return GetParam().family; }
  [[nodiscard]] static Addresses at() { return addresses_of(family()); }
  [[nodiscard]] static ServicePlan web(std::vector<Frontend> frontends,
                                       const std::vector<std::string>& pods) {
    std::vector<Backend> backends, local;
    for (const std::string& pod : pods) backends.push_back(backend(pod, family()));
    std::ranges::sort(backends);
    std::ranges::copy_if(backends, std::back_inserter(local), &Backend::local);
    std::ranges::sort(frontends);
    return service("web", GetParam().protocol, family(), std::move(frontends), std::move(backends),
                   std::move(local));
  }
  [[nodiscard]] static Answer from(const Namespace& client, const Ip& to, std::uint16_t port,
                                   int milliseconds = 2000) {
    return ask(client, {.protocol = GetParam().protocol,
                        .to = to,
                        .port = {port},
                        .from = std::nullopt,
                        .from_port = 0,
                        .patience = std::chrono::milliseconds(milliseconds)});
  }
  /// The chance that one of three is not among 100 is 1 to 10^17.
  [[nodiscard]] static std::set<std::string> who_answers(const Namespace& client, const Ip& to,
                                                         std::uint16_t port) {
    std::set<std::string> servers;
    for (int i = 0; i < 100 && servers.size() < 3; ++i)
      if (servers.insert(from(client, to, port).server).first->empty()) break;  // nobody did
    return servers;
  }
  [[nodiscard]] static Answer seen(const std::string& server, const Ip& source) {
    return {Outcome::kAnswered, server, to_string(source)};
  }
  inline static const Answer kRefusedAnswer{Outcome::kRefused, "", ""};
  inline static const std::set<std::string> kAll{"far", "pod1", "pod2"};

 private:
  std::unique_ptr<BpfFilesystem> bpffs_;
  std::filesystem::path scratch_;
  Plan installed_;  // outlives the way
  std::unique_ptr<Way> way_;
};

void Ways::SetUp() {
  if (world == nullptr) GTEST_SKIP() << "needs root to make network namespaces";
  auto bpffs = BpfFilesystem::mount("ways");
  ASSERT_TRUE(bpffs) << bpffs.error().doing;
  bpffs_ = *std::move(bpffs);
  const auto joined = world->put_all_into_cgroup();
  ASSERT_TRUE(joined) << joined.error().doing;
  scratch_ = std::filesystem::temp_directory_path() / ("flt-ways-" + std::to_string(::getpid()));
  std::filesystem::create_directory(scratch_);
  auto made = make_way(GetParam().way,
                       {.pin_directory = bpffs_->path() + "/fairlead",
                        .cgroup = world->cgroup->path(),
                        .scratch = scratch_},
                       options());
  ASSERT_TRUE(made) << made.error().doing;
  way_ = *std::move(made);
  std::optional<std::string> missing;
  world->node.run([&] { missing = way_->missing(); });
  if (missing) GTEST_SKIP() << *missing;
}

void Ways::TearDown() {
  if (way_)
    world->node.run([&] {
      const auto removed = way_->remove();
      EXPECT_TRUE(removed) << removed.error().doing;
    });
  way_.reset();
  if (world == nullptr) return;
  world->node.sh("nft flush ruleset");
  for (const char* table : {"nat", "filter"})
    for (const char* restore : {"iptables-legacy-restore", "ip6tables-legacy-restore"})
      world->node.sh(std::string("sh -c 'command -v ") + restore +
                     " >/dev/null || exit 0; echo \"*" + table + "\nCOMMIT\" | " + restore + "'");
  if (GetParam().way == "kube-proxy ipvs")
    world->node.sh(
        "sh -c 'ipvsadm -C; ip link delete kube-ipvs0; ipset destroy; true' 2>/dev/null");
  world->node.sh("conntrack -F 2>/dev/null");
  std::filesystem::remove_all(scratch_);
}

TEST_P(Ways, PodReachesEachBackendOfAClusterIpWithItsOwnAddress) {
  install(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {"far", "pod2"})}));
  const std::set<std::string> others{"far", "pod2"};
  std::set<std::string> servers;
  for (int i = 0; i < 100 && servers.size() < 2; ++i) {
    const Answer answer = from(world->pod1, at().service, 80);
    ASSERT_EQ(answer, seen(answer.server, at().pod1));
    servers.insert(answer.server);
  }
  EXPECT_EQ(servers, others);
}

TEST_P(Ways, NodeAndOutsideReachEachBackendOfAClusterIp) {
  install(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {"far", "pod1", "pod2"})}));
  EXPECT_EQ(who_answers(world->node, at().service, 80), kAll);
  EXPECT_EQ(who_answers(world->ext, at().service, 80), kAll);
}

TEST_P(Ways, TheKernelsMemoryIsKnownOfMapsAlone) {
  install(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {"far"})}));
  const bool has_maps = GetParam().way == "ebpf";
  EXPECT_EQ(kernel_bytes().has_value(), has_maps);
  EXPECT_GE(kernel_bytes().value_or(0), has_maps ? 1U << 20 : 0U);
}

TEST_P(Ways, OutsideReachesANodePortMasqueraded) {
  install(plan_of(settings(), {web({cluster_ip(at().service, 80), node_port(family(), 30080)},
                                   {"far", "pod1", "pod2"})}));
  EXPECT_EQ(who_answers(world->ext, at().node, 30080), kAll);
  EXPECT_EQ(who_answers(world->pod2, at().node, 30080), kAll);
  EXPECT_NE(from(world->ext, at().node, 30080).source, to_string(at().ext));
}

TEST_P(Ways, OutsideReachesALoadBalancerAddressMasqueraded) {
  install(plan_of(settings(), {web({cluster_ip(at().service, 80), load_balancer(at().balancer, 80)},
                                   {"pod1"})}));
  EXPECT_EQ(from(world->ext, at().balancer, 80), seen("pod1", at().gateway));
}

TEST_P(Ways, PodReachesItselfThroughItsService) {
  install(plan_of(settings(), {web({cluster_ip(at().service, 80)}, {"pod1"})}));
  const bool by_socket = GetParam().way == "ebpf";  // never leaves the pod
  EXPECT_EQ(from(world->pod1, at().service, 80),
            seen("pod1", by_socket ? at().pod1 : at().gateway));
}

TEST_P(Ways, ExternalPolicyLocalKeepsTheClientsAddress) {
  const Verdict pods = forward(BackendGroup::kCluster, false),
                host = forward(BackendGroup::kCluster, true),
                outside = forward(BackendGroup::kLocal, false);
  install(plan_of(
      settings(),
      {web({cluster_ip(at().service, 80),
            frontend(FrontendKind::kNodePort, any_address(family()), 30080, pods, host, outside)},
           {"far", "pod1"})}));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(from(world->ext, at().node, 30080), seen("pod1", at().ext));
}

TEST_P(Ways, AServiceWithoutEndpointsRefuses) {
  install(
      plan_of(settings(),
              {web({frontend(FrontendKind::kClusterIp, at().service, 80, kRefuse, kRefuse, kRefuse),
                    frontend(FrontendKind::kNodePort, any_address(family()), 30080, kRefuse,
                             kRefuse, kRefuse)},
                   {})}));
  EXPECT_EQ(from(world->pod1, at().service, 80), kRefusedAnswer);
  EXPECT_EQ(from(world->node, at().service, 80), kRefusedAnswer);
  EXPECT_EQ(from(world->ext, at().node, 30080), kRefusedAnswer);
}

TEST_P(Ways, AfterAChangeConnectionsGoToTheNewBackendAndToNoOther) {
  ServicePlan other = service("other", GetParam().protocol, family(),
                              {cluster_ip(at().service2, 80)}, {backend("pod2", family())});
  const auto plan_with = [&](const std::string& pod) {
    return plan_of(settings(),
                   {web({cluster_ip(at().service, 80), node_port(family(), 30080)}, {pod}), other});
  };
  install(plan_with("pod2"));
  EXPECT_EQ(from(world->pod1, at().service, 80).server, "pod2");
  for (const char* pod : {"far", "pod2", "far"}) {
    change(plan_with(pod), "web");
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(from(world->pod1, at().service, 80).server, pod);
      EXPECT_EQ(from(world->ext, at().node, 30080).server, pod);
    }
    EXPECT_EQ(from(world->pod1, at().service2, 80).server, "pod2");
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string& way : way_names(options()))
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const bool is_real = way == "kube-proxy " + options().kube_proxy;
      if (way.starts_with("direct") || (is_real && family == Family::kIpv6)) continue;
      all.push_back({way, family, Protocol::kTcp});
      // Our own datapaths have suites of their own.
      if (way.starts_with("kube-proxy")) all.push_back({way, family, Protocol::kUdp});
    }
  return all;
}

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.way + (info.param.family == Family::kIpv4 ? "_Ipv4_" : "_Ipv6_") +
                     std::string(to_string(info.param.protocol));
  for (char& letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Ways, testing::ValuesIn(cases()), name_of_case);

}  // namespace
}  // namespace fairlead::bench
