// orders -> wanted -> dirty prefixes -> target (next hops resolved) -> differs from have -> batch
#include "agent/bgp/kernel_routes.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>

#include <algorithm>
#include <span>
#include <utility>

namespace fairlead::bgp {
namespace {

// The kernel holds its lock of routes for as long as a batch takes.
constexpr std::size_t kBatch = 1000;
constexpr std::size_t kMostProblems = 10;

void add_problem(RoutesReport& report, std::string text) {
  if (report.problems.size() < kMostProblems) report.problems.insert(std::move(text));
}

}  // namespace

bool RouteGuard::covers(const Cidr& destination) const {
  const bool is_whole = destination.length == (destination.base.is_v4() ? 32 : 128);
  return std::ranges::any_of(own_pod_cidrs,
                             [&](const Cidr& own) {
                               return own.family() == destination.family() &&
                                      own.length <= destination.length &&
                                      own.contains(destination.base);
                             }) ||
         (is_whole && std::ranges::binary_search(local_addresses, destination.base));
}

void RouteOrders::add(control::RoutesChanged changes) {
  for (control::LearnedRoute& route : changes.set) changed[route.prefix] = std::move(route.via);
  for (const Prefix& prefix : changes.gone) changed[prefix].clear();
}

bool RouteOrders::empty() const {
  return changed.empty() && !guard && !speaker_restarted && !restart_over && !look && !compare;
}

Result<KernelRoutes> KernelRoutes::open() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  return KernelRoutes(std::move(socket));
}

std::set<control::Via> KernelRoutes::vias() const {
  std::set<control::Via> all;
  for (const auto& [prefix, via] : wanted_) all.insert(via.begin(), via.end());
  return all;
}

Result<> KernelRoutes::take(RouteOrders& orders) {
  if (orders.guard && *orders.guard != guard_) {
    guard_ = *std::move(orders.guard);
    for (const auto& [prefix, via] : wanted_) dirty_.insert(prefix);
  }
  if (orders.speaker_restarted) {
    for (const auto& [prefix, via] : wanted_)
      if (have_.contains(prefix)) kept_.insert(prefix);
    wanted_.clear();
    all_said_ = false;
    next_hops_.tell_again();
  }
  std::set<control::Via> used;
  for (auto& [prefix, via] : orders.changed) {
    kept_.erase(prefix);
    dirty_.insert(prefix);
    if (via.empty()) {
      wanted_.erase(prefix);
      continue;
    }
    used.insert(via.begin(), via.end());
    wanted_[prefix] = std::move(via);
  }
  if (orders.restart_over) {
    all_said_ = true;
    dirty_.merge(std::exchange(kept_, {}));
  }
  return next_hops_.add(socket_, used);
}

Result<> KernelRoutes::look_at_next_hops() {
  TRY(const auto changed, next_hops_.look(socket_, vias()));
  if (changed.empty()) return {};
  for (const auto& [prefix, all] : wanted_)
    if (std::ranges::any_of(all, [&](const control::Via& via) { return changed.contains(via); }))
      dirty_.insert(prefix);
  return {};
}

/// What is in the kernel and is nobody's wish goes, but for what an earlier agent or speaker left
/// and may be said again.
Result<> KernelRoutes::compare() {
  TRY(auto state, read_learned_routes(socket_));
  std::map<Prefix, std::vector<RouteHop>> have;
  for (LearnedKernelRoute& route : state.routes)
    have.emplace_hint(have.end(), route.destination, std::move(route.hops));
  have_ = std::move(have);
  foreign_ = std::set<Prefix>(state.foreign.begin(), state.foreign.end());
  for (const auto& [prefix, hops] : have_) {
    if (!adopted_ && !all_said_ && !wanted_.contains(prefix)) kept_.insert(prefix);
    dirty_.insert(prefix);
  }
  adopted_ = true;
  for (const auto& [prefix, via] : wanted_) dirty_.insert(prefix);
  return {};
}

