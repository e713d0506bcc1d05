// An object file -> maps -> counters. Layouts are katran's: structs of its C source by offset.
#include "bench/packets/katran.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "bench/packets/own_balancer.hpp"
#include "bench/support/measure.hpp"
#include "bench/support/services.hpp"

namespace fairlead::bench {
namespace {

constexpr std::uint32_t kRing = 65537;      // slots of a Service in `ch_rings`
constexpr std::uint32_t kServerIds = 1024;  // of 2^24 in `server_id_map`: QUIC only, and 128 MiB
constexpr std::uint8_t kTcp = IPPROTO_TCP;

/// Key of `vip_map`: network byte order.
struct Vip {
  std::uint32_t address[4];
  std::uint16_t port;
  std::uint8_t protocol;
  std::uint8_t pad;
};
struct VipInfo {
  std::uint32_t flags, number;
};
/// Element of `reals`; number 0 is none.
struct Real {
  std::uint32_t address[4];
  std::uint8_t flags;
  std::uint8_t pad[3];
};
/// Key and value of a table of flows.
struct Flow {
  std::uint32_t source[4], destination[4];
  std::uint16_t source_port, destination_port;
  std::uint8_t protocol;
  std::uint8_t pad[3];
};
struct FlowEntry {
  std::uint32_t real;
  std::uint32_t pad;
  std::uint64_t used;
};
/// Element of `ctl_array`; 0 is where all packets go.
struct Gateway {
  std::uint8_t mac[6];
  std::uint8_t pad[2];
};

/// Counters that belong to no Service follow those of `room_` Services in `stats`.
enum GlobalCounter : std::uint32_t {
  kPackets = 0,      // all for a Service; those without an entry
  kMisses = 1,       // of the latter SYN; not SYN
  kNewFlows = 2,     // in this second; when it began
  kSharedTable = 3,  // no table for this CPU
  kDrops = 9,        // no backend
};

BpfObject load_object(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream || bytes.empty()) fail(fmt::format("{} cannot be read", file));
  auto object = BpfObject::open(std::as_bytes(std::span(bytes)), file);
  if (!object) fail(object.error().doing);
  if (const auto done = object->set_max_entries("server_id_map", kServerIds); !done)
    fail(done.error().doing);
  if (const auto done = object->load(); !done) fail(done.error().doing);
  return *std::move(object);
}

bpf_map_info info_of(const BpfObject& object, const std::string& map) {
  bpf_map_info info{};
  std::uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(object.map_fd(map), &info, &size) != 0)
    fail(fmt::format("this katran has no map {}", map));
  return info;
}

/// Another layout would be another katran than the one that this file knows.
template <class Key, class Value>
void put(const BpfObject& object, const std::string& map, const Key& key, const Value& value) {
  const bpf_map_info info = info_of(object, map);
  if (info.key_size != sizeof(Key) || info.value_size != sizeof(Value))
    fail(fmt::format("this katran's map {} has keys and values of {} and {} bytes", map,
                     info.key_size, info.value_size));
  if (bpf_map_update_elem(object.map_fd(map), &key, &value, BPF_ANY) != 0)
    fail(fmt::format("katran's map {}: {}", map, std::strerror(errno)));
}

std::uint32_t word_of(const Ip& ip) {
  std::uint32_t word = 0;
  std::memcpy(&word, &ip.bytes[12], sizeof(word));
  return word;
}

Flow flow_of(std::uint32_t client) {
  return {.source = {word_of(client_address(Family::kIpv4, client))},
          .destination = {word_of(node_address(Family::kIpv4))},
          .source_port = htons(40000),
          .destination_port = htons(kNodePort.host),
          .protocol = kTcp,
          .pad = {}};
}

int stay_on_this_cpu() {
  const int cpu = ::sched_getcpu();
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (cpu < 0 || ::sched_setaffinity(0, sizeof(set), &set) != 0) fail("the CPU cannot be kept");
  return cpu;
}

}  // namespace

Katran::Katran(const std::string& file, std::uint32_t services, std::uint32_t clients,
               KatranTable table)
    : object_(load_object(file)), clients_(clients), kind_(table) {
  room_ = info_of(object_, "vip_map").max_entries;
  put(object_, "ctl_array", std::uint32_t{0}, Gateway{.mac = {2, 0, 0, 0, 0, 2}, .pad = {}});
  add_services(std::min(services, room_));
  add_backends();
  add_table();
}

