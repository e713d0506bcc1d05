// A change of Services, from the plan to the maps:
//
//   place_ports    compile; keep the block that there is, or write a new one at a free place;
//                  refuse the whole Service if any of it has no room
//   Batch          what each element shall be, old ones first as "gone", then those that are wanted
//   writes_of      only what differs from what the kernel has
//   commit         write; then, and only then, the mirror follows; blocks of before are given back
//
// resync() is the same for all Services, with everything that the kernel has as "gone" at first.
#include "dataplane/ebpf/services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/ebpf/batch.hpp"
#include "dataplane/ebpf/compile.hpp"

namespace fairlead::ebpf {
namespace {

const PlacedPort* find_port(const std::vector<PlacedPort>& ports, const ServicePortName& name) {
  const auto at = std::ranges::find(
      ports, name, [](const PlacedPort& port) -> const auto& { return port.tables.name; });
  return at == ports.end() ? nullptr : &*at;
}

tl::unexpected<Error> full(const char* map, std::uint64_t used, std::uint64_t capacity) {
  return tl::unexpected(
      Error{std::make_error_code(std::errc::no_space_on_device),
            fmt::format("BPF map {} is full: {} of {} elements are in use", map, used, capacity)});
}

std::uint32_t extent_of(std::span<const fl_record> block) {
  return static_cast<std::uint32_t>(block.size());
}

/// Tables are not to crowd out backends: large ones are made while a quarter of the records is
/// free, small ones while a tenth is. The last records are for changes of what is there: a new
/// block is written before the old one is given back. What does not grow always may.
bool may_take(const RecordAllocator& records, std::uint32_t wanted, std::uint32_t replaced,
              std::uint32_t slots) {
  if (wanted <= replaced) return true;
  const std::uint64_t percent = slots == kMaglevSlots ? 75 : slots != 0 ? 90 : 98;
  return (std::uint64_t{records.used()} + wanted - replaced) * 100 <= records.capacity() * percent;
}

}  // namespace

Services::Services(Maps& maps, Report report, Capacities capacities, std::uint32_t records)
    : maps_(&maps),
      report_(std::move(report)),
      capacities_(capacities),
      records_(records, &wait_for_programs) {}

Result<Services> Services::open(Maps& maps, Report report) {
  TRY(const BpfMapFigures frontends, maps.frontends.figures());
  TRY(const BpfMapFigures members, maps.members.figures());
  TRY(const BpfMapFigures ranges, maps.source_ranges.figures());
  const Capacities capacities{frontends.capacity, members.capacity, ranges.capacity};
  return Services(maps, std::move(report), capacities,
                  static_cast<std::uint32_t>(maps.records().size()));
}

const std::vector<PlacedPort>& Services::ports_of(const ObjectName& name) const {
  static const std::vector<PlacedPort> kNothing;
  const auto found = services_.find(name);
  return found == services_.end() ? kNothing : found->second;
}

// ---- place ----

/// Keeps the block that there is, if it is as wanted; else writes another. Where records run out,
/// Maglev tables get smaller, and then none is made.
Result<> Services::place_block(const ServicePlan& plan, const PlacedPort* old, Batch& batch,
                               PlacedPort& placed) {
  std::uint32_t known = old != nullptr ? old->block : 0;
  if (old == nullptr && !placed.tables.rows.empty()) {
    const auto found = published_.find(placed.tables.rows.front().key);
    if (found != published_.end())
      known = static_cast<std::uint32_t>(found->second.word >> FL_WORD_BLOCK_SHIFT);
    if (!batch.found_blocks.contains(known)) known = 0;
  }
  const std::span<const fl_record> have = block_at(maps_->records(), known);
  std::uint32_t wanted = 0, full_size = 0;
  for (const std::uint32_t slots : {kMaglevSlots, kMaglevSlots / 10, 0U}) {
    const Block block = compile_block(plan, slots);
    wanted = extent_of(block);
    if (slots == kMaglevSlots) full_size = wanted;
    placed.records = wanted;
    if (!have.empty() && same_block(have, block)) {
      placed.block = known;
      batch.found_blocks.erase(known);
      return {};
    }
    if (!may_take(records_, wanted, extent_of(have), slots)) continue;
    const auto place = records_.take(wanted);
    if (!place) continue;
    std::ranges::copy(block, maps_->records().begin() + *place);
    placed.block = *place;
    batch.new_blocks.emplace_back(*place, wanted);
    if (slots != kMaglevSlots && wanted != full_size && report_)
      report_({std::make_error_code(std::errc::no_space_on_device),
               fmt::format("Service {}: its Maglev tables are smaller than on other nodes, because "
                           "BPF map records is nearly full: {} of {}",
                           to_string(plan.name), records_.used(), records_.capacity())});
    return {};
  }
  return full("records", records_.used(), records_.capacity());
}

Result<> Services::check_room(const PortTables& tables, Batch& batch) const {
  std::uint64_t frontends = 0, members = 0, ranges = 0;
  const auto count_key = [&](const fl_frontend_key& key) {
    if (!published_.contains(key) && !batch.counted.contains(key)) ++frontends;
  };
  for (const FrontendRow& row : tables.rows) {
    count_key(row.key);
    if (row.is_cluster_ip) count_key(address_key(row.key.address));
  }
  for (const fl_member_key& key : tables.members) members += members_.contains(key) ? 0 : 1;
  for (const fl_range_key& key : tables.ranges) ranges += ranges_.contains(key) ? 0 : 1;
  const std::uint64_t have = published_.size() + batch.counted.size();
  if (have + frontends > capacities_.frontends)
    return full("frontends", have, capacities_.frontends);
  if (members_.size() + batch.new_members + members > capacities_.members)
    return full("members", members_.size() + batch.new_members, capacities_.members);
  if (ranges_.size() + batch.new_ranges + ranges > capacities_.source_ranges)
    return full("source_ranges", ranges_.size() + batch.new_ranges, capacities_.source_ranges);
  for (const FrontendRow& row : tables.rows) {
    if (!published_.contains(row.key)) batch.counted.insert(row.key);
    const fl_frontend_key address = address_key(row.key.address);
    if (row.is_cluster_ip && !published_.contains(address)) batch.counted.insert(address);
  }
  batch.new_members += members;
  batch.new_ranges += ranges;
  return {};
}

Result<> Services::check_name(const ServicePortName& name, const Batch& batch) const {
  const std::uint64_t id = service_id(name);
  const auto refuse = [&](const ServicePortName& other) {
    return invalid(
        fmt::format("its name has the same hash as that of Service {} ({:016x}): give "
                    "one of the two ports another name",
                    to_string(other), id));
  };
  if (const auto found = ids_.find(id); found != ids_.end() && found->second != name)
    return refuse(found->second);
  if (const auto found = batch.ids.find(id); found != batch.ids.end() && found->second != name)
    return refuse(found->second);
  return {};
}

Result<std::vector<PlacedPort>> Services::place_ports(const ServicePlans& plans,
                                                      const std::vector<PlacedPort>& old,
                                                      Batch& batch) {
  std::vector<PlacedPort> want;
  want.reserve(plans.size());
  for (const ServicePlan& plan : plans) {
    TRY_VOID(check_name(plan.name, batch));
    PlacedPort& placed = want.emplace_back();
    placed.tables = compile(plan);
    TRY_VOID(check_room(placed.tables, batch));
    TRY_VOID(place_block(plan, find_port(old, plan.name), batch, placed));
  }
  return want;
}

void Services::append_rows(const PlacedPort& port, bool put, Batch& batch) {
  const std::uint64_t owner = port.tables.service;
  for (const FrontendRow& row : port.tables.rows) {
    if (put) {
      batch.frontends[row.key] = {word_of(row, port.block), owner};
      continue;
    }
    // A key that has become another Service's is not this one's to take away.
    const auto found = published_.find(row.key);
    if (found != published_.end() && (found->second.owner == owner || found->second.owner == 0))
      batch.frontends.try_emplace(row.key);
  }
  for (const fl_member_key& key : port.tables.members) batch.members[key] = put;
  for (const fl_range_key& key : port.tables.ranges) batch.ranges[key] = put;
}

void Services::count_port(const PlacedPort& port, int by, Batch& batch) {
  for (const FrontendRow& row : port.tables.rows) {
    if (is_by_port(row.key)) {
      const std::uint32_t number = port_of(row.key.port).host;
      batch.ports[number << 8 | node_port_bit(row.key.protocol)] += by;
      continue;
    }
    auto& use = batch.addresses[row.key.address];
    use.frontends += by;
    if (row.is_cluster_ip) use.cluster_ips += by;
  }
}

void Services::change_service(const ObjectName& name, const ServicePlans& want, Batch& batch) {
  const std::vector<PlacedPort>& old = ports_of(name);
  const std::size_t blocks = batch.new_blocks.size();
  auto placed = place_ports(want, old, batch);
  if (!placed) {
    while (batch.new_blocks.size() > blocks) {
      records_.give_back_unused(batch.new_blocks.back().first, batch.new_blocks.back().second);
      batch.new_blocks.pop_back();
    }
    batch.refused.push_back({name, &want, std::move(placed).error()});
    // In a resync everything is gone that is not wanted: what was is wanted still.
    if (batch.is_resync && !old.empty()) batch.services.emplace_back(name, old);
    return;
  }
  for (const PlacedPort& port : *placed) batch.ids[port.tables.service] = port.tables.name;
  batch.services.emplace_back(name, std::move(*placed));
}

// ---- write ----

Result<SyncReport> Services::run(std::span<const ServiceChange> changes, Batch& batch,
                                 Effects& effects) {
  static const ServicePlans kNothing;
  for (const ServiceChange& change : changes)
    change_service(change.service, change.want != nullptr ? *change.want : kNothing, batch);
  TRY(SyncReport report, commit(batch, effects));
  std::vector<Refused> refused = std::move(batch.refused);
  for (std::size_t before = 0; !refused.empty() && refused.size() != before;) {
    // What has been given back may have made room for some of them.
    before = refused.size();
    Batch next;
    for (const Refused& again : refused) change_service(again.name, *again.want, next);
    TRY(const SyncReport more, commit(next, effects));
    report.elements_added += more.elements_added;
    report.elements_removed += more.elements_removed;
    report.transactions += more.transactions;
    refused = std::move(next.refused);
  }
  for (const Refused& left : refused)
    if (report_)
      report_({left.error.code, fmt::format("Service {} is not programmed: {}",
                                            to_string(left.name), left.error.doing)});
  return report;
}

Result<SyncReport> Services::apply(std::span<const ServiceChange> changes, Effects& effects) {
  Batch batch;
  return run(changes, batch, effects);
}

Result<SyncReport> Services::set_node_addresses(std::span<const Ip> addresses) {
  Batch batch;
  TableOf<fl_address, bool> wanted;
  for (const Ip& address : addresses) wanted[address_of(address)] = true;
  for (const fl_address& address : node_addresses_)
    if (!wanted.contains(address)) batch.addresses[address].is_node = false;
  for (const auto& [address, yes] : wanted) batch.addresses[address].is_node = yes;
  Effects none;
  return commit(batch, none);
}

Result<> Services::read_kernel() {
  TRY(const auto frontends, maps_->frontends.read());
  TRY(const auto members, maps_->members.read());
  TRY(const auto ranges, maps_->source_ranges.read());
  decltype(published_) before = std::move(published_);
  published_.clear();
  published_.reserve(frontends.size());
  for (const auto& [key, word] : frontends) {
    const auto known = before.find(key);
    published_[key] = {word, known != before.end() ? known->second.owner : 0};
  }
  members_.clear();
  for (const auto& [key, value] : members) members_.insert(key);
  ranges_.clear();
  for (const auto& [key, value] : ranges) ranges_.insert(key);
  return {};
}

/// At the first resync: what frontends name is in use until they name something else.
void Services::take_known_blocks(Batch& batch) {
  records_ = RecordAllocator(records_.capacity(), &wait_for_programs);
  // Who was here before us may have taken a frontend away a moment ago.
  if (!published_.empty()) wait_for_programs();
  for (const auto& [key, published] : published_) {
    const auto index = static_cast<std::uint32_t>(published.word >> FL_WORD_BLOCK_SHIFT);
    if (is_address_key(key) || batch.found_blocks.contains(index)) continue;
    const std::span<const fl_record> block = block_at(maps_->records(), index);
    if (block.empty() || !records_.take_at(index, extent_of(block))) continue;
    batch.found_blocks.emplace(index, extent_of(block));
    std::ranges::copy(udp_backends(block), std::back_inserter(batch.found_backends));
  }
}

Result<SyncReport> Services::resync(const Plan& plan, std::span<const Ip> node_addresses,
                                    Effects& effects) {
  TRY_VOID(read_kernel());
  Batch batch;
  batch.is_resync = true;
  if (!adopted_) take_known_blocks(batch);
  batch.found_blocks.insert(strays_.begin(), strays_.end());
  strays_.clear();
  for (const auto& [key, published] : published_)
    if (!is_address_key(key)) batch.frontends.try_emplace(key);
  for (const fl_member_key& key : members_) batch.members[key] = false;
  for (const fl_range_key& key : ranges_) batch.ranges[key] = false;
  for (const auto& [address, use] : addresses_) batch.addresses[address].is_node = false;
  for (const Ip& address : node_addresses) batch.addresses[address_of(address)].is_node = true;
  std::vector<ServiceChange> changes;
  changes.reserve(plan.services.size());
  for (const auto& [name, plans] : plan.services) changes.push_back({name, &plans});
  for (const auto& [name, ports] : services_)
    if (!plan.services.contains(name)) changes.push_back({name, nullptr});
  TRY(const SyncReport report, run(changes, batch, effects));
  adopted_ = true;
  return report;
}

Result<SyncReport> Services::commit(Batch& batch, Effects& effects) {
  for (const auto& [name, ports] : batch.services)
    for (const PlacedPort& port : ports_of(name)) {
      append_rows(port, false, batch);
      count_port(port, -1, batch);
    }
  for (const auto& [name, ports] : batch.services)
    for (const PlacedPort& port : ports) {
      append_rows(port, true, batch);
      count_port(port, +1, batch);
    }
  const Writes writes = writes_of(batch);
  if (auto written = write(*maps_, writes); !written) {
    // Part of it may be there: what the kernel has is asked, so that the next try starts from it.
    if (auto read = read_kernel(); !read) return tl::unexpected(std::move(read).error());
    recover(batch);
    return tl::unexpected(std::move(written).error());
  }
  collect_effects(batch, effects);
  settle(batch, writes);
  keep_only_dead(effects);
  SyncReport report{writes.added(), writes.removed(), 0};
  if (report.elements_added + report.elements_removed + writes.set_filter.size() +
          writes.clear_filter.size() >
      0)
    report.transactions = 1;
  return report;
}

/// New blocks that nothing names are free again; the others wait for the next resync.
void Services::recover(const Batch& batch) {
  std::unordered_set<std::uint32_t> named;
  for (const auto& [key, published] : published_)
    named.insert(static_cast<std::uint32_t>(published.word >> FL_WORD_BLOCK_SHIFT));
  for (const auto& block : batch.new_blocks) {
    if (named.contains(block.first))
      strays_.push_back(block);
    else
      records_.give_back(block.first, block.second);
  }
}

/// The mirror follows.
void Services::settle(Batch& batch, const Writes& writes) {
  for (const auto& [key, wanted] : batch.frontends) {
    if (wanted.word)
      published_[key] = {*wanted.word, wanted.owner};
    else
      published_.erase(key);
  }
  for (const auto& [key, word] : writes.put_addresses) published_[key] = {word, 0};
  for (const fl_frontend_key& key : writes.erase_addresses) published_.erase(key);
  for (const auto& [key, wanted] : batch.members) {
    if (wanted)
      members_.insert(key);
    else
      members_.erase(key);
  }
  for (const auto& [key, wanted] : batch.ranges) {
    if (wanted)
      ranges_.insert(key);
    else
      ranges_.erase(key);
  }
  const std::size_t words = maps_->filter().size();
  for (const auto& [address, delta] : batch.addresses) {
    AddressUse& use = addresses_[address];
    const bool before = use.frontends > 0 || use.is_node;
    use.frontends += delta.frontends;
    use.cluster_ips += delta.cluster_ips;
    if (delta.is_node) use.is_node = *delta.is_node;
    if (use.is_node)
      node_addresses_.insert(address);
    else
      node_addresses_.erase(address);
    const bool after = use.frontends > 0 || use.is_node;
    if (!after) addresses_.erase(address);
    const std::uint32_t bit = filter_bit(address, words);
    if (!before && after) ++filter_bits_[bit];
    if (before && !after && --filter_bits_[bit] == 0) filter_bits_.erase(bit);
  }
  for (const auto& [port, by] : batch.ports)
    if ((ports_[port] += static_cast<std::uint32_t>(by)) == 0) ports_.erase(port);
  for (auto& [name, ports] : batch.services) {
    std::unordered_set<std::uint32_t> kept;
    for (const PlacedPort& port : ports) kept.insert(port.block);
    for (const PlacedPort& old : ports_of(name)) {
      ids_.erase(old.tables.service);
      if (old.tables.name.protocol == Protocol::kUdp)
        for (const fl_dead_key& backend : udp_backends(block_at(maps_->records(), old.block)))
          if (--udp_backends_[backend] == 0) udp_backends_.erase(backend);
      for (const fl_dead_key& backend : old.lingering)
        if (--lingering_[backend] == 0) lingering_.erase(backend);
      if (!kept.contains(old.block)) records_.give_back(old.block, old.records);
    }
  }
  for (auto& [name, ports] : batch.services) {
    for (const PlacedPort& port : ports) {
      ids_[port.tables.service] = port.tables.name;
      if (port.tables.name.protocol == Protocol::kUdp)
        for (const fl_dead_key& backend : udp_backends(block_at(maps_->records(), port.block)))
          ++udp_backends_[backend];
      for (const fl_dead_key& backend : port.lingering) ++lingering_[backend];
    }
    if (ports.empty())
      services_.erase(name);
    else
      services_[name] = std::move(ports);
  }
  for (const auto& [index, records] : batch.found_blocks) records_.give_back(index, records);
}

// ---- ask ----

bool Services::is_frontend(const Ip& address, Port port, Protocol protocol) const {
  fl_frontend_key key{};
  key.address = address_of(address);
  key.port = port_of(port);
  key.protocol = static_cast<__u8>(protocol);
  if (published_.contains(key)) return true;
  const auto use = addresses_.find(key.address);
  if (use == addresses_.end() || !use->second.is_node) return false;
  key.address = address_of(any_address(address.family()));
  return published_.contains(key);
}

std::vector<Services::Use> Services::use() const {
  return {{"frontends", published_.size(), capacities_.frontends},
          {"members", members_.size(), capacities_.members},
          {"source_ranges", ranges_.size(), capacities_.source_ranges},
          {"records", records_.used(), records_.capacity()}};
}

}  // namespace fairlead::ebpf
