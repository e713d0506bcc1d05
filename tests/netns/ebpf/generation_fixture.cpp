// A bpffs a test, a datapath at a time; maps of its generations in our memory.
#include "tests/netns/ebpf/generation_fixture.hpp"

#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>

#include <algorithm>

#include "bpf/abi/flows.h"
#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/ebpf/figures.hpp"
#include "dataplane/ebpf/generation.hpp"
#include "dataplane/kernel/bpf_link.hpp"

namespace fairlead::test {
namespace {

template <class Bucket>
void age(std::span<Bucket> buckets, std::uint32_t ticks) {
  const std::uint32_t stamp = fl_stamp(ebpf::now_ticks() - ticks, 0);
  for (Bucket& bucket : buckets)
    for (auto& flow : bucket.way) flow.stamp = stamp;
}

}  // namespace

void GenerationTest::SetUp() {
  if (world == nullptr) GTEST_SKIP() << "needs root to make network namespaces";
  const auto joined = world->put_all_into_cgroup();
  ASSERT_TRUE(joined) << joined.error().doing;
  auto mounted = BpfFilesystem::mount("generations");
  ASSERT_TRUE(mounted) << mounted.error().doing;
  bpffs_ = std::move(*mounted);
}

void GenerationTest::TearDown() {
  if (!bpffs_) return;
  datapath = open(1 << 10);
  ASSERT_NE(datapath, nullptr);
  ClusterTest::TearDown();
  datapath.reset();
}

std::unique_ptr<Datapath> GenerationTest::open(std::uint32_t flows) {
  ebpf::Options options;
  options.pin_directory = bpffs_->path() + "/fairlead";
  options.cgroup = world->cgroup->path();
  options.flows_v4 = options.flows_v6 = flows;
  options.records = 1 << 12;
  options.frontends = 1 << 10;
  options.affinities = 1 << 10;
  options.report = [this](const Error& error) { reported.push_back(error.doing); };
  adjust(options);
  std::unique_ptr<Datapath> opened;
  world->node.run([&] {
    auto made = ebpf::make_datapath(std::move(options));
    ASSERT_TRUE(made) << made.error().doing;
    opened = std::move(*made);
  });
  return opened;
}

void GenerationTest::start_agent(std::uint32_t flows, const Plan& plan) {
  datapath.reset();
  datapath = open(flows);
  ASSERT_NE(datapath, nullptr);
  resync(plan);
}

Plan GenerationTest::plan_to(std::string_view pod, std::vector<Ip> serving) {
  const std::vector<Frontend> frontends{cluster_ip(addresses_of(family()).service, 80),
                                        node_port(family(), 30080)};
  const Backend to = backend(pod, family());
  ServicePlan udp = service("udp", Protocol::kUdp, family(), frontends, {to});
  udp.serving.insert(udp.serving.end(), serving.begin(), serving.end());
  std::ranges::sort(udp.serving);
  return plan_of(settings(),
                 {service("tcp", Protocol::kTcp, family(), frontends, {to}), std::move(udp)});
}

std::string GenerationTest::path_of(const std::string& generation) const {
  return bpffs_->path() + "/fairlead/" + generation;
}

std::vector<std::string> GenerationTest::generations() const {
  return ebpf::list_generations(bpffs_->path() + "/fairlead").value();
}

std::size_t GenerationTest::programs_at_link() const {
  std::size_t count = 0;
  world->node.run([&] {
    const auto programs = programs_at(static_cast<int>(::if_nametoindex("wire")), kTcxIngress);
    ASSERT_TRUE(programs) << programs.error().doing;
    count = programs->size();
  });
  return count;
}

std::size_t GenerationTest::programs_at_connect() {
  const Fd cgroup(::open(world->cgroup->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const BpfHook hook{family() == Family::kIpv4 ? BPF_CGROUP_INET4_CONNECT
                                               : BPF_CGROUP_INET6_CONNECT};
  return programs_at(cgroup.get(), hook).value().size();
}

BpfMapping GenerationTest::memory_of(const std::string& generation, const char* map) const {
  const auto handle = BpfMapHandle::open_pinned(path_of(generation) + "/maps/" + map, map).value();
  return BpfMapping::map(handle, handle.value_bytes()).value();
}

fl_config_head& GenerationTest::head_in(const BpfMapping& config) {
  return *reinterpret_cast<fl_config_head*>(config.bytes().data());
}

void GenerationTest::age_flows(const std::string& generation) const {
  const BpfMapping config = memory_of(generation, "config");
  const std::uint32_t ticks = head_in(config).longest_timeout + 10;
  age(memory_of(generation, "flows4").elements<fl_bucket4>(), ticks);
  age(memory_of(generation, "flows6").elements<fl_bucket6>(), ticks);
}

Clients::Clients(const Namespace& outside, const Namespace& node, const Namespace& pod,
                 const Addresses& at)
    : service_{at.service, 80} {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
    outside_.emplace_back(outside, at.node, Port{30080}, protocol);
    for (const Namespace* where : {&node, &pod}) open_socket(*where, protocol, true);
  }
  for (const Namespace* where : {&node, &pod}) open_socket(*where, Protocol::kUdp, false);
}

void Clients::open_socket(const Namespace& where, Protocol protocol, bool connect) {
  const auto& [client, is_connected] =
      sockets_.emplace_back(Socket{Client(where, service_.ip.family(), protocol), connect});
  if (!is_connected) return;
  EXPECT_EQ(client.connect(service_), 0);
  if (protocol != Protocol::kTcp) return;
  EXPECT_EQ(client.receive().error, 0) << "no greeting";
}

void Clients::expect_outside_at(const std::string& server) {
  for (std::size_t i = 0; i < outside_.size(); ++i)
    EXPECT_EQ(outside_[i].ask().server, server) << "client " << i << " from outside";
}

void Clients::expect_all_at(const std::string& server) {
  expect_outside_at(server);
  expect_sockets_at(server);
}

void Clients::expect_sockets_at(const std::string& server) {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    const auto& [client, is_connected] = sockets_[i];
    const Received answer = is_connected ? client.ask() : client.ask(service_);
    EXPECT_EQ(answer.server, server) << "socket " << i << ": error " << answer.error;
    EXPECT_EQ(is_connected ? client.peer() : answer.from, service_) << "socket " << i;
  }
}

}  // namespace fairlead::test
