// resync(): read the kernel -> adopt ids and slots -> compile all -> diff -> one transaction
// apply():  compile the named Services with their ids and slots -> diff with what they were -> one
// transaction
//
// The mirror holds PortTables, from which every element follows; it changes only after the kernel
// has accepted. Elements that Service ports share are counted. Whatever a UDP Service no longer
// leads to, and frontends that now lead to a backend, are handed to the FlowCleaner after the
// commit.
#include "dataplane/nftables/datapath.hpp"

#include <linux/netlink.h>
#include <algorithm>

#include <cerrno>
#include <map>
#include <optional>
#include <unordered_map>

#include "dataplane/kernel/flow_cleaner.hpp"
#include "dataplane/kernel/nft_monitor.hpp"
#include "dataplane/nftables/compile.hpp"
#include "dataplane/nftables/ids.hpp"
#include "dataplane/nftables/kernel.hpp"

namespace fairlead::nftables {
namespace {

struct NameHash {
  std::size_t operator()(const ObjectName& name) const {
    const std::hash<std::string_view> hash;
    return hash(name.ns) * 31 + hash(name.name);
  }
};

/// What is in the kernel.
struct Mirror {
  std::unordered_map<ObjectName, std::vector<PortTables>, NameHash>
      services;                             // each sorted by port name
  std::map<Element, std::uint32_t> shared;  // how many Service ports have it
  std::set<std::string> draw_chains;
  IdPool ids;
  NodeSettings node;
};

const PortTables* find_port(const std::vector<PortTables>& ports, const ServicePortName& name) {
  const auto at = std::ranges::find(ports, name, &PortTables::name);
  return at == ports.end() ? nullptr : &*at;
}

/// UDP: all frontends with who serves them. Else: the frontends that lead to a backend.
FlowTargets targets_of(const PortTables& tables) {
  FlowTargets targets;
  const bool udp = tables.name.protocol == Protocol::kUdp;
  for (const auto& row : tables.rows) {
    if (!udp && !leads_to_backend(row)) continue;
    const Ip address = row.by_port ? any_address(tables.name.family) : row.address;
    targets[{tables.name.protocol, address, row.port}] = tables.serving;
  }
  return targets;
}

/// What is to be cleaned after a change. `old` or `now` is nullptr where there is none.
void append_flows(const PortTables* old, const PortTables* now, FlowTargets& flows) {
  const FlowTargets before = old != nullptr ? targets_of(*old) : FlowTargets{};
  FlowTargets after = now != nullptr ? targets_of(*now) : FlowTargets{};
  for (const auto& [target, serving] : before) {
    if (target.protocol == Protocol::kUdp)
      flows.try_emplace(target);  // leads nowhere any more; what stays is named again below
    else
      after.erase(target);  // led to a backend already
  }
  for (auto& [target, serving] : after) flows[target] = std::move(serving);
}

FlowWork flow_work(const NodeSettings& node) {
  FlowWork work;
  std::vector<Ip> v4, v6;
  for (const Ip& address : node.node_port_addresses) (address.is_v4() ? v4 : v6).push_back(address);
  std::ranges::sort(v4);
  std::ranges::sort(v6);
  if (node.node_ports_v4 == NodeSettings::NodePorts::kListed)
    work.node_addresses_v4 = std::move(v4);
  if (node.node_ports_v6 == NodeSettings::NodePorts::kListed)
    work.node_addresses_v6 = std::move(v6);
  return work;
}

/// Changes of some Services, gathered before they are written.
struct Changes {
  std::vector<std::pair<const ObjectName*, std::vector<PortTables>>> services;
  std::vector<Element> have, want;
  std::map<Element, int> shared;  // by how many more Service ports each is had
  std::set<DrawChain> draws;
  std::map<std::uint32_t, const ServicePortName*> names;  // of ids in `want`
  std::vector<std::uint32_t> new_ids, freed_ids;
  FlowTargets flows;
};

class NftablesDatapath final : public Datapath {
 public:
  NftablesDatapath(NetlinkSocket socket, nft::Monitor monitor, std::unique_ptr<FlowCleaner> cleaner)
      : socket_(std::move(socket)), monitor_(std::move(monitor)), cleaner_(std::move(cleaner)) {}

