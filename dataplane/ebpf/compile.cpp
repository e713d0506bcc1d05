// ServicePlan -> rows (key, verdicts), members, ranges; and one block:
//
//   header | groups | cluster backends | local backends | Maglev of cluster | Maglev of local
//
// A group has a table where somebody outside may be sent to it, where backends have different
// weights, and where the Service asks for Maglev.
#include "dataplane/ebpf/compile.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "dataplane/ebpf/maglev.hpp"

namespace fairlead::ebpf {
namespace {

constexpr std::size_t kMaxBackends = 65521;  // Maglev entries have 16 bits
constexpr std::size_t kGroups = 2;

std::uint32_t verdict_bits(const Verdict& verdict) {
  switch (verdict.action) {
    case Action::kReject:
      return FL_ACTION_REJECT;
    case Action::kDrop:
      return FL_ACTION_DROP;
    case Action::kForward:
      break;
  }
  std::uint32_t bits = FL_ACTION_FORWARD;
  if (verdict.group == BackendGroup::kLocal) bits |= FL_VERDICT_LOCAL;
  if (verdict.masquerade) bits |= FL_VERDICT_MASQUERADE;
  return bits;
}

bool is_external(FrontendKind kind) {
  switch (kind) {
    case FrontendKind::kClusterIp:
      return false;
    case FrontendKind::kNodePort:
    case FrontendKind::kLoadBalancer:
    case FrontendKind::kExternalIp:
    case FrontendKind::kHostPort:
      return true;
  }
  return true;
}

FrontendRow compile_row(const Frontend& frontend, Protocol protocol) {
  FrontendRow row;
  row.key.address = address_of(frontend.address);
  row.key.port = port_of(frontend.port);
  row.key.protocol = static_cast<__u8>(protocol);
  row.is_cluster_ip = frontend.kind == FrontendKind::kClusterIp;
  row.low = std::uint32_t{fl_frontend_tag(&row.key)} << FL_WORD_TAG_SHIFT;
  if (!frontend.source_ranges.empty()) row.low |= FL_FRONTEND_RANGES;
  if (is_external(frontend.kind)) row.low |= FL_FRONTEND_EXTERNAL;
  for (const Scope scope : kScopes)
    row.low |= verdict_bits(frontend.verdict(scope)) << (4 * static_cast<unsigned>(scope));
  return row;
}

void append_members(const ServicePlan& plan, PortTables& tables) {
  for (const BackendGroup group : {BackendGroup::kCluster, BackendGroup::kLocal}) {
    for (const Backend& backend : plan.backends(group)) {
      fl_member_key member{};
      member.service = tables.service;
      member.address = address_of(backend.address);
      member.port = port_of(backend.port);
      member.group = static_cast<__u8>(group);
      tables.members.push_back(member);
    }
  }
}

fl_range_key range_key(std::uint64_t service, const Cidr& cidr) {
  fl_range_key key{};
  key.prefix_length = FL_RANGE_PREFIX + cidr.length + (cidr.family() == Family::kIpv4 ? 96U : 0U);
  std::memcpy(key.service, &service, sizeof(key.service));
  key.address = address_of(cidr.base);
  return key;
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::ranges::sort(values, ByBytes<T>{});
  values.erase(std::unique(values.begin(), values.end(), EqualBytes<T>{}), values.end());
}

template <class T>
void put(fl_record& record, const T& value) {
  static_assert(sizeof(T) == sizeof(fl_record));
  std::memcpy(&record, &value, sizeof(T));
}
template <class T>
T get(const fl_record& record) {
  static_assert(sizeof(T) == sizeof(fl_record));
  T value;
  std::memcpy(&value, &record, sizeof(T));
  return value;
}

std::span<const Backend> backends_of(const ServicePlan& plan, std::size_t group) {
  const auto& all = plan.backends(static_cast<BackendGroup>(group));
  return std::span(all).first(std::min(all.size(), kMaxBackends));
}

bool is_weighted(std::span<const Backend> backends) {
  return std::ranges::any_of(
      backends, [&](const Backend& backend) { return backend.weight != backends.front().weight; });
}

bool wants_table(const ServicePlan& plan, std::size_t group) {
  if (plan.algorithm == Algorithm::kMaglev || is_weighted(backends_of(plan, group))) return true;
  return std::ranges::any_of(plan.frontends, [&](const Frontend& frontend) {
    return is_external(frontend.kind) &&
           std::ranges::any_of(frontend.verdicts, [&](const Verdict& verdict) {
             return verdict.action == Action::kForward &&
                    static_cast<std::size_t>(verdict.group) == group;
           });
  });
}

__u8 algorithm_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRoundRobin:
      return FL_ALGORITHM_ROUND_ROBIN;
    case Algorithm::kMaglev:
      return FL_ALGORITHM_MAGLEV;
    case Algorithm::kDefault:
    case Algorithm::kRandom:
      break;
  }
  return FL_ALGORITHM_RANDOM;
}

