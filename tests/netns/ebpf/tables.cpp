// ServicePlan -> records, words, members: as plainly as the ABI allows.
#include "tests/netns/ebpf/tables.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>

#include "bpf/abi/sockets.h"
#include "tests/netns/ebpf/sizes.hpp"

namespace fairlead::test {
namespace {

constexpr std::uint32_t kMaglevSize = 251;
constexpr std::uint32_t kMaglevRecords =
    (kMaglevSize + FL_MAGLEV_PER_RECORD - 1) / FL_MAGLEV_PER_RECORD;

std::uint64_t service_id(const ServicePlan& plan) {
  return std::hash<std::string>()(to_string(plan.name)) | 1;
}

fl_frontend_key key_of(const Ip& ip, std::uint16_t port, Protocol protocol) {
  fl_frontend_key key{};
  key.address = address_of(ip);
  key.port = htons(port);
  key.protocol = static_cast<__u8>(protocol);
  return key;
}

std::uint64_t bits_of(const Verdict& verdict) {
  std::uint64_t bits = static_cast<std::uint64_t>(verdict.action);
  if (verdict.group == BackendGroup::kLocal) bits |= FL_VERDICT_LOCAL;
  if (verdict.masquerade) bits |= FL_VERDICT_MASQUERADE;
  return bits;
}

fl_prefix prefix_of(const Cidr& cidr) {
  fl_prefix prefix{};
  prefix.address = address_of(cidr.base);
  const unsigned length = cidr.length + (cidr.base.is_v4() ? 96U : 0U);
  std::array<std::uint8_t, 16> mask{};
  for (unsigned bit = 0; bit < length; ++bit)
    mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | (0x80U >> (bit % 8)));
  std::memcpy(&prefix.mask, mask.data(), mask.size());
  return prefix;
}

bool is_weighted(const ServicePlan& plan) {
  for (const Backend& backend : plan.cluster_backends)
    if (backend.weight != 1) return true;
  return false;
}

}  // namespace

fl_address address_of(const Ip& ip) {
  fl_address address{};
  std::memcpy(&address, ip.bytes.data(), sizeof(address));
  return address;
}

void Tables::update(const std::string& map, const void* key, const void* value) const {
  ASSERT_EQ(bpf_map_update_elem(object_.map_fd(map), key, value, BPF_ANY), 0)
      << map << ": " << std::strerror(errno);
}

void Tables::write_config() const {
  const std::uint32_t zero = 0;
  update("config", &zero, &config_);
}

void Tables::mark_interesting(const Ip& ip) {
  const fl_address address = address_of(ip);
  const std::uint32_t hash = fl_address_hash(&address);
  const std::uint32_t index = (hash >> 6) & (kTestSizes.filter_words - 1);
  std::uint64_t word = 0;
  ASSERT_EQ(bpf_map_lookup_elem(object_.map_fd("address_filter"), &index, &word), 0);
  word |= std::uint64_t{1} << (hash & 63);
  update("address_filter", &index, &word);
}

void Tables::write_word(const fl_frontend_key& key, std::uint64_t word) const {
  word |= static_cast<std::uint64_t>(fl_frontend_tag(&key)) << FL_WORD_TAG_SHIFT;
  update("frontends", &key, &word);
}

void Tables::set_node(const NodeSettings& node, std::uint64_t host_netns_cookie) {
  config_.host_netns_cookie = host_netns_cookie;
  for (const Cidr& cidr : node.service_cidrs)
    config_.service[config_.service_prefix_count++] = prefix_of(cidr);
  for (const Ip& ip : node.node_port_addresses) {
    mark_interesting(ip);
    write_word(key_of(ip, 0, Protocol{}), FL_ADDRESS_NODE);
  }
  write_config();
}

void Tables::set_draining(bool draining) {
  config_.mode = draining ? FL_MODE_DRAINING : FL_MODE_ACTIVE;
  write_config();
}

void Tables::set_node_addresses(const Ip& v4, const Ip& v6) {
  config_.node_address[0] = address_of(v4);
  config_.node_address[1] = address_of(v6);
  write_config();
}

void Tables::add_foreign_flow(const Ip& destination, Port destination_port,
                              std::uint16_t source_port) {
  fl_foreign_key key{};
  key.destination = address_of(destination);
  key.destination_port = htons(destination_port.host);
  key.source_port = htons(source_port);
  key.protocol = static_cast<__u8>(Protocol::kUdp);
  const std::uint8_t present = 1;
  update("foreign_flows", &key, &present);
  config_.foreign_sockets = 1;
  write_config();
}

void Tables::write_maglev(std::uint32_t first, const std::vector<Backend>& backends) const {
  std::array<std::uint16_t, kMaglevRecords * FL_MAGLEV_PER_RECORD> entries{};
  for (std::size_t slot = 0; slot < entries.size();)
    for (std::size_t i = 0; i < backends.size(); ++i)
      for (unsigned n = 0; n < backends[i].weight && slot < entries.size(); ++n)
        entries[slot++] = static_cast<std::uint16_t>(i);
  for (std::uint32_t i = 0; i < kMaglevRecords; ++i) {
    const std::uint32_t index = first + i;
    update("records", &index, entries.data() + std::size_t{i} * FL_MAGLEV_PER_RECORD);
  }
}

