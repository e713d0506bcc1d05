// Plan -> datapath -> pins -> programs, counters, flow tables.
#include "bench/packets/own_balancer.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "bench/support/datapaths.hpp"
#include "bench/support/measure.hpp"
#include "bench/support/pins.hpp"
#include "bench/support/services.hpp"
#include "bpf/abi/config.h"
#include "bpf/abi/counters.h"

namespace fairlead::bench {
namespace {

constexpr std::array kFamilies{Family::kIpv4, Family::kIpv6};

Ip parsed(const std::string& text) {
  const auto ip = parse_ip(text);
  if (!ip) fail(ip.error().doing);
  return *ip;
}

ServicePlan measured(Family family) {
  const bool is_v4 = family == Family::kIpv4;
  Measured service{is_v4 ? address(11, 0xff0001) : parsed("2001:db8:11::1"), {80}, kNodePort, {}};
  for (std::uint32_t i = 0; i < kBackends; ++i)
    service.backends.push_back(
        {is_v4 ? address(10, 0xf00000 + i) : parsed(fmt::format("2001:db8:30::{:x}", i + 1)),
         {8080},
         false,
         BackendState::kActive});
  return measured_service(service);
}

/// The elements of an array, mapped until the process ends.
std::span<std::byte> memory_of(const PinnedMap& map) {
  void* memory =
      ::mmap(nullptr, map.data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map.fd.get(), 0);
  if (memory == MAP_FAILED) fail(fmt::format("map {} cannot be mapped", map.name));
  return {static_cast<std::byte*>(memory), map.data_bytes};
}

/// Of all CPUs together.
std::array<std::uint64_t, FL_COUNT_MAX> counted(const Fd& counters) {
  std::array<std::uint64_t, FL_COUNT_MAX> sums{};
  std::vector<std::uint64_t> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  for (std::uint32_t i = 0; i < FL_COUNT_MAX; ++i) {
    if (bpf_map_lookup_elem(counters.get(), &i, values.data()) != 0)
      fail("the counters cannot be read");
    for (const std::uint64_t value : values) sums[i] += value;
  }
  return sums;
}

std::uint32_t now_ticks() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint32_t>(
      static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count()) >> FL_TICK_SHIFT);
}

}  // namespace

int make_wire() {
  for (const char* command :
       {"ip link set lo up", "ip link add wire address 02:00:00:00:00:01 type veth peer name other",
        "ip link set wire up", "ip link set other up",
        // Before the addresses: else they are tentative for a while.
        "sysctl -qw net.ipv6.conf.wire.accept_dad=0 net.ipv4.ip_forward=1 "
        "net.ipv6.conf.all.forwarding=1",
        "ip address add 198.18.0.1/24 dev wire", "ip address add 2001:db8::1/64 dev wire nodad",
        "ip neighbour add 198.18.0.254 lladdr 02:00:00:00:00:02 nud permanent dev wire",
        "ip neighbour add 2001:db8::fe lladdr 02:00:00:00:00:02 nud permanent dev wire",
        "ip route add default via 198.18.0.254", "ip route add default via 2001:db8::fe"})
    if (std::system(command) != 0) fail(command);
  return static_cast<int>(::if_nametoindex("wire"));
}

Ip node_address(Family family) {
  return parsed(family == Family::kIpv4 ? "198.18.0.1" : "2001:db8::1");
}

Ip client_address(Family family, std::uint32_t number) {
  if (family == Family::kIpv4) return address(20, number);
  Ip ip = parsed("2001:db8:20::");
  const std::uint32_t word = htonl(number);
  std::memcpy(&ip.bytes[12], &word, sizeof(word));
  return ip;
}

struct OwnBalancer::Objects {
  OwnCgroup cgroup;
  std::unique_ptr<Datapath> datapath;
  std::array<Fd, 2> programs;                 // by Hook
  std::array<std::span<std::byte>, 2> flows;  // by Family
  std::array<std::vector<std::byte>, 2> kept;
  Fd counters;
  fl_config* config = nullptr;
};

OwnBalancer::OwnBalancer(std::uint32_t services, const std::string& directory)
    : objects_(std::make_unique<Objects>()) {
  Objects& o = *objects_;
  o.datapath = make_datapath(
      {.name = "ebpf", .pin_directory = directory, .cgroup = o.cgroup.path(), .xdp = true});
  Plan plan = plan_of(services - 1, 3);
  for (const Family family : kFamilies) {
    add(plan, measured(family));
    plan.node.node_port_addresses.push_back(node_address(family));
  }
  if (const auto done = o.datapath->resync(plan); !done) fail(done.error().doing);
  o.programs = {pinned_program(directory, "fairlead_xdp"),
                pinned_program(directory, "fairlead_tc_ingress")};
  for (PinnedMap& map : pinned_maps(directory)) {
    if (map.name == "flows4") o.flows[0] = memory_of(map);
    if (map.name == "flows6") o.flows[1] = memory_of(map);
    if (map.name == "config") o.config = reinterpret_cast<fl_config*>(memory_of(map).data());
    if (map.name == "counters") o.counters = std::move(map.fd);
  }
}

OwnBalancer::~OwnBalancer() {
  if (const auto done = objects_->datapath->cleanup(); !done) fail(done.error().doing);
}

int OwnBalancer::program(Hook hook) const {
  return objects_->programs[static_cast<std::size_t>(hook)].get();
}

Work OwnBalancer::work() const {
  Work work;
  const auto counters = counted(objects_->counters);
  for (std::size_t i = 0; i < counters.size(); ++i)
    (i == FL_COUNT_TO_WIRE         ? work.forwarded
     : i == FL_COUNT_FLOWS_CREATED ? work.created
                                   : work.other) += counters[i];
  return work;
}

/// The agent says for some seconds that routes follow from destinations.
void OwnBalancer::wait_until_ready() {
  const std::atomic_ref<__u32> until(objects_->config->plain_routes_until);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (until.load() < now_ticks() + 2) {
    if (std::chrono::steady_clock::now() > end) fail("the agent's word on routes does not come");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string OwnBalancer::details() const {
  std::string text;
  const auto counters = counted(objects_->counters);
  for (std::size_t i = 0; i < counters.size(); ++i)
    if (counters[i] != 0) text += fmt::format("; counter {}: {}", i, counters[i]);
  return text;
}

void OwnBalancer::forget_flows(Family family) {
  const auto memory = objects_->flows[static_cast<std::size_t>(family)];
  objects_->kept[static_cast<std::size_t>(family)].assign(memory.begin(), memory.end());
  std::ranges::fill(memory, std::byte{});
}

void OwnBalancer::recall_flows(Family family) {
  const auto which = static_cast<std::size_t>(family);
  std::ranges::copy(objects_->kept[which], objects_->flows[which].begin());
}

}  // namespace fairlead::bench
