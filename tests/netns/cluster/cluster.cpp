// World: namespaces, links, routes and servers, made once a program. ClusterTest: a datapath a
// test, cleaned up after it.
#include "tests/netns/cluster/cluster.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <set>

#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/nftables/datapath.hpp"

namespace fairlead::test {
namespace {

Ip ip(std::string_view text) { return parse_ip(text).value(); }
Cidr cidr(std::string_view text) { return parse_cidr(text).value(); }

std::string host_prefix(const Ip& address) {
  return to_string(address) + (address.is_v4() ? "/32" : "/128");
}
std::string dash(Family family) { return family == Family::kIpv4 ? "-4 " : "-6 "; }

}  // namespace

Addresses addresses_of(Family family) {
  if (family == Family::kIpv4)
    return {ip("198.18.0.250"),  ip("198.18.0.1"),   ip("10.244.1.11"), ip("10.244.1.12"),
            ip("10.244.2.21"),   ip("198.18.1.2"),   ip("10.96.0.10"),  ip("10.96.0.11"),
            ip("10.96.0.99"),    ip("203.0.113.10"), ip("10.244.1.1"),  cidr("10.244.0.0/16"),
            cidr("10.96.0.0/16")};
  return {ip("fd18::fa"),       ip("fd18::1"),         ip("fd00:244:1::11"), ip("fd00:244:1::12"),
          ip("fd00:244:2::21"), ip("fd18:1::2"),       ip("fd00:96::10"),    ip("fd00:96::11"),
          ip("fd00:96::99"),    ip("2001:db8:10::10"), ip("fd00:244:1::1"),  cidr("fd00:244::/32"),
          cidr("fd00:96::/112")};
}

Verdict forward(BackendGroup group, bool masquerade) {
  return {Action::kForward, group, masquerade};
}

Frontend frontend(FrontendKind kind, const Ip& address, std::uint16_t port, Verdict internal,
                  Verdict host, Verdict external) {
  Frontend result;
  result.kind = kind;
  result.address = address;
  result.port = {port};
  result.verdicts = {internal, host, external};
  return result;
}

Frontend cluster_ip(const Ip& address, std::uint16_t port) {
  const Verdict plain = forward(BackendGroup::kCluster, false),
                masqueraded = forward(BackendGroup::kCluster, true);
  return frontend(FrontendKind::kClusterIp, address, port, plain, masqueraded, masqueraded);
}

Frontend node_port(Family family, std::uint16_t port) {
  const Verdict verdict = forward(BackendGroup::kCluster, true);
  return frontend(FrontendKind::kNodePort, any_address(family), port, verdict, verdict, verdict);
}

Frontend load_balancer(const Ip& address, std::uint16_t port) {
  const Verdict verdict = forward(BackendGroup::kCluster, true);
  return frontend(FrontendKind::kLoadBalancer, address, port, verdict, verdict, verdict);
}

ServicePlan service(const std::string& name, Protocol protocol, Family family,
                    std::vector<Frontend> frontends, std::vector<Backend> cluster,
                    std::vector<Backend> local) {
  ServicePlan plan;
  plan.name = {{"default", name}, "", protocol, family};
  plan.frontends = std::move(frontends);
  plan.cluster_backends = std::move(cluster);
  plan.local_backends = std::move(local);
  if (protocol != Protocol::kUdp) return plan;
  std::set<Ip> serving;
  for (const Backend& backend : plan.cluster_backends) serving.insert(backend.address);
  for (const Backend& backend : plan.local_backends) serving.insert(backend.address);
  plan.serving.assign(serving.begin(), serving.end());
  return plan;
}

Plan plan_of(const NodeSettings& node, std::vector<ServicePlan> services) {
  Plan plan;
  plan.node = node;
  for (ServicePlan& service : services)
    plan.services[service.name.service].push_back(std::move(service));
  return plan;
}

void ClusterTest::World::connect_pod(const Namespace& pod, const std::string& interface,
                                     Family family, const Ip& address) const {
  const std::string f = dash(family), gateway = to_string(addresses_of(family).gateway);
  node.ip(fmt::format("{}addr add {} dev {} {}", f, host_prefix(addresses_of(family).gateway),
                      interface, family == Family::kIpv6 ? "nodad" : ""));
  pod.ip(fmt::format("{}addr add {} dev eth0 {}", f, host_prefix(address),
                     family == Family::kIpv6 ? "nodad" : ""));
  pod.ip(fmt::format("{}route add {} dev eth0", f, gateway));
  pod.ip(fmt::format("{}route add default via {} dev eth0", f, gateway));
  node.ip(fmt::format("{}route add {} dev {}", f, host_prefix(address), interface));
}

ClusterTest::World::World() {
  node.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  // The tests are refused more often than the kernel sends ICMP errors to one address.
  node.sh("sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0");
  connect_namespaces(node, "wire", ext, "eth0");
  connect_namespaces(node, "tofar", far, "eth0");
  connect_namespaces(node, "veth1", pod1, "eth0");
  connect_namespaces(node, "veth2", pod2, "eth0");
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const Addresses a = addresses_of(family);
    const std::string f = dash(family), length = family == Family::kIpv4 ? "/24" : "/64",
                      nodad = family == Family::kIpv6 ? " nodad" : "";
    const std::string near_far = family == Family::kIpv4 ? "198.18.1.1" : "fd18:1::1";
    node.ip(f + "addr add " + to_string(a.node) + length + " dev wire" + nodad);
    node.ip(f + "addr add " + near_far + length + " dev tofar" + nodad);
    node.ip(f + "route add default via " + to_string(a.ext));
    node.ip(f + "route add " + host_prefix(a.far) + " via " + to_string(a.far_node));
    ext.ip(f + "addr add " + to_string(a.ext) + length + " dev eth0" + nodad);
    ext.ip(f + "route add " + to_string(a.services) + " via " + to_string(a.node));
    ext.ip(f + "route add " + host_prefix(a.balancer) + " via " + to_string(a.node));
    far.ip(f + "addr add " + to_string(a.far_node) + length + " dev eth0" + nodad);
    far.ip(f + "addr add " + host_prefix(a.far) + " dev eth0" + nodad);
    far.ip(f + "route add default via " + near_far);
    connect_pod(pod1, "veth1", family, a.pod1);
    connect_pod(pod2, "veth2", family, a.pod2);
    servers.serve(pod1, "pod1", a.pod1, kPodPort);
    servers.serve(pod2, "pod2", a.pod2, kPodPort);
    servers.serve(far, "far", a.far, kPodPort);
  }
}

