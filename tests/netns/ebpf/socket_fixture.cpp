// Object -> links at the cgroup -> tables for the node.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <numeric>

#include "tests/netns/ebpf/sizes.hpp"
#include "tests/netns/ebpf/socket_fixture.hpp"

namespace fairlead::test {
namespace {

std::uint64_t cookie_of(const Namespace& where) {
  std::uint64_t cookie = 0;
  where.run([&] {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    socklen_t size = sizeof(cookie);
    ASSERT_EQ(::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size), 0);
  });
  return cookie;
}

}  // namespace

std::string name_of(const Asker& asker) {
  const std::string who = asker.is_host ? "Host" : "Pod";
  if (asker.socket == Family::kIpv4) return who + "Ipv4";
  return who + (asker.address == Family::kIpv6 ? "Ipv6" : "Mapped");
}

void SocketTest::attach(const std::string& program, std::uint32_t attach_type) {
  const Fd cgroup(::open(world->cgroup->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(cgroup);
  auto link = BpfLink::create(object->program_fd(program), cgroup.get(), BpfHook{attach_type});
  ASSERT_TRUE(link) << program << ": " << link.error().doing;
  links_.push_back(std::move(*link));
}

void SocketTest::SetUp() {
  if (world == nullptr) GTEST_SKIP() << "needs root to make network namespaces";
  const auto joined = world->put_all_into_cgroup();
  ASSERT_TRUE(joined) << joined.error().doing;
  const auto features = probe_bpf();
  ASSERT_TRUE(features) << features.error().doing;
  auto loaded = ebpf::load(kTestSizes, *features, [](const std::string&) { return -1; });
  ASSERT_TRUE(loaded) << loaded.error().doing;
  object.emplace(std::move(*loaded));
  const std::pair<const char*, bpf_attach_type> hooks[] = {
      {"fairlead_connect4", BPF_CGROUP_INET4_CONNECT},
      {"fairlead_connect6", BPF_CGROUP_INET6_CONNECT},
      {"fairlead_sendmsg4", BPF_CGROUP_UDP4_SENDMSG},
      {"fairlead_sendmsg6", BPF_CGROUP_UDP6_SENDMSG},
      {"fairlead_recvmsg4", BPF_CGROUP_UDP4_RECVMSG},
      {"fairlead_recvmsg6", BPF_CGROUP_UDP6_RECVMSG},
      {"fairlead_getpeername4", BPF_CGROUP_INET4_GETPEERNAME},
      {"fairlead_getpeername6", BPF_CGROUP_INET6_GETPEERNAME},
      {"fairlead_post_bind4", BPF_CGROUP_INET4_POST_BIND},
      {"fairlead_post_bind6", BPF_CGROUP_INET6_POST_BIND},
      {"fairlead_release", BPF_CGROUP_INET_SOCK_RELEASE},
  };
  for (const auto& [program, type] : hooks) attach(program, type);
  tables.emplace(*object);
  tables->set_node(settings(), cookie_of(world->node));
}

void SocketTest::TearDown() {
  links_.clear();
  tables.reset();
  object.reset();
}

std::uint64_t SocketTest::counted(std::uint32_t counter) const {
  std::vector<std::uint64_t> each(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  EXPECT_EQ(bpf_map_lookup_elem(object->map_fd("counters"), &counter, each.data()), 0);
  return std::accumulate(each.begin(), each.end(), std::uint64_t{0});
}

Client SocketTestOf::client(Protocol protocol) const {
  return {asker.is_host ? world->node : world->pod2, asker.socket, protocol};
}

ServicePlan SocketTestOf::web(Protocol protocol) const {
  return service(
      "web", protocol, family,
      {cluster_ip(at.service, 80), load_balancer(at.balancer, 80), node_port(family, 30080)},
      {pod("pod1"), pod("pod2"), pod("far")});
}

}  // namespace fairlead::test
