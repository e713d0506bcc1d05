// compile():          ServicePlan -> rows with handles, and backends in slots
// append_…elements(): rows and slots -> bytes of set elements
#include "dataplane/nftables/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "dataplane/diff/slots.hpp"

namespace fairlead::nftables {
namespace {

// What a scope gets, two bits in a handle.
enum class Lot : std::uint32_t { kReject = 0, kDrop = 1, kCluster = 2, kLocal = 3 };

// Writes the fields of an element one after the other, each padded to four bytes.
class FieldWriter {
 public:
  explicit FieldWriter(std::span<std::uint8_t> out) : out_(out) {}

  FieldWriter& bytes(std::span<const std::uint8_t> field) {
    std::memcpy(out_.data() + used_, field.data(), field.size());
    used_ += (field.size() + 3) / 4 * 4;
    return *this;
  }
  FieldWriter& address(const Ip& ip) {
    const std::span<const std::uint8_t> all(ip.bytes);
    return bytes(ip.is_v4() ? all.subspan(12) : all);
  }
  FieldWriter& protocol(Protocol protocol) {
    const auto number = static_cast<std::uint8_t>(protocol);
    return bytes({&number, 1});
  }
  FieldWriter& port(Port port) {
    const std::array<std::uint8_t, 2> network{static_cast<std::uint8_t>(port.host >> 8),
                                              static_cast<std::uint8_t>(port.host & 0xff)};
    return bytes(network);
  }
  FieldWriter& mark(std::uint32_t value) {
    return bytes({reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
  }

 private:
  std::span<std::uint8_t> out_;
  std::size_t used_ = 0;
};

SetId of_family(SetId v4, Family family) {
  return static_cast<SetId>(static_cast<int>(v4) + (family == Family::kIpv6 ? 1 : 0));
}

bool is_draw(Lot lot) { return lot == Lot::kCluster || lot == Lot::kLocal; }

Lot lot_of(const Verdict& verdict, const PortTables& tables) {
  switch (verdict.action) {
    case Action::kReject:
      return Lot::kReject;
    case Action::kDrop:
      return Lot::kDrop;
    case Action::kForward:
      break;
  }
  const bool local = verdict.group == BackendGroup::kLocal;
  if ((local ? tables.local_slots : tables.cluster_slots).empty()) return Lot::kReject;
  return local ? Lot::kLocal : Lot::kCluster;
}

Lot lot_of(std::uint32_t handle, Scope scope) {
  return static_cast<Lot>((handle >> (kScopeShift + 2 * static_cast<std::uint32_t>(scope))) & 3);
}

Choice choice_of(Lot lot, const PortTables& tables) {
  switch (lot) {
    case Lot::kReject:
      return kRejectChoice;
    case Lot::kDrop:
      return kDropChoice;
    case Lot::kCluster:
      return draw_choice(static_cast<std::uint32_t>(tables.cluster_slots.size()), false,
                         tables.affinity_seconds);
    case Lot::kLocal:
      return draw_choice(static_cast<std::uint32_t>(tables.local_slots.size()), true,
                         tables.affinity_seconds);
  }
  return {};
}

std::uint32_t handle_of(const Frontend& frontend, const PortTables& tables) {
  std::uint32_t handle = tables.id << kIdShift;
  for (const Scope scope : kScopes) {
    const Verdict& verdict = frontend.verdict(scope);
    const auto index = static_cast<std::uint32_t>(scope);
    handle |= static_cast<std::uint32_t>(lot_of(verdict, tables)) << (kScopeShift + 2 * index);
    if (verdict.action == Action::kForward && verdict.masquerade) handle |= 1U << index;
  }
  return frontend.source_ranges.empty() ? handle : handle | kRangesBit;
}

// The kernel refuses ranges that overlap; prefixes overlap only where one lies in the other.
std::vector<Cidr> without_nested(std::vector<Cidr> ranges) {
  std::ranges::sort(ranges, {},
                    [](const Cidr& range) { return std::pair(range.length, range.base); });
  std::vector<Cidr> kept;
  for (const Cidr& range : ranges) {
    const bool nested = std::ranges::any_of(kept, [&](const Cidr& outer) {
      return outer.family() == range.family() && outer.contains(range.base);
    });
    if (!nested) kept.push_back(range);
  }
  return kept;
}

PortTables::Row row_of(const Frontend& frontend, const PortTables& tables) {
  PortTables::Row row;
  row.by_port = frontend.kind == FrontendKind::kNodePort;
  if (!row.by_port) row.address = frontend.address;
  row.port = frontend.port;
  row.is_cluster_ip = frontend.kind == FrontendKind::kClusterIp;
  row.handle = handle_of(frontend, tables);
  row.source_ranges = without_nested(frontend.source_ranges);
  if (row.by_port && !row.source_ranges.empty()) {
    // Not a thing in Kubernetes, and there is no set for it. Closed rather than open to everybody.
    const auto closed = static_cast<std::uint32_t>(Lot::kDrop);
    row.handle = (tables.id << kIdShift) | (closed | closed << 2 | closed << 4) << kScopeShift;
    row.source_ranges.clear();
  }
  return row;
}

std::vector<Slot> assign(const std::vector<std::optional<Slot>>& known,
                         const std::vector<Backend>& backends) {
  std::vector<Slot> want;
  want.reserve(backends.size());
  for (const Backend& backend : backends) want.push_back({backend.address, backend.port});
  std::ranges::sort(want);
  want.erase(std::unique(want.begin(), want.end()), want.end());
  return assign_slots<Slot>(known, want);
}

bool uses_group(const ServicePlan& plan, BackendGroup group) {
  return std::ranges::any_of(plan.frontends, [&](const Frontend& frontend) {
    return std::ranges::any_of(frontend.verdicts, [&](const Verdict& verdict) {
      return verdict.action == Action::kForward && verdict.group == group;
    });
  });
}

Element frontend_element(const PortTables& tables, const PortTables::Row& row) {
  Element element;
  element.set =
      of_family(row.by_port ? SetId::kNodePorts4 : SetId::kFrontends4, tables.name.family);
  FieldWriter key(element.key);
  if (!row.by_port) key.address(row.address);
  key.protocol(tables.name.protocol).port(row.port);
  FieldWriter(element.data).mark(tables.id).mark(row.handle);
  return element;
}

void append_row(const PortTables& tables, const PortTables::Row& row, std::vector<Element>& out) {
  out.push_back(frontend_element(tables, row));
  for (const Cidr& range : row.source_ranges) {
    if (range.family() != tables.name.family) continue;
    Element element;
    element.set = of_family(SetId::kRanges4, tables.name.family);
    element.prefix = range.length;
    FieldWriter(element.key)
        .address(row.address)
        .protocol(tables.name.protocol)
        .port(row.port)
        .address(range.base);
    out.push_back(element);
  }
}

// Frontends that differ only in address and masquerade have these in common, so they are found more
// than once.
void append_choices(const PortTables& tables, std::uint32_t handle, std::vector<Element>& out) {
  const Lot first = lot_of(handle, Scope::kInternal);
  const bool uniform =
      std::ranges::all_of(kScopes, [&](Scope scope) { return lot_of(handle, scope) == first; });
  const bool has_ranges = (handle & kRangesBit) != 0;
  if (uniform && !has_ranges) {
    out.push_back(services_element(SetId::kServices, handle, choice_of(first, tables)));
    return;
  }
  out.push_back(
      services_element(SetId::kServices, handle, has_ranges ? kRangesChoice : kByScopeChoice));
  constexpr std::array kSets{SetId::kInternal, SetId::kHost, SetId::kExternal};
  for (const Scope scope : kScopes)
    out.push_back(services_element(kSets[static_cast<std::size_t>(scope)], handle,
                                   choice_of(lot_of(handle, scope), tables)));
}

void append_group(const PortTables& tables, BackendGroup group, std::vector<Element>& out) {
  const bool local = group == BackendGroup::kLocal;
  const std::vector<Slot>& slots = local ? tables.local_slots : tables.cluster_slots;
  for (std::uint32_t number = 0; number < slots.size(); ++number) {
    const Slot& slot = slots[number];
    out.push_back(
        backend_element(tables.name.family, tables.id, number + (local ? kLocalSlots : 0), slot));
    if (tables.affinity_seconds == 0) continue;
    Element member;
    member.set = of_family(local ? SetId::kLocalMembers4 : SetId::kMembers4, tables.name.family);
    FieldWriter(member.key).mark(tables.id).address(slot.address).port(slot.port);
    out.push_back(member);
  }
}

std::set<std::uint32_t> distinct_handles(const PortTables& tables) {
  std::set<std::uint32_t> handles;
  for (const auto& row : tables.rows) handles.insert(row.handle >> kServiceShift << kServiceShift);
  return handles;
}

}  // namespace

// Bits of Choice::draw:  31 local | 30 affinity | 29 coarse | 28..12 seconds, 11..0 count
//                                                           or 28..18 minutes, 17..0 count, if
//                                                           coarse.  Without affinity: count.
constexpr std::uint32_t kLocalBit = 1U << 31, kAffinityBit = 1U << 30, kCoarseBit = 1U << 29;
constexpr std::uint32_t kFineShift = 12, kCoarseShift = 18;

Choice draw_choice(std::uint32_t count, bool local, std::uint32_t seconds) {
  const std::uint32_t base = local ? kLocalBit : 0;
  if (seconds == 0) return {0, base | count};
  if (count < 1U << kFineShift)
    return {seconds, base | kAffinityBit | seconds << kFineShift | count};
  const std::uint32_t minutes = (seconds + 59) / 60;
  return {minutes * 60, base | kAffinityBit | kCoarseBit | minutes << kCoarseShift | count};
}

std::uint32_t count_of(Choice choice) {
  if ((choice.draw & kAffinityBit) == 0) return choice.draw & ~kLocalBit;
  return choice.draw & ((1U << ((choice.draw & kCoarseBit) != 0 ? kCoarseShift : kFineShift)) - 1);
}

bool is_local(Choice choice) { return (choice.draw & kLocalBit) != 0; }

KnownSlots slots_of(const PortTables& tables) {
  return {{tables.cluster_slots.begin(), tables.cluster_slots.end()},
          {tables.local_slots.begin(), tables.local_slots.end()}};
}

PortTables compile(const ServicePlan& plan, std::uint32_t id, const KnownSlots& known) {
  PortTables tables;
  tables.name = plan.name;
  tables.id = id;
  tables.affinity_seconds = static_cast<std::uint32_t>(plan.affinity.count());
  tables.serving = plan.serving;
  std::ranges::sort(tables.serving);
  if (uses_group(plan, BackendGroup::kCluster))
    tables.cluster_slots = assign(known.cluster, plan.cluster_backends);
  if (uses_group(plan, BackendGroup::kLocal))
    tables.local_slots = assign(known.local, plan.local_backends);
  for (const auto* group : {&plan.cluster_backends, &plan.local_backends})
    for (const Backend& backend : *group)
      if (backend.local) tables.hairpins.push_back(backend.address);
  std::ranges::sort(tables.hairpins);
  tables.hairpins.erase(std::unique(tables.hairpins.begin(), tables.hairpins.end()),
                        tables.hairpins.end());
  tables.rows.reserve(plan.frontends.size());
  for (const Frontend& frontend : plan.frontends)
    if (!frontend.address.is_loopback()) tables.rows.push_back(row_of(frontend, tables));
  return tables;
}

void append_elements(const PortTables& tables, std::vector<Element>& out) {
  for (const auto& row : tables.rows) append_row(tables, row, out);
  for (const std::uint32_t handle : distinct_handles(tables)) append_choices(tables, handle, out);
  append_group(tables, BackendGroup::kCluster, out);
  append_group(tables, BackendGroup::kLocal, out);
}

void append_shared_elements(const PortTables& tables, std::vector<Element>& out) {
  for (const Ip& address : tables.hairpins) {
    Element element;
    element.set = of_family(SetId::kHairpin4, tables.name.family);
    FieldWriter(element.key).address(address).address(address);
    out.push_back(element);
  }
  for (const auto& row : tables.rows) {
    if (!row.is_cluster_ip) continue;
    Element element;
    element.set = of_family(SetId::kClusterIps4, tables.name.family);
    FieldWriter(element.key).address(row.address);
    out.push_back(element);
  }
}

void append_node_elements(const NodeSettings& node, std::vector<Element>& out) {
  for (const Ip& address : node.node_port_addresses) {
    Element element;
    element.set = of_family(SetId::kNodeAddresses4, address.family());
    FieldWriter(element.key).address(address);
    out.push_back(element);
  }
}

bool leads_to_backend(const PortTables::Row& row) {
  return std::ranges::any_of(kScopes,
                             [&](Scope scope) { return is_draw(lot_of(row.handle, scope)); });
}

void append_draw_chains(const PortTables& tables, std::set<DrawChain>& out) {
  for (const auto& row : tables.rows) {
    for (const Scope scope : kScopes) {
      const Lot lot = lot_of(row.handle, scope);
      if (!is_draw(lot)) continue;
      out.insert({tables.name.family, row.by_port, choice_of(lot, tables)});
    }
  }
}

std::string comment_of(const ServicePortName& name) {
  std::string comment = fmt::format("{} {} {}", to_string(name), to_string(name.protocol),
                                    name.family == Family::kIpv4 ? "IPv4" : "IPv6");
  // The kernel keeps 256 bytes. Longer names do not exist in Kubernetes; such a Service only gets a
  // new id at a restart.
  constexpr std::size_t kLimit = 240;
  if (comment.size() > kLimit) comment.resize(kLimit);
  return comment;
}

std::uint32_t id_in_key(const Element& element) {
  std::uint32_t key = 0;
  std::memcpy(&key, element.key.data(), sizeof(key));
  return key >> (kIdShift - kServiceShift);
}

Element services_element(SetId set, std::uint32_t handle, Choice choice) {
  Element element;
  element.set = set;
  FieldWriter(element.key).mark(handle >> kServiceShift);
  FieldWriter(element.data).mark(choice.seconds).mark(choice.draw);
  return element;
}

Element backend_element(Family family, std::uint32_t id, std::uint32_t slot_number,
                        const Slot& slot) {
  Element element;
  element.set = of_family(SetId::kBackends4, family);
  FieldWriter(element.key).mark(id).mark(slot_number);
  FieldWriter(element.data).address(slot.address).port(slot.port);
  return element;
}

std::pair<std::uint32_t, Slot> read_backend_element(const Element& element) {
  std::uint32_t number = 0;
  std::memcpy(&number, element.key.data() + sizeof(number), sizeof(number));
  Slot slot;
  std::size_t at = 16;
  if (element.set == SetId::kBackends4) {
    at = 4;
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(element.data.begin(), bytes.size(), bytes.begin());
    slot.address = ip_from_v4(bytes);
  } else {
    std::copy_n(element.data.begin(), slot.address.bytes.size(), slot.address.bytes.begin());
  }
  slot.port.host = static_cast<std::uint16_t>(element.data[at] << 8 | element.data[at + 1]);
  return {number, slot};
}

}  // namespace fairlead::nftables