Result<> ClusterTest::World::put_all_into_cgroup() {
  if (cgroup) return {};
  TRY(cgroup, Cgroup::make("sockets"));
  for (Namespace* place : {&node, &pod1, &pod2}) place->set_cgroup(cgroup.get());
  return {};
}

ClusterTest::World* ClusterTest::world = nullptr;

void ClusterTest::SetUpTestSuite() {
  if (::geteuid() == 0) world = new World;  // GoogleTest wants a plain pointer here
}

void ClusterTest::TearDownTestSuite() {
  delete world;
  world = nullptr;
}

void ClusterTest::SetUp() {
  if (world == nullptr) GTEST_SKIP() << "needs root to make network namespaces";
  datapath = open_datapath();
  ASSERT_NE(datapath, nullptr);
}

void ClusterTest::TearDown() {
  if (datapath == nullptr) return;
  const auto cleaned = datapath->cleanup();
  EXPECT_TRUE(cleaned) << cleaned.error().doing;
  world->node.sh("conntrack -F 2>/dev/null");
}

#ifdef FAIRLEAD_HAS_EBPF
Result<std::unique_ptr<Datapath>> ClusterTest::World::open_ebpf(
    std::function<void(const Error&)> report) {
  if (!cgroup) {
    TRY(bpffs, BpfFilesystem::mount("bpf"));
    TRY(cgroup, Cgroup::make("node"));
    node.set_cgroup(cgroup.get());
  }
  ebpf::Options options;
  options.pin_directory = bpffs->path() + "/fairlead";
  options.cgroup = cgroup->path();
  // Each test makes the tables anew.
  options.flows_v4 = options.flows_v6 = 1 << 14;
  options.records = 1 << 16;
  options.frontends = 1 << 12;
  options.affinities = 1 << 10;
  options.report = std::move(report);
  return ebpf::make_datapath(std::move(options));
}
#else
Result<std::unique_ptr<Datapath>> ClusterTest::World::open_ebpf(std::function<void(const Error&)>) {
  return invalid("the eBPF datapath is not built");
}
#endif

std::unique_ptr<Datapath> ClusterTest::open_datapath(DatapathKind kind) {
  const auto report = [](const Error& error) { ADD_FAILURE() << error.doing; };
  std::unique_ptr<Datapath> opened;
  world->node.run([&] {
    auto made = kind == DatapathKind::kNftables ? nftables::make_datapath({.report = report})
                                                : world->open_ebpf(report);
    ASSERT_TRUE(made) << made.error().doing;
    opened = std::move(*made);
  });
  return opened;
}

SyncReport ClusterTest::resync(const Plan& plan) {
  auto report = datapath->resync(plan);
  EXPECT_TRUE(report) << report.error().doing;
  return report.value_or(SyncReport{});
}

SyncReport ClusterTest::apply(const ServicePlan& wanted) {
  const ServicePlans plans{wanted};
  const ServiceChange change{wanted.name.service, &plans};
  auto report = datapath->apply({&change, 1});
  EXPECT_TRUE(report) << report.error().doing;
  return report.value_or(SyncReport{});
}

SyncReport ClusterTest::remove(const std::string& name) {
  const ServicePlans nothing;
  const ServiceChange change{{"default", name}, &nothing};
  auto report = datapath->apply({&change, 1});
  EXPECT_TRUE(report) << report.error().doing;
  return report.value_or(SyncReport{});
}

NodeSettings ClusterTest::settings() {
  NodeSettings node;
  node.detect_local.mode = DetectLocal::Mode::kCidr;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const Addresses a = addresses_of(family);
    node.detect_local.cidrs.push_back(a.pods);
    node.node_port_addresses.push_back(a.node);
    node.service_cidrs.push_back(a.services);
  }
  return node;
}

Backend ClusterTest::backend(std::string_view pod, Family family) {
  const Addresses a = addresses_of(family);
  if (pod == "pod1") return {a.pod1, kPodPort, true, BackendState::kActive};
  if (pod == "pod2") return {a.pod2, kPodPort, true, BackendState::kActive};
  return {a.far, kPodPort, false, BackendState::kActive};
}

}  // namespace fairlead::test