/// Empty: no route.
std::vector<RouteHop> KernelRoutes::target(const Prefix& prefix) const {
  std::vector<RouteHop> hops;
  const auto wanted = wanted_.find(prefix);
  if (wanted == wanted_.end() || guard_.covers(prefix)) return hops;
  for (const control::Via& via : wanted->second) {
    const auto& found = next_hops_.hops_of(via);
    hops.insert(hops.end(), found.begin(), found.end());
  }
  std::ranges::sort(hops);
  hops.erase(std::unique(hops.begin(), hops.end()), hops.end());
  if (hops.size() > LearnedKernelRoute::kMostHops) hops.resize(LearnedKernelRoute::kMostHops);
  return hops;
}

std::optional<KernelRoutes::Step> KernelRoutes::step_for(const Prefix& prefix,
                                                         RoutesReport& report) const {
  std::vector<RouteHop> hops = target(prefix);
  const auto have = have_.find(prefix);
  if (have == have_.end() && hops.empty()) return std::nullopt;
  if (have == have_.end()) {
    if (!foreign_.contains(prefix)) return Step{prefix, std::move(hops), &report.added};
    add_problem(report,
                fmt::format("route {} is somebody else's and stays as it is", to_string(prefix)));
    return std::nullopt;
  }
  if (hops == have->second) return std::nullopt;
  if (!hops.empty()) return Step{prefix, std::move(hops), &report.replaced};
  if (kept_.contains(prefix)) return std::nullopt;
  return Step{prefix, {}, &report.removed};
}

void KernelRoutes::done(Step step) {
  ++*step.count;
  if (step.hops.empty())
    have_.erase(step.prefix);
  else
    have_[step.prefix] = std::move(step.hops);
}

Result<> KernelRoutes::write_batch(RoutesReport& report, std::set<Prefix>& left) {
  RouteBatch batch;
  std::vector<Step> steps;
  while (!dirty_.empty() && steps.size() < kBatch) {
    const Prefix prefix = *dirty_.begin();
    dirty_.erase(dirty_.begin());
    auto step = step_for(prefix, report);
    if (!step) continue;
    if (step->hops.empty())
      batch.delete_learned(prefix);
    else if (have_.contains(prefix))
      batch.replace_learned({prefix, step->hops});
    else
      batch.add_learned({prefix, step->hops});
    steps.push_back(*std::move(step));
  }
  TRY(const auto refusals, batch.commit_each(socket_));
  std::vector<bool> refused(steps.size(), false);
  for (const auto& [at, error] : refusals) {
    refused[at] = true;
    add_problem(report, error.doing);
    // Somebody else's, made since we read the kernel.
    const bool taken = error.code == std::errc::file_exists;
    (taken ? foreign_ : left).insert(steps[at].prefix);
  }
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (!refused[i]) done(std::move(steps[i]));
  return {};
}

Result<> KernelRoutes::write(RoutesReport& report) {
  std::set<Prefix> left;
  while (!dirty_.empty()) TRY_VOID(write_batch(report, left));
  report.retry = !left.empty();
  dirty_ = std::move(left);
  return {};
}

Result<RoutesReport> KernelRoutes::carry_out(RouteOrders orders) {
  RoutesReport report;
  TRY_VOID(take(orders));
  if (orders.look) TRY_VOID(look_at_next_hops());
  if (orders.compare || !adopted_) TRY_VOID(compare());
  TRY_VOID(write(report));
  report.next_hops = next_hops_.take_news();
  return report;
}

Result<> KernelRoutes::clean_up() {
  TRY(const auto state, read_learned_routes(socket_));
  for (std::span rest(state.routes); !rest.empty();) {
    RouteBatch batch;
    for (const LearnedKernelRoute& route : rest.first(std::min(kBatch, rest.size())))
      batch.delete_learned(route.destination);
    TRY_VOID(batch.commit(socket_));
    rest = rest.subspan(std::min(kBatch, rest.size()));
  }
  return {};
}

}  // namespace fairlead::bgp
