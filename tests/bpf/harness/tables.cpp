// Values of the tests' words -> elements of the maps, by bpf/abi alone: the agent's compiler is not
// asked.
#include "tests/bpf/harness/tables.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace fairlead::test {
namespace {

constexpr std::uint32_t kMaglevSize = 251;  // a prime

std::uint16_t to_network(std::uint16_t host) {
  return static_cast<std::uint16_t>(host << 8 | host >> 8);
}

fl_backend backend_of(const Target& target) {
  return {.address = abi_address(target.endpoint.ip),
          .port = to_network(target.endpoint.port),
          .weight = target.weight,
          .bits = target.local ? std::uint32_t{FL_BACKEND_LOCAL} : 0,
          .pad = 0};
}

fl_member_key member_key(const Service& service, const Endpoint& endpoint, std::uint8_t group) {
  fl_member_key key{};
  key.service = service.id;
  key.address = abi_address(endpoint.ip);
  key.port = to_network(endpoint.port);
  key.group = group;
  return key;
}

/// Any table serves the tests; this one gives each backend places by its weight.
std::vector<std::uint16_t> table_of(const std::vector<Target>& targets) {
  std::vector<std::uint16_t> shares;
  for (std::size_t i = 0; i < targets.size(); ++i)
    shares.insert(shares.end(), targets[i].weight, static_cast<std::uint16_t>(i));
  std::vector<std::uint16_t> table(kMaglevSize);
  for (std::size_t slot = 0; slot < table.size(); ++slot)
    table[slot] = shares[slot * 7 % shares.size()];
  return table;
}

template <class Key>
void delete_all(int map) {
  Key key{};
  while (::bpf_map_get_next_key(map, nullptr, &key) == 0) ::bpf_map_delete_elem(map, &key);
}

template <class T>
void append_bytes(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

fl_address abi_address(const Ip& ip) { return std::bit_cast<fl_address>(ip.bytes); }
Ip ip_of(const fl_address& address) {
  return {std::bit_cast<std::array<std::uint8_t, 16>>(address)};
}

fl_prefix abi_prefix(const Cidr& cidr) {
  Ip mask;
  const int bits = cidr.length + (cidr.base.is_v4() ? 96 : 0);
  for (int bit = 0; bit < bits; ++bit)
    mask.bytes[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(128 >> bit % 8);
  return {.address = abi_address(cidr.base), .mask = abi_address(mask)};
}

std::uint32_t Tables::add(const Service& service) {
  const auto records = programs_->mapped<fl_record>("records");
  const std::uint32_t block = next_record_;
  std::uint32_t next = FL_HEADER_RECORDS;
  fl_groups groups{};
  const std::array lists{&service.cluster, &service.local};
  bool weighted = false;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    groups.group[i].first = next;
    groups.group[i].count = static_cast<std::uint32_t>(lists[i]->size());
    for (const Target& target : *lists[i]) {
      weighted = weighted || target.weight != 1;
      records[block + next++] = std::bit_cast<fl_record>(backend_of(target));
    }
  }
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (!(service.has_maglev || weighted) || lists[i]->empty()) continue;
    const auto table = table_of(*lists[i]);
    groups.group[i].maglev_first = next;
    groups.group[i].maglev_size = kMaglevSize;
    std::memcpy(&records[block + next], table.data(), table.size() * sizeof table[0]);
    next += (kMaglevSize + FL_MAGLEV_PER_RECORD - 1) / FL_MAGLEV_PER_RECORD;
  }
  const fl_header header{
      .service = service.id,
      .affinity_seconds = service.affinity_seconds,
      .next = 0,
      .records = next,
      .algorithm = static_cast<std::uint8_t>(service.algorithm),
      .protocol = static_cast<std::uint8_t>(service.protocol),
      .bits = static_cast<std::uint8_t>(weighted ? FL_BLOCK_WEIGHTED : 0),
      .family = 0,
      .pad = 0,
  };
  records[block] = std::bit_cast<fl_record>(header);
  records[block + 1] = std::bit_cast<fl_record>(groups);
  next_record_ += next;
  for (std::uint8_t group = 0; group < 2; ++group)
    for (const Target& target : *lists[group]) {
      if (!service.affinity_seconds) break;
      const fl_member_key key = member_key(service, target.endpoint, group);
      const std::uint8_t one = 1;
      write("members", &key, &one);
    }
  return block;
}

void Tables::publish(const Endpoint& frontend, Protocol protocol, std::uint32_t block,
                     Verdicts verdicts, int bits) {
  fl_frontend_key key{};
  key.address = abi_address(frontend.ip);
  key.port = to_network(frontend.port);
  key.protocol = static_cast<std::uint8_t>(protocol);
  const fl_frontend_word word =
      std::uint64_t{block} << FL_WORD_BLOCK_SHIFT |
      std::uint64_t{fl_frontend_tag(&key)} << FL_WORD_TAG_SHIFT |
      static_cast<std::uint32_t>(bits | verdicts.internal << (4 * FL_SCOPE_INTERNAL) |
                                 verdicts.host << (4 * FL_SCOPE_HOST) |
                                 verdicts.external << (4 * FL_SCOPE_EXTERNAL));
  write("frontends", &key, &word);
  if (!frontend.ip.is_unspecified()) {
    filter(frontend.ip);
    return;
  }
  auto& ports = programs_->mapped<std::uint64_t>("node_ports")[frontend.port];
  ports |= protocol == Protocol::kTcp   ? FL_NODE_PORT_TCP
           : protocol == Protocol::kUdp ? FL_NODE_PORT_UDP
                                        : FL_NODE_PORT_SCTP;
}

void Tables::retract(const Endpoint& frontend, Protocol protocol) {
  fl_frontend_key key{};
  key.address = abi_address(frontend.ip);
  key.port = to_network(frontend.port);
  key.protocol = static_cast<std::uint8_t>(protocol);
  ASSERT_EQ(::bpf_map_delete_elem(programs_->map("frontends"), &key), 0) << to_string(frontend);
}

void Tables::mark(const Ip& address, int bits) {
  fl_frontend_key key{};
  key.address = abi_address(address);
  const fl_frontend_word word =
      std::uint64_t{fl_frontend_tag(&key)} << FL_WORD_TAG_SHIFT | static_cast<std::uint32_t>(bits);
  write("frontends", &key, &word);
  filter(address);
}

void Tables::forget_member(const Service& service, const Endpoint& endpoint) {
  for (std::uint8_t group = 0; group < 2; ++group) {
    const fl_member_key key = member_key(service, endpoint, group);
    ::bpf_map_delete_elem(programs_->map("members"), &key);
  }
}

void Tables::allow(const Service& service, const Cidr& range) {
  fl_range_key key{};
  key.prefix_length = FL_RANGE_PREFIX + (range.base.is_v4() ? 96U : 0U) + range.length;
  std::memcpy(key.service, &service.id, sizeof key.service);
  key.address = abi_address(range.base);
  const std::uint8_t one = 1;
  write("source_ranges", &key, &one);
}

void Tables::add_pod(const Ip& address, std::uint32_t interface, std::uint32_t flags) {
  const fl_address key = abi_address(address);
  const fl_pod pod{.interface = interface, .flags = flags};
  write("pods", &key, &pod);
  config().pods_epoch = ++pods_epoch_;
}

void Tables::add_pod_network(const Cidr& range) {
  const fl_pod_network key{.prefix_length = (range.base.is_v4() ? 96U : 0U) + range.length,
                           .address = abi_address(range.base)};
  const std::uint8_t one = 1;
  write("pod_networks", &key, &one);
  config().pods_epoch = ++pods_epoch_;
}

void Tables::set_tunnel(const fl_tunnel& tunnel) {
  const std::uint32_t zero = 0;
  write("tunnel", &zero, &tunnel);
  config().pods_epoch = ++pods_epoch_;
}

void Tables::add_tunnel_node(const Mac& device, const Ip& node) {
  fl_tunnel_node key{};
  std::ranges::copy(device, key.mac);
  const std::uint32_t address = abi_address(node).word[3];
  write("tunnel_nodes", &key, &address);
  config().pods_epoch = ++pods_epoch_;
}

void Tables::set_interface(std::uint32_t ifindex, const fl_interface& interface) {
  write("interfaces", &ifindex, &interface);
}

std::uint64_t Tables::counter(std::uint32_t which) const {
  std::vector<std::uint64_t> values(static_cast<std::size_t>(::libbpf_num_possible_cpus()));
  EXPECT_EQ(::bpf_map_lookup_elem(programs_->map("counters"), &which, values.data()), 0);
  std::uint64_t sum = 0;
  for (const std::uint64_t value : values) sum += value;
  return sum;
}

fl_trace Tables::trace() const {
  fl_trace trace{};
  const std::uint32_t zero = 0;
  EXPECT_EQ(::bpf_map_lookup_elem(programs_->map("trace"), &zero, &trace), 0);
  return trace;
}

void Tables::wipe_flows() const {
  std::ranges::fill(programs_->mapped<char>("flows4"), 0);
  std::ranges::fill(programs_->mapped<char>("flows6"), 0);
}

std::vector<fl_flow4*> Tables::flows4() const {
  std::vector<fl_flow4*> found;
  for (fl_bucket4& bucket : programs_->mapped<fl_bucket4>("flows4"))
    for (fl_flow4& flow : bucket.way)
      if (flow.state & FL_FLOW_PHASE) found.push_back(&flow);
  return found;
}

std::vector<fl_flow6*> Tables::flows6() const {
  std::vector<fl_flow6*> found;
  for (fl_bucket6& bucket : programs_->mapped<fl_bucket6>("flows6"))
    for (fl_flow6& flow : bucket.way)
      if (flow.state & FL_FLOW_PHASE) found.push_back(&flow);
  return found;
}

void Tables::age_flows(std::uint32_t ticks) const {
  for (fl_flow4* flow : flows4()) flow->stamp -= fl_stamp(ticks, 0);
  for (fl_flow6* flow : flows6()) flow->stamp -= fl_stamp(ticks, 0);
}

std::string Tables::snapshot() const {
  std::string bytes;
  for (const char* name : {"flows4", "flows6", "records", "known_routes"}) {
    const auto memory = programs_->mapped<char>(name);
    bytes.append(memory.data(), memory.size());
  }
  for (std::uint32_t which = 0; which < FL_COUNT_MAX; ++which) append_bytes(bytes, counter(which));
  fl_affinity_key key{};
  for (int map = programs_->map("affinity"), more = ::bpf_map_get_next_key(map, nullptr, &key);
       more == 0; more = ::bpf_map_get_next_key(map, &key, &key)) {
    fl_affinity value{};
    ::bpf_map_lookup_elem(map, &key, &value);
    append_bytes(bytes, key);
    append_bytes(bytes, value);
  }
  fl_fragment_key fragment{};
  for (int map = programs_->map("fragments"),
           more = ::bpf_map_get_next_key(map, nullptr, &fragment);
       more == 0; more = ::bpf_map_get_next_key(map, &fragment, &fragment))
    append_bytes(bytes, fragment);
  return bytes;
}

void Tables::clear() {
  for (const char* name :
       {"config", "address_filter", "node_ports", "records", "flows4", "flows6", "known_routes"})
    std::ranges::fill(programs_->mapped<char>(name), 0);
  delete_all<std::uint32_t>(programs_->map("interfaces"));
  delete_all<fl_frontend_key>(programs_->map("frontends"));
  delete_all<fl_member_key>(programs_->map("members"));
  delete_all<fl_range_key>(programs_->map("source_ranges"));
  delete_all<fl_address>(programs_->map("pods"));
  delete_all<fl_pod_network>(programs_->map("pod_networks"));
  delete_all<fl_tunnel_node>(programs_->map("tunnel_nodes"));
  const std::uint32_t first = 0;
  const fl_tunnel no_tunnel{};
  write("tunnel", &first, &no_tunnel);
  delete_all<fl_affinity_key>(programs_->map("affinity"));
  delete_all<fl_fragment_key>(programs_->map("fragments"));
  const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(::libbpf_num_possible_cpus()));
  for (std::uint32_t which = 0; which < FL_COUNT_MAX; ++which)
    write("counters", &which, zeros.data());
  next_record_ = 1;
}

void Tables::write(const char* map, const void* key, const void* value) const {
  ASSERT_EQ(::bpf_map_update_elem(programs_->map(map), key, value, BPF_ANY), 0)
      << map << ": " << std::strerror(errno);
}

void Tables::filter(const Ip& address) const {
  const fl_address abi = abi_address(address);
  const std::uint32_t hash = fl_address_hash(&abi);
  const auto words = programs_->mapped<std::uint64_t>("address_filter");
  words[(hash >> 6) & (words.size() - 1)] |= std::uint64_t{1} << (hash & 63);
}

}  // namespace fairlead::test
