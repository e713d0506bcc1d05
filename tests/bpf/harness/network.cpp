// unshare, then one batch of `ip`.
#include "tests/bpf/harness/network.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace fairlead::test {
namespace {

constexpr const char* kBatch = R"(
link set lo up
link add eth0 index 10 address 02:00:00:00:00:10 type veth peer name wire index 11
link add pod0 index 20 address 02:00:00:00:00:20 type veth peer name podend index 21
link add pod1 index 30 address 02:00:00:00:00:30 type veth peer name podend1 index 31
link add vx0 index 40 address 02:00:00:00:00:40 type vxlan id 201 dstport 4789 local 192.168.1.1 dev eth0 nolearning
link set eth0 up
link set wire up
link set pod0 up
link set podend up
link set pod1 up mtu 1400
link set podend1 up
addr add 192.168.1.1/24 dev eth0
addr add fd01::1/64 dev eth0 nodad
addr add 8.0.9.1/32 dev eth0
addr add 2001:db8:86dd::9/128 dev eth0 nodad
addr add 10.244.1.1/32 dev pod0
neigh add 192.168.1.254 lladdr 02:00:00:00:00:fe dev eth0 nud permanent
neigh add fd01::fe lladdr 02:00:00:00:00:fe dev eth0 nud permanent
neigh add 192.168.1.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
neigh add fd01::2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
neigh add 10.244.1.2 lladdr 02:00:00:00:00:21 dev pod0 nud permanent
neigh add fd44:1::2 lladdr 02:00:00:00:00:21 dev pod0 nud permanent
neigh add 10.244.1.4 lladdr 02:00:00:00:00:31 dev pod1 nud permanent
neigh add fd44:1::4 lladdr 02:00:00:00:00:31 dev pod1 nud permanent
route add 10.244.1.4/32 dev pod1
route add fd44:1::4/128 dev pod1
route add 10.244.1.2/32 dev pod0
route add fd44:1::2/128 dev pod0
link set vx0 up
neigh add 10.244.3.0 lladdr 02:00:00:00:00:42 dev vx0 nud permanent
neigh add fd44:3:: lladdr 02:00:00:00:00:42 dev vx0 nud permanent
route add 10.244.3.0/24 via 10.244.3.0 dev vx0 onlink
route add fd44:3::/64 via fd44:3:: dev vx0 onlink
route add 10.244.2.0/24 via 192.168.1.2
route add fd44:2::/64 via fd01::2
route add default via 192.168.1.254
route add default via fd01::fe
)";

void write_sysctl(const char* path, const char* value) {
  std::ofstream file(std::string("/proc/sys/net/") + path);
  file << value << std::flush;
  ASSERT_TRUE(file.good()) << path;
}

}  // namespace

World::World(Family family)
    : node("192.168.1.1"_ip),
      other_node("192.168.1.2"_ip),
      client("198.51.100.7"_ip),
      other_client("198.51.100.8"_ip),
      cluster_ip("10.96.0.10"_ip),
      external_ip("203.0.113.10"_ip),
      unallocated("10.96.77.77"_ip),
      service_range{"10.96.0.0"_ip, 16},
      pods{"10.244.1.0"_ip, 24},
      local_pod("10.244.1.2"_ip),
      other_local_pod("10.244.1.3"_ip),
      neighbour("10.244.1.4"_ip),
      remote_pods{"10.244.2.2"_ip, "10.244.2.3"_ip, "10.244.2.4"_ip, "10.244.2.5"_ip},
      tunnelled_pods{"10.244.3.0"_ip, 24},
      tunnelled_pod("10.244.3.2"_ip),
      typed_client("8.0.0.7"_ip),
      typed_node("8.0.9.1"_ip) {
  if (family == Family::kIpv4) return;
  node = "fd01::1"_ip;
  other_node = "fd01::2"_ip;
  client = "2001:db8::7"_ip;
  other_client = "2001:db8::8"_ip;
  cluster_ip = "fd96::10"_ip;
  external_ip = "2001:db8:ffff::10"_ip;
  unallocated = "fd96::7777"_ip;
  service_range = {"fd96::"_ip, 112};
  pods = {"fd44:1::"_ip, 64};
  local_pod = "fd44:1::2"_ip;
  other_local_pod = "fd44:1::3"_ip;
  neighbour = "fd44:1::4"_ip;
  remote_pods = {"fd44:2::2"_ip, "fd44:2::3"_ip, "fd44:2::4"_ip, "fd44:2::5"_ip};
  tunnelled_pods = {"fd44:3::"_ip, 64};
  tunnelled_pod = "fd44:3::2"_ip;
  typed_client = "2001:db8:86dd::7"_ip;
  typed_node = "2001:db8:86dd::9"_ip;
}

void make_network() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
  write_sysctl("ipv4/conf/all/forwarding", "1");
  write_sysctl("ipv6/conf/all/forwarding", "1");
  std::FILE* ip = ::popen("ip -batch -", "w");
  ASSERT_NE(ip, nullptr);
  std::fputs(kBatch, ip);
  ASSERT_EQ(::pclose(ip), 0) << "ip -batch";
}

}  // namespace fairlead::test
