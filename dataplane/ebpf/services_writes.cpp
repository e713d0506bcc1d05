// Batch -> Writes: what differs from what the kernel has; and Batch -> Effects.
#include <algorithm>
#include <array>

#include "dataplane/ebpf/batch.hpp"
#include "dataplane/ebpf/compile.hpp"
#include "dataplane/ebpf/services.hpp"

namespace fairlead::ebpf {
namespace {

bool leads_to_backend(const FrontendRow& row) {
  return std::ranges::any_of(kScopes, [&](Scope scope) {
    return (row.low >> (4 * static_cast<unsigned>(scope)) & FL_VERDICT_ACTION) == FL_ACTION_FORWARD;
  });
}

/// UDP: all frontends with who serves them. Else: the frontends that lead to a backend.
FlowTargets targets_of(const PortTables& tables) {
  FlowTargets targets;
  const bool udp = tables.name.protocol == Protocol::kUdp;
  for (const FrontendRow& row : tables.rows)
    if (udp || leads_to_backend(row))
      targets[{tables.name.protocol, ip_of(row.key.address), port_of(row.key.port)}] =
          tables.serving;
  return targets;
}

/// `old` or `now` is nullptr where there is none.
void append_targets(const PortTables* old, const PortTables* now, FlowTargets& targets) {
  const FlowTargets before = old != nullptr ? targets_of(*old) : FlowTargets{};
  FlowTargets after = now != nullptr ? targets_of(*now) : FlowTargets{};
  for (const auto& [target, serving] : before) {
    if (target.protocol == Protocol::kUdp)
      targets.try_emplace(target);  // leads nowhere any more; what stays is named again below
    else
      after.erase(target);  // led to a backend already
  }
  for (auto& [target, serving] : after) targets[target] = std::move(serving);
}

PlacedPort* find_port(std::vector<PlacedPort>& ports, const ServicePortName& name) {
  const auto at = std::ranges::find(
      ports, name, [](const PlacedPort& port) -> const auto& { return port.tables.name; });
  return at == ports.end() ? nullptr : &*at;
}

}  // namespace

std::vector<fl_dead_key> udp_backends(std::span<const fl_record> block) {
  std::vector<fl_dead_key> backends;
  if (block.empty()) return backends;
  fl_header header;
  std::memcpy(&header, block.data(), sizeof(header));
  if (header.protocol != static_cast<__u8>(Protocol::kUdp)) return backends;
  for (const fl_backend& backend : backends_in(block)) {
    fl_dead_key key{};
    key.address = backend.address;
    key.port = backend.port;
    key.protocol = header.protocol;
    backends.push_back(key);
  }
  std::ranges::sort(backends, ByBytes<fl_dead_key>{});
  backends.erase(std::unique(backends.begin(), backends.end(), EqualBytes<fl_dead_key>{}),
                 backends.end());
  return backends;
}

Writes Services::writes_of(const Batch& batch) const {
  Writes writes;
  for (const auto& [key, wanted] : batch.frontends) {
    const auto have = published_.find(key);
    if (!wanted.word && have != published_.end()) writes.erase_frontends.push_back(key);
    if (wanted.word && (have == published_.end() || have->second.word != *wanted.word))
      writes.put_frontends.emplace_back(key, *wanted.word);
  }
  for (const auto& [key, wanted] : batch.members)
    if (wanted != members_.contains(key))
      (wanted ? writes.put_members : writes.erase_members).push_back(key);
  for (const auto& [key, wanted] : batch.ranges)
    if (wanted != ranges_.contains(key))
      (wanted ? writes.put_ranges : writes.erase_ranges).push_back(key);
  write_addresses(batch, writes);
  write_filter(batch, writes);
  write_ports(batch, writes);
  return writes;
}

void Services::write_addresses(const Batch& batch, Writes& writes) const {
  const auto settle_entry = [&](const fl_address& address, const AddressUse& use) {
    const fl_frontend_key key = address_key(address);
    std::uint32_t bits = 0;
    if (use.cluster_ips > 0) bits |= FL_ADDRESS_CLUSTER_IP;
    if (use.is_node) bits |= FL_ADDRESS_NODE;
    if (use.is_node && use.frontends == 0) bits |= FL_ADDRESS_BARE;
    const auto have = published_.find(key);
    if (bits == 0) {
      if (have != published_.end()) writes.erase_addresses.push_back(key);
      return;
    }
    const fl_frontend_word word = address_word(key, bits);
    if (have == published_.end() || have->second.word != word)
      writes.put_addresses.emplace_back(key, word);
  };
  for (const auto& [address, delta] : batch.addresses) {
    const auto found = addresses_.find(address);
    AddressUse use = found == addresses_.end() ? AddressUse{} : found->second;
    use.frontends += delta.frontends;
    use.cluster_ips += delta.cluster_ips;
    if (delta.is_node) use.is_node = *delta.is_node;
    settle_entry(address, use);
  }
  if (!batch.is_resync) return;
  for (const auto& [key, published] : published_)
    if (is_address_key(key) && !batch.addresses.contains(key.address))
      writes.erase_addresses.push_back(key);
}

void Services::write_filter(const Batch& batch, Writes& writes) const {
  const std::size_t words = maps_->filter().size();
  std::unordered_map<std::uint32_t, std::int64_t> deltas;
  for (const auto& [address, delta] : batch.addresses) {
    const auto found = addresses_.find(address);
    const AddressUse use = found == addresses_.end() ? AddressUse{} : found->second;
    const bool before = use.frontends > 0 || use.is_node;
    const bool after = use.frontends + delta.frontends > 0 || delta.is_node.value_or(use.is_node);
    if (before != after) deltas[filter_bit(address, words)] += after ? 1 : -1;
  }
  if (!batch.is_resync) {
    for (const auto& [bit, delta] : deltas) {
      const auto found = filter_bits_.find(bit);
      const std::int64_t before = found == filter_bits_.end() ? 0 : found->second;
      if (before == 0 && delta > 0) writes.set_filter.push_back(bit);
      if (before > 0 && before + delta == 0) writes.clear_filter.push_back(bit);
    }
    return;
  }
  std::vector<std::uint64_t> wanted(words);
  for (const auto& [bit, count] : filter_bits_) deltas[bit] += count;
  for (const auto& [bit, count] : deltas)
    if (count > 0) wanted[bit / 64] |= std::uint64_t{1} << (bit % 64);
  for (std::uint32_t word = 0; word < words; ++word) {
    const std::uint64_t have = maps_->filter()[word];
    for (std::uint64_t differ = have ^ wanted[word]; differ != 0; differ &= differ - 1) {
      const auto bit = static_cast<std::uint32_t>(__builtin_ctzll(differ));
      const bool set = (wanted[word] >> bit & 1) != 0;
      (set ? writes.set_filter : writes.clear_filter).push_back(word * 64 + bit);
    }
  }
}

void Services::write_ports(const Batch& batch, Writes& writes) const {
  const auto is_open = [&](std::uint32_t port, std::uint32_t bit) {
    const std::uint32_t key = port << 8 | bit;
    const auto have = ports_.find(key);
    const auto delta = batch.ports.find(key);
    return (have == ports_.end() ? 0 : static_cast<std::int64_t>(have->second)) +
               (delta == batch.ports.end() ? 0 : delta->second) >
           0;
  };
  const auto check = [&](std::uint32_t port) {
    std::uint32_t wanted = 0;
    for (const std::uint32_t bit : {FL_NODE_PORT_TCP, FL_NODE_PORT_UDP, FL_NODE_PORT_SCTP})
      if (is_open(port, bit)) wanted |= bit;
    const auto number = static_cast<std::uint16_t>(port);
    const std::uint32_t have = maps_->node_port(number);
    if (have == wanted) return;
    auto& list = (wanted & ~have) != 0 ? writes.open_ports : writes.close_ports;
    list.emplace_back(number, static_cast<__u8>(wanted));
  };
  if (batch.is_resync) {
    for (std::uint32_t port = 0; port <= 0xffff; ++port) check(port);
    return;
  }
  std::unordered_set<std::uint32_t> touched;
  for (const auto& [key, delta] : batch.ports) touched.insert(key >> 8);
  for (const std::uint32_t port : touched) check(port);
}

// ---- effects ----

/// Backends of `old` that `now` no longer has: those that still serve linger on, the others are
/// dead if no other Service leads to them.
void Services::find_dead(const PlacedPort& old, PlacedPort* now, Effects& effects) const {
  std::vector<fl_dead_key> before = udp_backends(block_at(maps_->records(), old.block));
  std::ranges::copy(old.lingering, std::back_inserter(before));
  std::vector<fl_dead_key> after;
  if (now != nullptr) after = udp_backends(block_at(maps_->records(), now->block));
  for (const fl_dead_key& backend : before) {
    if (std::ranges::binary_search(after, backend, ByBytes<fl_dead_key>{})) continue;
    if (now != nullptr && std::ranges::binary_search(now->tables.serving, ip_of(backend.address))) {
      now->lingering.push_back(backend);
      continue;
    }
    effects.dead.push_back(backend);
  }
}

void Services::collect_effects(Batch& batch, Effects& effects) const {
  for (auto& [name, ports] : batch.services) {
    const std::vector<PlacedPort>& before = ports_of(name);
    for (const PlacedPort& old : before) {
      PlacedPort* now = find_port(ports, old.tables.name);
      if (old.tables.name.protocol == Protocol::kUdp) find_dead(old, now, effects);
      if (now == nullptr) append_targets(&old.tables, nullptr, effects.targets);
    }
  }
  // Those that are wanted after those that are gone: a frontend may have changed hands.
  for (auto& [name, ports] : batch.services) {
    const std::vector<PlacedPort>& before = ports_of(name);
    for (const PlacedPort& now : ports) {
      const auto at = std::ranges::find(
          before, now.tables.name,
          [](const PlacedPort& port) -> const auto& { return port.tables.name; });
      const PortTables* old = at == before.end() ? nullptr : &at->tables;
      const bool same =
          old != nullptr && at->block == now.block && old->serving == now.tables.serving &&
          std::ranges::equal(old->rows, now.tables.rows, [](const auto& a, const auto& b) {
            return same_bytes(a.key, b.key) && a.low == b.low;
          });
      if (!same) append_targets(old, &now.tables, effects.targets);
    }
  }
  std::ranges::copy(batch.found_backends, std::back_inserter(effects.dead));
  if (adopted_) return;
  let_linger(batch, effects.dead);
  for (const auto& [key, wanted] : batch.frontends)
    if (!wanted.word && key.protocol == static_cast<__u8>(Protocol::kUdp))
      effects.targets.try_emplace({Protocol::kUdp, ip_of(key.address), port_of(key.port)});
}

/// What an earlier agent led somebody to may serve on: it is remembered as our own would be.
void Services::let_linger(Batch& batch, const std::vector<fl_dead_key>& backends) {
  TableOf<fl_address, std::vector<fl_dead_key>> by_address;
  for (const fl_dead_key& backend : backends) by_address[backend.address].push_back(backend);
  for (auto& [name, ports] : batch.services)
    for (PlacedPort& port : ports)
      for (const Ip& serving : port.tables.serving)
        if (const auto found = by_address.find(address_of(serving)); found != by_address.end())
          std::ranges::copy(found->second, std::back_inserter(port.lingering));
}

void Services::keep_only_dead(Effects& effects) const {
  std::ranges::sort(effects.dead, ByBytes<fl_dead_key>{});
  effects.dead.erase(
      std::unique(effects.dead.begin(), effects.dead.end(), EqualBytes<fl_dead_key>{}),
      effects.dead.end());
  std::erase_if(effects.dead, [&](const fl_dead_key& backend) {
    return udp_backends_.contains(backend) || lingering_.contains(backend);
  });
}

UdpServing Services::udp_serving() const {
  UdpServing serving{.targets = {}, .is_backend = [this](const fl_dead_key& backend) {
                       return is_udp_backend(backend);
                     }};
  for (const auto& [name, ports] : services_)
    for (const PlacedPort& port : ports)
      if (port.tables.name.protocol == Protocol::kUdp)
        serving.targets.merge(targets_of(port.tables));
  return serving;
}

}  // namespace fairlead::ebpf