  [[nodiscard]] std::string_view name() const override { return "nftables"; }
  Result<SyncReport> resync(const Plan& plan) override;
  Result<SyncReport> apply(std::span<const ServiceChange> changes) override;
  [[nodiscard]] int monitor_fd() const override { return monitor_.fd(); }
  Result<bool> foreign_change() override { return monitor_.changed(); }
  Result<bool> drain(const Plan& now) override;
  Result<> cleanup() override;

 private:
  [[nodiscard]] bool mirror_holds(const Plan& plan) const;
  Result<SyncReport> resync_once(const Plan& plan, KernelTables kernel, bool check_generation);
  Result<> gather(const ServiceChange& change, Changes& changes);
  Result<std::vector<PortTables>> compile_all(const ServicePlans& plans,
                                              const std::vector<PortTables>& have,
                                              Changes& changes);
  void settle(Changes& changes);
  Diff<Element> diff_of(Changes& changes) const;

  NetlinkSocket socket_;
  nft::Monitor monitor_;
  std::unique_ptr<FlowCleaner> cleaner_;
  Mirror mirror_;
  bool cleaned_at_start_ = false;
  // The ruleset's generation after our last commit or complete reading, if nobody else committed
  // meanwhile. While it is the kernel's, the kernel holds what the mirror says, and need not be
  // read.
  std::optional<std::uint32_t> generation_;
};

// ---- resync ----

/// The mirror that `plan` wants, with ids and slots as far as possible as in `kernel`.
Result<Mirror> adopt(const Plan& plan, const KernelTables& kernel) {
  Mirror mirror;
  mirror.node = plan.node;
  // First those who have an id, lest a new one takes it.
  std::vector<std::pair<const ServicePlan*, std::uint32_t>> ids;
  for (const auto& [name, ports] : plan.services) {
    for (const ServicePlan& port : ports) {
      const auto found = kernel.ids.find(comment_of(port.name));
      const bool kept = found != kernel.ids.end() && mirror.ids.take(found->second);
      ids.emplace_back(&port, kept ? found->second : 0);
    }
  }
  for (auto& [port, id] : ids) {
    if (id == 0) {
      TRY(id, mirror.ids.take_any());
    }
    mirror.services[port->name.service].push_back(
        compile(*port, id, read_slots(kernel.elements, port->name.family, id)));
  }
  return mirror;
}

/// What turns `have`, sorted, into all elements of the mirror, and the chains that they need.
Diff<Element> difference(std::vector<Element> have, Mirror& mirror, std::set<DrawChain>& draws) {
  Differ<Element> differ(std::move(have));
  std::vector<Element> elements;
  for (const auto& [name, ports] : mirror.services) {
    for (const PortTables& port : ports) {
      elements.clear();
      append_shared_elements(port, elements);
      for (const Element& element : elements) ++mirror.shared[element];
      append_elements(port, elements);
      differ.want(elements);
      append_draw_chains(port, draws);
    }
  }
  elements.clear();
  append_node_elements(mirror.node, elements);
  differ.want(elements);
  return std::move(differ).finish();
}

bool NftablesDatapath::mirror_holds(const Plan& plan) const {
  if (plan.node != mirror_.node) return false;
  std::size_t wanted = 0;
  for (const auto& [name, ports] : plan.services) {
    if (ports.empty()) continue;
    ++wanted;
    const auto found = mirror_.services.find(name);
    if (found == mirror_.services.end() || found->second.size() != ports.size()) return false;
    const bool same = std::ranges::all_of(ports, [&](const ServicePlan& port) {
      const PortTables* have = find_port(found->second, port.name);
      return have != nullptr && compile(port, have->id, slots_of(*have)) == *have;
    });
    if (!same) return false;
  }
  return wanted == mirror_.services.size();
}

Result<SyncReport> NftablesDatapath::resync(const Plan& plan) {
  // Somebody else's commit while we read or write makes the kernel refuse ours; then we look again.
  // Where commits never stop, the last tries go without that protection: the others' commits are
  // hardly about our table.
  constexpr int kTries = 6, kGuardedTries = 4;
  TRY(const std::uint32_t now, nft::read_generation(socket_));
  if (generation_ == now && mirror_holds(plan)) return SyncReport{};
  generation_.reset();
  for (int attempt = 1;; ++attempt) {
    TRY(KernelTables kernel, read_tables(socket_));
    const bool guarded = attempt <= kGuardedTries;
    if (guarded && !kernel.consistent) continue;
    // After a refusal of a repair, all anew.
    if (attempt == kTries) kernel.well_formed = false;
    auto report = resync_once(plan, std::move(kernel), guarded);
    if (report || attempt == kTries) return report;
    const bool raced = report.error().code.value() == ERESTART;
    if (!raced && attempt < kGuardedTries) attempt = kTries - 1;
    if (report.error().code == std::errc::operation_not_permitted) return report;
  }
}

Result<SyncReport> NftablesDatapath::resync_once(const Plan& plan, KernelTables kernel,
                                                 bool check_generation) {
  const bool anew = !kernel.well_formed;
  TRY(Mirror wanted, adopt(plan, kernel));
  std::set<DrawChain> draws;
  if (anew) kernel.elements.clear();
  const Diff<Element> changes = difference(std::move(kernel.elements), wanted, draws);
  const Skeleton skeleton(kernel, plan.node, draws);
  wanted.draw_chains = skeleton.draw_chains();

  std::unordered_map<std::uint32_t, const ServicePortName*> names;
  for (const auto& [name, ports] : wanted.services)
    for (const PortTables& port : ports) names[port.id] = &port.name;

  nft::Batch batch(kTableName);
  if (anew) put_new_table(batch, kernel.exists);
  skeleton.put_skeleton(batch);
  put_elements(batch, changes,
               [&](const Element& element) { return comment_of(*names.at(id_in_key(element))); });
  skeleton.remove_leftovers(batch);
  SyncReport report;
  if (!batch.empty()) {
    auto generation = check_generation ? std::optional(kernel.generation) : std::nullopt;
    TRY_VOID(batch.commit(socket_, generation));
    report = {changes.add.size(), changes.erase.size(), 1};
  }
  mirror_ = std::move(wanted);
  // A guarded commit raised it by one; an unguarded one may have come after another's.
  if (check_generation) generation_ = kernel.generation + (report.transactions > 0 ? 1 : 0);
  if (report.transactions > 0 || !cleaned_at_start_) {
    FlowWork work = flow_work(mirror_.node);
    for (const auto& [name, ports] : mirror_.services)
      for (const PortTables& port : ports) work.targets.merge(targets_of(port));
    cleaner_->clean(std::move(work));
    cleaned_at_start_ = true;
  }
  return report;
}

// ---- apply ----

Result<std::vector<PortTables>> NftablesDatapath::compile_all(const ServicePlans& plans,
                                                              const std::vector<PortTables>& have,
                                                              Changes& changes) {
  std::vector<PortTables> want;
  want.reserve(plans.size());
  for (const ServicePlan& plan : plans) {
    const PortTables* old = find_port(have, plan.name);
    std::uint32_t id = old != nullptr ? old->id : 0;
    if (old == nullptr) {
      TRY(id, mirror_.ids.take_any());
      changes.new_ids.push_back(id);
    }
    want.push_back(compile(plan, id, old != nullptr ? slots_of(*old) : KnownSlots{}));
  }
  return want;
}

void count_shared(const PortTables& tables, int by, std::map<Element, int>& shared) {
  std::vector<Element> elements;
  append_shared_elements(tables, elements);
  for (const Element& element : elements) shared[element] += by;
}

Result<> NftablesDatapath::gather(const ServiceChange& change, Changes& changes) {
  static const std::vector<PortTables> kNothing;
  const auto found = mirror_.services.find(change.service);
  const std::vector<PortTables>& have = found == mirror_.services.end() ? kNothing : found->second;
  TRY(std::vector<PortTables> want, compile_all(*change.want, have, changes));
  for (const PortTables& old : have) {
    const PortTables* stays = find_port(want, old.name);
    if (stays != nullptr && *stays == old) continue;
    append_elements(old, changes.have);
    count_shared(old, -1, changes.shared);
    if (stays != nullptr) continue;
    append_flows(&old, nullptr, changes.flows);
    changes.freed_ids.push_back(old.id);
  }
  for (const PortTables& port : want) {
    const PortTables* old = find_port(have, port.name);
    if (old != nullptr && *old == port) continue;
    append_elements(port, changes.want);
    count_shared(port, +1, changes.shared);
    append_draw_chains(port, changes.draws);
    changes.names[port.id] = &port.name;
    append_flows(old, &port, changes.flows);
  }
  changes.services.emplace_back(&change.service, std::move(want));
  return {};
}

Diff<Element> NftablesDatapath::diff_of(Changes& changes) const {
  for (const auto& [element, by] : changes.shared) {
    const auto found = mirror_.shared.find(element);
    const int before = found == mirror_.shared.end() ? 0 : static_cast<int>(found->second);
    if (before > 0) changes.have.push_back(element);
    if (before + by > 0) changes.want.push_back(element);
  }
  std::ranges::sort(changes.have);
  std::ranges::sort(changes.want);
  return diff<Element>(changes.have, changes.want);
}

void NftablesDatapath::settle(Changes& changes) {
  for (const auto& [element, by] : changes.shared) {
    if (by == 0) continue;
    std::uint32_t& count = mirror_.shared[element];
    count = static_cast<std::uint32_t>(static_cast<int>(count) + by);
    if (count == 0) mirror_.shared.erase(element);
  }
  for (const std::uint32_t id : changes.freed_ids) mirror_.ids.give_back(id);
  for (const DrawChain& draw : changes.draws) mirror_.draw_chains.insert(chain_name(draw));
  for (auto& [name, ports] : changes.services) {
    if (ports.empty())
      mirror_.services.erase(*name);
    else
      mirror_.services[*name] = std::move(ports);
  }
  FlowWork work = flow_work(mirror_.node);
  work.targets = std::move(changes.flows);
  cleaner_->clean(std::move(work));
}

Result<SyncReport> NftablesDatapath::apply(std::span<const ServiceChange> changes_wanted) {
  Changes changes;
  const auto give_up = [&](Error error) -> Result<SyncReport> {
    for (const std::uint32_t id : changes.new_ids) mirror_.ids.give_back(id);
    return tl::unexpected(std::move(error));
  };
  for (const ServiceChange& change : changes_wanted)
    if (auto gathered = gather(change, changes); !gathered)
      return give_up(std::move(gathered).error());
  const Diff<Element> elements = diff_of(changes);
  nft::Batch batch(kTableName);
  for (const DrawChain& draw : changes.draws)
    if (!mirror_.draw_chains.contains(chain_name(draw))) put_draw_chain(batch, draw);
  put_elements(batch, elements, [&](const Element& element) {
    return comment_of(*changes.names.at(id_in_key(element)));
  });
  SyncReport report;
  if (!batch.empty()) {
    if (auto committed = batch.commit(socket_, std::nullopt); !committed)
      return give_up(std::move(committed).error());
    if (generation_) ++*generation_;  // another's commit leaves the kernel's ahead of it for good
    report = {elements.add.size(), elements.erase.size(), 1};
  }
  settle(changes);
  return report;
}

/// UDP entries of backends that are gone are deleted by the other datapath's FlowCleaner.
Result<bool> NftablesDatapath::drain(const Plan&) {
  TRY(KernelTables kernel, read_tables(socket_));
  if (!kernel.exists) return true;
  // The base chains stay: conntrack translates what it knows only as long as a nat chain is at the
  // hook.
  TRY_VOID(resync_once(Plan{}, std::move(kernel), false));
  bool translates = false;
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp})
      TRY_VOID(
          list_conntrack(socket_, family, protocol, ConntrackSelection::kAll,
                         [&](const ConntrackEntry& entry) { translates |= entry.is_translated; }));
  if (translates) return false;
  TRY_VOID(cleanup());
  return true;
}

Result<> NftablesDatapath::cleanup() {
  TRY(const KernelTables kernel, read_tables(socket_));
  mirror_ = {};
  generation_.reset();
  if (!kernel.exists) return {};
  nft::Batch batch(kTableName);
  batch.delete_table();
  return batch.commit(socket_, std::nullopt);
}

}  // namespace

Result<std::unique_ptr<Datapath>> make_datapath(Options options) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_NETFILTER));
  TRY(auto monitor, nft::Monitor::open(kTableName, socket));
  TRY(auto cleaner, FlowCleaner::start(std::move(options.report)));
  auto generation = nft::read_generation(socket);
  if (!generation) return prefix("nftables is not usable here", std::move(generation).error());
  return std::make_unique<NftablesDatapath>(std::move(socket), std::move(monitor),
                                            std::move(cleaner));
}

}  // namespace fairlead::nftables
