// resync():  load or adopt the generation -> config -> Services -> interfaces -> neighbours
//            attach -> active -> earlier generations drain
// apply():   Services
// both:      -> what it means for flows and sockets is a chore
//
// Programs are attached last: from their first packet on they find everything.
#include "dataplane/ebpf/datapath.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "dataplane/ebpf/attach.hpp"
#include "dataplane/ebpf/chores.hpp"
#include "dataplane/ebpf/compile.hpp"
#include "dataplane/ebpf/figures.hpp"
#include "dataplane/ebpf/former_generations.hpp"
#include "dataplane/ebpf/former_tables.hpp"
#include "dataplane/ebpf/generation.hpp"
#include "dataplane/ebpf/interfaces.hpp"
#include "dataplane/ebpf/live.hpp"
#include "dataplane/ebpf/marks.hpp"
#include "dataplane/ebpf/neighbours.hpp"
#include "dataplane/ebpf/plain_routes.hpp"
#include "dataplane/ebpf/pods.hpp"
#include "dataplane/ebpf/services.hpp"
#include "dataplane/ebpf/stack.hpp"
#include "dataplane/kernel/filter_monitor.hpp"
#include "dataplane/kernel/flow_cleaner.hpp"
#include "dataplane/kernel/netns.hpp"
#include "dataplane/kernel/wake_set.hpp"

namespace fairlead::ebpf {
namespace {

using Report = std::function<void(const Error&)>;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::minutes kSeldom{1};
/// A link can be detached by anybody with its id, and nobody is told. To look takes microseconds.
constexpr std::chrono::seconds kLinksPeriod{3};
constexpr std::uint64_t kAlarmPercent = 90;

class EbpfDatapath final : public Datapath {
 public:
  EbpfDatapath(Options options, BpfFeatures features, Netns netns, LinkMonitor monitor,
               WakeSet wakes, std::unique_ptr<FlowCleaner> cleaner)
      : options_(std::move(options)),
        features_(features),
        netns_(std::move(netns)),
        monitor_(std::move(monitor)),
        wakes_(std::move(wakes)),
        cleaner_(std::move(cleaner)),
        former_(options_.pin_directory, options_.report) {}

  [[nodiscard]] std::string_view name() const override { return "ebpf"; }
  Result<SyncReport> resync(const Plan& plan) override {
    return netns_.run([&] { return resync_here(plan); });
  }
  Result<SyncReport> apply(std::span<const ServiceChange> changes) override;
  Result<> set_pods(ClusterPods pods) override;
  [[nodiscard]] int monitor_fd() const override { return wakes_.fd(); }
  Result<bool> foreign_change() override {
    return netns_.run([&] { return foreign_change_here(); });
  }
  Result<bool> drain(const Plan& now) override {
    return netns_.run([&] { return drain_here(now); });
  }
  Result<DatapathFigures> figures() override;
  Result<std::vector<DropRecord>> take_drops() override;
  Result<std::optional<Trace>> trace(const TracedPacket& packet) override;
  Result<> cleanup() override {
    return netns_.run([&] { return cleanup_here(); });
  }

 private:
  Result<> open_generation();
  Result<SyncReport> resync_here(const Plan& plan);
  Result<bool> foreign_change_here();
  Result<bool> drain_here(const Plan& now);
  Result<> cleanup_here();
  Result<std::size_t> write_node();
  Result<std::size_t> write_interfaces();
  Result<std::size_t> write_pods();
  Result<std::size_t> attach();
  Result<> retire_others();
  void sweep_seldom();
  void carry_out(Effects effects, StaleFlows::Lock held);
  Result<> open_draining();
  void end_sockets(const std::vector<fl_dead_key>& backends);
  void keep_use();
  [[nodiscard]] std::shared_ptr<Live> live() const {
    const std::lock_guard lock(live_mutex_);
    return live_;
  }
  void report(const Error& error) const {
    if (options_.report) options_.report(error);
  }