fl_backend backend_record(const Backend& backend) {
  fl_backend record{};
  record.address = address_of(backend.address);
  record.port = port_of(backend.port);
  record.weight = backend.weight;
  record.bits = backend.local ? FL_BACKEND_LOCAL : 0;
  return record;
}

std::uint32_t records_of_table(std::uint32_t size) {
  return (size + FL_MAGLEV_PER_RECORD - 1) / FL_MAGLEV_PER_RECORD;
}

/// Where everything is in the block; returns how many records it has.
std::uint32_t lay_out(const ServicePlan& plan, std::uint32_t slots_each, fl_groups& groups) {
  std::uint32_t next = FL_HEADER_RECORDS;
  for (std::size_t g = 0; g < kGroups; ++g) {
    groups.group[g].first = next;
    groups.group[g].count = static_cast<std::uint32_t>(backends_of(plan, g).size());
    next += groups.group[g].count;
  }
  for (std::size_t g = 0; g < kGroups; ++g) {
    fl_group& group = groups.group[g];
    if (wants_table(plan, g)) group.maglev_size = maglev_size(group.count, slots_each);
    if (group.maglev_size == 0) continue;
    group.maglev_first = next;
    next += records_of_table(group.maglev_size);
  }
  return next;
}

}  // namespace

fl_address address_of(const Ip& ip) {
  fl_address address;
  std::memcpy(&address, ip.bytes.data(), sizeof(address));
  return address;
}

Ip ip_of(const fl_address& address) {
  Ip ip;
  std::memcpy(ip.bytes.data(), &address, sizeof(address));
  return ip;
}

__be16 port_of(Port port) { return htons(port.host); }
Port port_of(__be16 port) { return {ntohs(port)}; }

fl_prefix prefix_of(const Cidr& cidr) {
  fl_prefix prefix{};
  prefix.address = address_of(cidr.base);
  const unsigned length = cidr.length + (cidr.family() == Family::kIpv4 ? 96U : 0U);
  Ip mask;
  for (unsigned bit = 0; bit < length; ++bit)
    mask.bytes[bit / 8] = static_cast<std::uint8_t>(mask.bytes[bit / 8] | (0x80U >> (bit % 8)));
  prefix.mask = address_of(mask);
  return prefix;
}

std::uint64_t service_id(const ServicePortName& name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::string_view text) {
    for (const char byte : text) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
    hash = (hash ^ '/') * 0x100000001b3;  // in no name of Kubernetes
  };
  add(name.service.ns);
  add(name.service.name);
  add(name.port);
  const char kind[] = {static_cast<char>(name.protocol), static_cast<char>(name.family)};
  add({kind, sizeof(kind)});
  // FNV's high bits are weak on short names: the finaliser of MurmurHash3, 64 bits.
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  hash ^= hash >> 33;
  return hash != 0 ? hash : 1;
}