std::uint32_t Tables::write_block(const ServicePlan& plan) {
  const std::uint32_t block = next_record_;
  fl_header header{};
  header.service = service_id(plan);
  header.affinity_seconds = static_cast<__u32>(plan.affinity.count());
  header.algorithm =
      plan.algorithm == Algorithm::kRoundRobin ? FL_ALGORITHM_ROUND_ROBIN : FL_ALGORITHM_RANDOM;
  header.bits = is_weighted(plan) ? FL_BLOCK_WEIGHTED : 0;
  fl_groups groups{};
  std::uint32_t at = FL_HEADER_RECORDS;
  for (const BackendGroup kind : {BackendGroup::kCluster, BackendGroup::kLocal}) {
    const auto& backends = plan.backends(kind);
    fl_group& group = groups.group[static_cast<int>(kind)];
    group.first = at;
    group.count = static_cast<__u32>(backends.size());
    for (const Backend& from : backends) {
      fl_backend to{};
      to.address = address_of(from.address);
      to.port = htons(from.port.host);
      to.weight = from.weight;
      const std::uint32_t index = block + at++;
      update("records", &index, &to);
      fl_member_key member{header.service, to.address, to.port, static_cast<__u8>(kind), {}};
      const std::uint8_t present = 1;
      if (header.affinity_seconds != 0) update("members", &member, &present);
    }
    if (header.bits == 0 || backends.empty()) continue;
    group.maglev_first = at;
    group.maglev_size = kMaglevSize;
    write_maglev(block + at, backends);
    at += kMaglevRecords;
  }
  header.records = at;
  const std::uint32_t second = block + 1;
  update("records", &second, &groups);
  update("records", &block, &header);
  next_record_ += at;
  return block;
}

void Tables::open_node_port(const ServicePlan& plan, const Frontend& frontend) const {
  const std::uint32_t port = frontend.port.host;
  std::uint8_t bits = 0;
  ASSERT_EQ(bpf_map_lookup_elem(object_.map_fd("node_ports"), &port, &bits), 0);
  bits = static_cast<std::uint8_t>(
      bits | (plan.name.protocol == Protocol::kTcp ? FL_NODE_PORT_TCP : FL_NODE_PORT_UDP));
  update("node_ports", &port, &bits);
}

void Tables::write_ranges(const ServicePlan& plan, const Frontend& frontend) const {
  const std::uint64_t id = service_id(plan);
  for (const Cidr& range : frontend.source_ranges) {
    fl_range_key key{};
    key.prefix_length = FL_RANGE_PREFIX + range.length + (range.base.is_v4() ? 96U : 0U);
    std::memcpy(key.service, &id, sizeof(id));
    key.address = address_of(range.base);
    const std::uint8_t present = 1;
    update("source_ranges", &key, &present);
  }
}

void Tables::publish(const ServicePlan& plan) {
  const std::uint64_t block = write_block(plan);
  for (const Frontend& frontend : plan.frontends) {
    std::uint64_t word = block << FL_WORD_BLOCK_SHIFT;
    for (const Scope scope : kScopes)
      word |= bits_of(frontend.verdict(scope)) << (4 * static_cast<unsigned>(scope));
    if (!frontend.source_ranges.empty()) word |= FL_FRONTEND_RANGES;
    write_ranges(plan, frontend);
    write_word(key_of(frontend.address, frontend.port.host, plan.name.protocol), word);
    if (frontend.kind == FrontendKind::kNodePort) {
      open_node_port(plan, frontend);
      continue;
    }
    mark_interesting(frontend.address);
    const bool is_cluster_ip = frontend.kind == FrontendKind::kClusterIp;
    write_word(key_of(frontend.address, 0, Protocol{}), is_cluster_ip ? FL_ADDRESS_CLUSTER_IP : 0);
  }
}

void Tables::withdraw(const ServicePlan& plan) {
  for (const Frontend& frontend : plan.frontends) {
    const fl_frontend_key key = key_of(frontend.address, frontend.port.host, plan.name.protocol);
    bpf_map_delete_elem(object_.map_fd("frontends"), &key);
  }
}

void Tables::take_all_streams() const {
  fl_stream stream{};
  stream.cookie = ~std::uint64_t{0};
  for (std::uint32_t place = 0; place < FL_STREAMS; ++place) update("streams", &place, &stream);
}

std::size_t Tables::taken_streams() const {
  std::size_t taken = 0;
  fl_stream stream{};
  for (std::uint32_t place = 0; place < FL_STREAMS; ++place)
    if (bpf_map_lookup_elem(object_.map_fd("streams"), &place, &stream) == 0 && stream.cookie != 0)
      ++taken;
  return taken;
}

}  // namespace fairlead::test