  Options options_;
  BpfFeatures features_;
  Netns netns_;
  LinkMonitor monitor_;
  WakeSet wakes_;
  std::unique_ptr<FlowCleaner> cleaner_;
  FormerGenerations former_;

  mutable std::mutex live_mutex_;
  std::shared_ptr<Live> live_;  // guarded by live_mutex_; written by resync() and cleanup() alone
  std::optional<Services> services_;
  std::optional<Attachments> attachments_;
  std::optional<RemovalMonitor> removals_;
  std::optional<Ticker> ticker_;  // these two: from the first resync on
  std::optional<FilterMonitor> filters_;
  NodeSettings node_;
  Network network_;
  std::optional<PodNetwork> pods_;  // once it was said what there is
  bool attached_ = false;
  std::string reported_cgroup_;
  Neighbours neighbours_;
  SteadyTime others_due_{}, marks_due_{};
  std::optional<FormerTablesList> draining_;  // once they were told to
  std::vector<std::string> alarms_;           // maps of which a report was made
  std::unique_ptr<PlainRoutes> routes_;
  Chores chores_;  // last: its thread uses the others
};

Result<Network> read_network() {
  Network network;
  TRY(network.links, read_network_links());
  TRY(network.default_routes, read_default_route_links());
  return network;
}

// ---- start ----

Result<> EbpfDatapath::open_generation() {
  const Sizes sizes = sizes_of(options_, memory_of_node());
  TRY_VOID(check_bpffs(options_.pin_directory));
  TRY(Generation generation, Generation::open(options_.pin_directory, sizes, features_));
  TRY(const std::uint32_t priority, filter_priority(options_.pin_directory, generation.name));
  auto made = std::make_shared<Live>(std::move(generation));
  TRY(auto services, Services::open(made->generation.maps, options_.report));
  services_.emplace(std::move(services));
  attachments_.emplace(made->generation.object,
                       PinPaths{options_.pin_directory, made->generation.links()},
                       Attachments::How{.xdp = options_.xdp,
                                        .tcx = features_.tcx,
                                        .priority = priority,
                                        .skip_interfaces = options_.skip_interfaces,
                                        .report = options_.report});
  if (auto removals = RemovalMonitor::open(made->generation.links()); removals) {
    removals_.emplace(std::move(*removals));
    TRY_VOID(wakes_.add(removals_->fd()));
  }
  TRY(ticker_, Ticker::make(kLinksPeriod));
  TRY_VOID(wakes_.add(ticker_->fd()));
  TRY(filters_, FilterMonitor::open());
  TRY_VOID(wakes_.add(filters_->fd()));
  if (!features_.ct_lookup)
    report({std::make_error_code(std::errc::not_supported),
            "this kernel cannot be asked for connections that conntrack translates (it has no "
            "bpf_skb_ct_lookup: Linux 5.18 has, with nf_conntrack built in or as a module that can "
            "be loaded): TCP connections that kube-proxy or another datapath began may be led to "
            "another backend"});
  // Without it a route is asked for each new flow.
  if (auto routes = PlainRoutes::start(made, options_.report); routes)
    routes_ = *std::move(routes);
  else
    report(routes.error());
  const std::lock_guard lock(live_mutex_);
  live_ = std::move(made);
  return {};
}

// ---- resync ----

Result<std::size_t> EbpfDatapath::write_node() {
  TRY(network_, read_network());
  return write_config(config_of(node_, network_, options_, netns_.cookie()),
                      live_->generation.maps.config());
}

Result<std::size_t> EbpfDatapath::write_interfaces() {
  auto& map = live_->generation.maps.interfaces;
  TRY(const auto have, map.read());
  TableOf<__u32, fl_interface> gone;
  for (const auto& [index, interface] : have) gone[index] = interface;
  std::size_t written = 0;
  for (const NetworkLink& link : network_.links) {
    const fl_interface wanted = interface_of(link, network_, node_);
    const auto index = static_cast<__u32>(link.index);
    const auto known = gone.find(index);
    const bool same = known != gone.end() && same_bytes(known->second, wanted);
    gone.erase(index);
    if (same) continue;
    TRY_VOID(map.update(index, wanted));
    ++written;
  }
  for (const auto& [index, interface] : gone) {
    TRY_VOID(map.erase({&index, 1}));
    ++written;
  }
  return written;
}

Result<std::size_t> EbpfDatapath::write_pods() {
  if (!pods_) return 0;  // those of the agent before us stay
  return pods_->write(live_->generation.maps, network_.links);
}

Result<> EbpfDatapath::set_pods(ClusterPods pods) {
  if (!pods_) pods_.emplace();
  pods_->set(std::move(pods));
  if (live_ == nullptr) return {};
  return netns_.run([&]() -> Result<> {
    TRY_VOID(write_pods());
    return {};
  });
}

Result<std::size_t> EbpfDatapath::attach() {
  TRY(const CgroupPlace cgroup, open_cgroup2(options_.cgroup));
  if (cgroup.path != options_.cgroup && reported_cgroup_ != cgroup.path) {
    reported_cgroup_ = cgroup.path;
    report({std::make_error_code(std::errc::not_a_directory),
            fmt::format("{} is not of cgroup v2: sockets are translated below {}, where it is "
                        "mounted",
                        options_.cgroup, cgroup.path)});
  }
  TRY(std::size_t written, attachments_->attach_to_cgroup(cgroup));
  TRY(const std::size_t on_links,
      attachments_->attach_to_links(network_.links, Attachments::Which::kAll));
  written += on_links;
  // What is exchanged at start is not a repair.
  return std::exchange(attached_, true) ? written : 0;
}

Result<SyncReport> EbpfDatapath::resync_here(const Plan& plan) {
  TRY_VOID(accept_own_sources(options_));
  if (live_ == nullptr) TRY_VOID(open_generation());
  node_ = plan.node;
  TRY(std::size_t written, write_node());
  Effects effects;
  if (!attached_ && !live_->generation.is_new) {
    // The agent before us may have known more of them than the maps say: those that terminated.
    auto connected = connected_backends(socket_tables(live_->generation.object, {}));
    if (!connected) this->report(connected.error());
    effects.dead = connected.value_or(std::vector<fl_dead_key>{});
  }
  auto held = live_->stale_flows.hold();
  TRY(SyncReport report, services_->resync(plan, node_addresses(node_, network_), effects));
  carry_out(std::move(effects), std::move(held));
  TRY(std::size_t interfaces, write_interfaces());
  if (pods_) pods_->doubt();
  TRY(const std::size_t pods, write_pods());
  interfaces += pods;
  // Another had the Services until now: nobody, or a generation that was being drained.
  const bool is_takeover = !attached_ && (live_->generation.is_new ||
                                          live_->generation.maps.config().mode != FL_MODE_ACTIVE);
  if (auto looked = neighbours_.look(live_->generation.maps, *services_, is_takeover, chores_);
      !looked) {
    // A kernel without conntrack has no such flows.
    if (looked.error().code != std::errc::no_such_file_or_directory) this->report(looked.error());
  }
  const std::atomic_ref<__u32> mode(live_->generation.maps.config().mode);
  // No flow begins before its replies find our programs on every device.
  if (is_takeover) mode.store(FL_MODE_DRAINING);
  TRY(const std::size_t attached, attach());
  if (mode.load() != FL_MODE_ACTIVE) {
    mode.store(FL_MODE_ACTIVE);
    ++written;
  }
  TRY_VOID(retire_others());
  sweep_seldom();
  report.elements_added += written + interfaces + attached;
  if (written + interfaces + attached > 0)
    report.transactions = std::max(report.transactions, std::size_t{1});
  keep_use();
  return report;
}

Result<SyncReport> EbpfDatapath::apply(std::span<const ServiceChange> changes) {
  if (!services_) return invalid("apply before the first resync");
  Effects effects;
  auto held = live_->stale_flows.hold();
  TRY(const SyncReport report, services_->apply(changes, effects));
  carry_out(std::move(effects), std::move(held));
  keep_use();
  return report;
}

/// Other generations go on with what they have, until that is nothing.
Result<> EbpfDatapath::retire_others() {
  const auto now = std::chrono::steady_clock::now();
  if (now < others_due_) return former_.drain(live_->generation.name);
  TRY_VOID(
      former_.retire(live_->generation.name, live_->generation.object.program_fd(kSocketIterator)));
  others_due_ = now + kSeldom;
  if (!draining_) return open_draining();
  std::erase_if(*draining_, [](const auto& of) { return !path_exists(of->directory); });
  return {};
}

/// From now on they are told of each change; now of those that came before.
Result<> EbpfDatapath::open_draining() {
  TRY(draining_, open_former_tables(options_.pin_directory, live_->generation.name));
  const UdpServing serving = services_->udp_serving();
  Effects effects{.targets = serving.targets, .dead = {}};
  for (const auto& of : *draining_) of->backends.append_unserved(serving, effects);
  close_stale_flows(*draining_, effects.targets, node_addresses(node_, network_), chores_);
  end_sockets(effects.dead);
  return {};
}

/// A chore: it waits for programs, and looks at all flows where buckets are marked.
void EbpfDatapath::sweep_seldom() {
  const auto now = std::chrono::steady_clock::now();
  if (now < marks_due_) return;
  marks_due_ = now + kSeldom;
  chores_.add([live = live_] {
    Maps& maps = live->generation.maps;
    const fl_timeouts timeouts = maps.config().timeouts;
    sweep_marks(maps.flows4_memory.elements<fl_bucket4>(), timeouts, wait_for_programs);
    sweep_marks(maps.flows6_memory.elements<fl_bucket6>(), timeouts, wait_for_programs);
  });
}

// ---- effects ----

/// `held`: of stale_flows, since before the change.
void EbpfDatapath::carry_out(Effects effects, StaleFlows::Lock held) {
  const std::vector<Ip> addresses = node_addresses(node_, network_);
  FlowTargets udp = effects.targets;
  std::erase_if(udp, [](const auto& target) { return target.first.protocol != Protocol::kUdp; });
  const bool start = live_->stale_flows.add(held, udp, addresses);
  held.unlock();
  if (start)
    chores_.add([live = live_] {
      live->stale_flows.run(live->generation.maps.flows4_memory.elements<fl_bucket4>(),
                            live->generation.maps.flows6_memory.elements<fl_bucket6>());
    });
  if (draining_) {
    for (const auto& of : *draining_)
      of->backends.append_unserved_of(
          udp, [&](const fl_dead_key& key) { return services_->is_udp_backend(key); },
          effects.dead);
    close_stale_flows(*draining_, udp, addresses, chores_);
  }
  end_sockets(effects.dead);
  if (effects.targets.empty()) return;
  FlowWork work;
  work.node_addresses_v4.emplace();
  work.node_addresses_v6.emplace();
  for (const Ip& address : addresses)
    (address.is_v4() ? work.node_addresses_v4 : work.node_addresses_v6)->push_back(address);
  work.targets = std::move(effects.targets);
  cleaner_->clean(std::move(work));
}

/// By a chore.
void EbpfDatapath::end_sockets(const std::vector<fl_dead_key>& backends) {
  if (backends.empty()) return;
  chores_.add([this, live = live_, former = draining_.value_or(FormerTablesList{}),
               dead = dead_backends(backends)] {
    auto ended = end_sockets_of(dead, socket_tables(live->generation.object, former));
    if (!ended) report(ended.error());
  });
}

void EbpfDatapath::keep_use() {
  std::vector<Services::Use> use = services_->use();
  for (const Services::Use& map : use) {
    const bool is_high = map.used * 100 >= map.capacity * kAlarmPercent;
    const auto told = std::ranges::find(alarms_, map.map);
    if (is_high && told == alarms_.end()) {
      alarms_.push_back(map.map);
      report({std::make_error_code(std::errc::no_space_on_device),
              fmt::format("BPF map {} is nearly full: {} of {} elements are in use", map.map,
                          map.used, map.capacity)});
    }
    if (!is_high && told != alarms_.end()) alarms_.erase(told);
  }
  live_->keep_use(std::move(use));
}

// ---- changes by others ----

Result<bool> EbpfDatapath::foreign_change_here() {
  TRY(const bool links_changed, monitor_.drain());
  const bool pins_changed = removals_ && removals_->drain();
  const bool is_time = ticker_ && ticker_->drain();
  bool filters_changed = false;
  if (filters_) {
    TRY(filters_changed, filters_->drain());
  }
  if (live_ == nullptr || !attached_) return false;
  if (links_changed) {
    TRY_VOID(write_node());
    TRY_VOID(services_->set_node_addresses(node_addresses(node_, network_)));
    TRY_VOID(write_interfaces());
    TRY_VOID(write_pods());
    TRY_VOID(attachments_->attach_to_links(network_.links, Attachments::Which::kNew));
    if (removals_) removals_->drain();  // pins of interfaces that are gone
  }
  if ((pins_changed || is_time) && !attachments_->has_all_links()) return true;
  return (pins_changed || filters_changed) && !attachments_->has_all_filters();
}

// ---- end ----

Result<bool> EbpfDatapath::drain_here(const Plan& now) {
  TRY(const auto generations, list_generations(options_.pin_directory));
  if (!generations.empty()) {
    TRY(const BpfObject object, load_iterators());
    TRY(const std::size_t left, former_.retire("", object.program_fd(kSocketIterator)));
    if (left > 0) {
      TRY(const Network network, read_network());
      TRY(const auto former, open_former_tables(options_.pin_directory, ""));
      TRY_VOID(release_unserved(former, now, node_addresses(now.node, network), object));
      return false;
    }
  }
  TRY_VOID(cleanup_here());
  return true;
}

Result<> EbpfDatapath::cleanup_here() {
  routes_.reset();
  services_.reset();
  attachments_.reset();
  removals_.reset();
  ticker_.reset();
  filters_.reset();
  draining_.reset();
  attached_ = false;
  {
    const std::lock_guard lock(live_mutex_);
    live_.reset();
  }
  TRY(const auto generations, list_generations(options_.pin_directory));
  for (const std::string& name : generations)
    TRY_VOID(remove_generation(options_.pin_directory, name));
  TRY_VOID(remove_own_clsact({options_.pin_directory, ""}));
  // What else is in there is not ours.
  if (::rmdir(options_.pin_directory.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY)
    return system_error(errno, "remove directory " + options_.pin_directory);
  return {};
}

// ---- look ----

Result<DatapathFigures> EbpfDatapath::figures() {
  const std::shared_ptr<Live> live = this->live();
  return live == nullptr ? DatapathFigures{} : live->figures();
}

Result<std::vector<DropRecord>> EbpfDatapath::take_drops() {
  const std::shared_ptr<Live> live = this->live();
  return live == nullptr ? std::vector<DropRecord>{} : live->take_drops();
}

Result<std::optional<Trace>> EbpfDatapath::trace(const TracedPacket& packet) {
  const std::shared_ptr<Live> live = this->live();
  if (live == nullptr) return std::optional<Trace>{};
  return netns_.run([&] { return live->trace(packet); });
}

}  // namespace

Result<std::unique_ptr<Datapath>> make_datapath(Options options) {
  TRY(const BpfFeatures features, probe_bpf());
  TRY_VOID(check_bpffs(options.pin_directory));
  TRY_VOID(open_cgroup2(options.cgroup));
  TRY(Netns netns, Netns::current());
  TRY(LinkMonitor monitor, LinkMonitor::open());
  TRY(WakeSet wakes, WakeSet::make());
  TRY_VOID(wakes.add(monitor.fd()));
  const Report report = [to = options.report](const Error& error) {
    if (to) to(error);
  };
  TRY(auto cleaner, FlowCleaner::start(report));
  return std::make_unique<EbpfDatapath>(std::move(options), features, std::move(netns),
                                        std::move(monitor), std::move(wakes), std::move(cleaner));
}

}  // namespace fairlead::ebpf