void Katran::add_services(std::uint32_t services) {
  for (std::uint32_t i = 0; i < services; ++i) {
    const Ip service = i == 0 ? node_address(Family::kIpv4) : address(11, i);
    put(object_, "vip_map",
        Vip{.address = {word_of(service)},
            .port = htons(i == 0 ? kNodePort.host : 80),
            .protocol = kTcp,
            .pad = 0},
        VipInfo{.flags = 0, .number = i});
  }
}

/// Those of the measured Service, which is number 0.
void Katran::add_backends() {
  for (std::uint32_t i = 0; i < kBackends; ++i)
    put(object_, "reals", i + 1,
        Real{.address = {word_of(address(10, 0xf00000 + i))}, .flags = 0, .pad = {}});
  for (std::uint32_t slot = 0; slot < kRing; ++slot)
    put(object_, "ch_rings", slot, slot % kBackends + 1);
}

void Katran::add_table() {
  table_ = Fd(bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "katran_flows", sizeof(Flow), sizeof(FlowEntry),
                             kind_.entries, nullptr));
  if (!table_) fail(fmt::format("katran's table of flows: {}", std::strerror(errno)));
  put(object_, "lru_mapping", static_cast<std::uint32_t>(stay_on_this_cpu()),
      static_cast<std::uint32_t>(table_.get()));
  if (kind_.full) add_other_flows(kind_.entries);
}

/// Of 100.64.0.0 and the following, none of them twice.
void Katran::add_other_flows(std::uint32_t count) {
  const FlowEntry entry{.real = 1, .pad = 0, .used = 0};
  for (std::uint32_t i = 0; i < count; ++i) {
    Flow flow = flow_of(0);
    flow.source[0] = htonl((100U << 24 | 64U << 16) + other_flows_++);
    if (bpf_map_update_elem(table_.get(), &flow, &entry, BPF_ANY) != 0)
      fail(fmt::format("katran's table of flows cannot be filled: {}", std::strerror(errno)));
  }
}

int Katran::program(Hook) const { return object_.program_fd("balancer_ingress"); }

Katran::Counter Katran::counter(std::uint32_t index) const {
  std::vector<Counter> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  if (bpf_map_lookup_elem(object_.map_fd("stats"), &index, values.data()) != 0)
    fail("katran does not count");
  Counter sum;
  for (const Counter& value : values) {
    sum.first += value.first;
    sum.second += value.second;
  }
  return sum;
}

Katran::Counter Katran::global_counter(std::uint32_t index) const { return counter(room_ + index); }

Work Katran::work() const {
  const Counter packets = global_counter(kPackets), misses = global_counter(kMisses),
                drops = global_counter(kDrops);
  const std::uint64_t forwarded = counter(0).first;
  return {.forwarded = forwarded,
          .created = misses.first,
          .other = (packets.first - forwarded) + (packets.second - misses.first) + misses.second +
                   drops.first + drops.second + global_counter(kSharedTable).first};
}

std::string Katran::details() const {
  std::string text = fmt::format("; packets of the Service: {}", counter(0).first);
  for (const std::uint32_t i : {kPackets, kMisses, kNewFlows, kSharedTable, kDrops}) {
    const Counter value = global_counter(i);
    text += fmt::format("; counter {}: {} and {}", i, value.first, value.second);
  }
  return text;
}

void Katran::forget_flows(Family) {
  for (std::uint32_t i = 0; i < clients_; ++i) {
    const Flow flow = flow_of(i);
    if (bpf_map_delete_elem(table_.get(), &flow) != 0) fail("katran had lost a flow");
  }
  if (kind_.full) add_other_flows(clients_);
  const std::vector<Counter> none(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const std::uint32_t index = room_ + kNewFlows;
  if (bpf_map_update_elem(object_.map_fd("stats"), &index, none.data(), BPF_ANY) != 0)
    fail("katran's limit of new flows cannot be set back");
}

void Katran::recall_flows(Family) {
  for (std::uint32_t i = 0; i < clients_; ++i) {
    const Flow flow = flow_of(i);
    FlowEntry entry{};
    if (bpf_map_lookup_elem(table_.get(), &flow, &entry) != 0 || entry.real == 0)
      fail(fmt::format("katran has not kept new flow {}{}", i, details()));
  }
}

}  // namespace fairlead::bench