PortTables compile(const ServicePlan& plan) {
  PortTables tables;
  tables.name = plan.name;
  tables.service = service_id(plan.name);
  tables.serving = plan.serving;
  std::ranges::sort(tables.serving);
  for (const Frontend& frontend : plan.frontends) {
    tables.rows.push_back(compile_row(frontend, plan.name.protocol));
    for (const Cidr& range : frontend.source_ranges)
      tables.ranges.push_back(range_key(tables.service, range));
  }
  const auto by_key = [](const FrontendRow& a, const FrontendRow& b) {
    return ByBytes<fl_frontend_key>{}(a.key, b.key);
  };
  std::ranges::stable_sort(tables.rows, by_key);
  const auto same_key = [](const FrontendRow& a, const FrontendRow& b) {
    return same_bytes(a.key, b.key);
  };
  tables.rows.erase(std::unique(tables.rows.begin(), tables.rows.end(), same_key),
                    tables.rows.end());
  if (plan.affinity.count() > 0) append_members(plan, tables);
  sort_unique(tables.members);
  sort_unique(tables.ranges);
  return tables;
}

Block compile_block(const ServicePlan& plan, std::uint32_t slots_each) {
  fl_groups groups{};
  Block block(lay_out(plan, slots_each, groups));
  fl_header header{};
  header.service = service_id(plan.name);
  header.affinity_seconds = static_cast<__u32>(
      std::clamp<std::int64_t>(plan.affinity.count(), 0, std::numeric_limits<std::int32_t>::max()));
  header.records = static_cast<__u32>(block.size());
  header.algorithm = algorithm_of(plan.algorithm);
  header.protocol = static_cast<__u8>(plan.name.protocol);
  header.family = plan.name.family == Family::kIpv4 ? 4 : 6;
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::span<const Backend> backends = backends_of(plan, g);
    const fl_group& group = groups.group[g];
    if (is_weighted(backends)) header.bits = FL_BLOCK_WEIGHTED;
    for (std::size_t i = 0; i < backends.size(); ++i)
      put(block[group.first + i], backend_record(backends[i]));
    if (group.maglev_size == 0) continue;
    auto* entries = reinterpret_cast<std::uint16_t*>(&block[group.maglev_first]);
    fill_maglev(backends, {entries, group.maglev_size});
  }
  put(block[0], header);
  put(block[1], groups);
  return block;
}

std::span<const fl_record> block_at(std::span<const fl_record> records, std::uint32_t index) {
  if (index == 0 || index >= records.size()) return {};
  const auto header = get<fl_header>(records[index]);
  if (header.service == 0 || header.records < FL_HEADER_RECORDS ||
      header.records > records.size() - index)
    return {};
  return records.subspan(index, header.records);
}

bool same_block(std::span<const fl_record> a, std::span<const fl_record> b) {
  if (a.size() != b.size() || a.empty()) return a.size() == b.size();
  auto first_a = get<fl_header>(a[0]), first_b = get<fl_header>(b[0]);
  first_a.next = first_b.next = 0;
  return same_bytes(first_a, first_b) &&
         std::memcmp(&a[1], &b[1], (a.size() - 1) * sizeof(fl_record)) == 0;
}

std::vector<fl_backend> backends_in(std::span<const fl_record> block) {
  std::vector<fl_backend> backends;
  if (block.size() < FL_HEADER_RECORDS) return backends;
  for (const fl_group& group : get<fl_groups>(block[1]).group)
    if (group.first <= block.size() && group.count <= block.size() - group.first)
      for (const fl_record& record : block.subspan(group.first, group.count))
        backends.push_back(get<fl_backend>(record));
  return backends;
}

fl_frontend_word word_of(const FrontendRow& row, std::uint32_t block) {
  return std::uint64_t{block} << FL_WORD_BLOCK_SHIFT | row.low;
}

fl_frontend_key address_key(const fl_address& address) {
  fl_frontend_key key{};
  key.address = address;
  return key;
}

fl_frontend_word address_word(const fl_frontend_key& key, std::uint32_t bits) {
  return std::uint64_t{fl_frontend_tag(&key)} << FL_WORD_TAG_SHIFT | bits;
}

bool is_by_port(const fl_frontend_key& key) { return ip_of(key.address).is_unspecified(); }

}  // namespace fairlead::ebpf
