// Events mark Services as stale; update() plans those again.
//
//   set_service     the Service, and those whose claims to an address it beats or frees
//   set_slice       the slice's Service
//   set_node        every Service, if the view of the node differs
//   set_host_ports  the pods that differ, and those whose claims they beat or free
#include "dataplane/plan/planner.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "dataplane/plan/claims.hpp"
#include "dataplane/plan/frontends.hpp"
#include "dataplane/plan/host_ports.hpp"
#include "dataplane/plan/interner.hpp"
#include "dataplane/plan/node_view.hpp"
#include "dataplane/plan/service_plan.hpp"

namespace fairlead {
namespace {

/// Slices by their own name; they live in the Snapshot, grouped by Service.
struct BySliceName {
  using is_transparent = void;
  bool operator()(const EndpointSlice* a, const EndpointSlice* b) const {
    return a->name < b->name;
  }
  bool operator()(const EndpointSlice* a, const ObjectName& b) const { return a->name < b; }
  bool operator()(const ObjectName& a, const EndpointSlice* b) const { return a < b->name; }
};

/// What the Service adds to NoLocalEndpoints, by family.
std::array<NoLocalEndpoints, 2> count_no_local(const ServicePlans& plans) {
  std::array<NoLocalEndpoints, 2> counts{};
  for (const ServicePlan& plan : plans) {
    NoLocalEndpoints& count = counts[index_of(plan.name.family)];
    for (const Frontend& frontend : plan.frontends) {
      if (frontend.kind == FrontendKind::kHostPort) continue;
      if (frontend.verdict(Scope::kExternal).action != Action::kDrop) continue;
      (frontend.kind == FrontendKind::kClusterIp ? count.internal : count.external) = 1;
    }
  }
  return counts;
}

}  // namespace

struct Planner::State {
  PlanOptions options;
  Snapshot snapshot;
  Plan plan;

  NodeView view;
  bool is_view_stale = false;
  Claims claims;  // of all Services in the Snapshot and of `pods`, under `view`
  HostPortPods pods;
  std::vector<Ip> host_port_places;  // as the pods' claims have them
  std::set<ObjectName> stale;
  std::set<const EndpointSlice*, BySliceName> slices;
  Interner<std::string> node_names;
  Interner<EndpointHints> hints;
  std::map<ObjectName, std::vector<Problem>> problems;  // of Services that have any
  bool are_problems_stale = false;
  std::array<NoLocalEndpoints, 2> no_local{};

  void add_claims(const Service& service) {
    std::vector<Problem> reported_when_planned;
    claims.add(claimant(service), wanted_frontends(service, view, reported_when_planned), stale);
  }
  void remove_claims(const Service& service) {
    std::vector<Problem> reported_when_planned;
    claims.remove(claimant(service), wanted_frontends(service, view, reported_when_planned), stale);
  }
  void add_claims(const ObjectName& name, const PodHostPorts& pod) {
    std::vector<Problem> reported_when_planned;
    claims.add({name, pod.created}, wanted_host_ports(pod, host_port_places, reported_when_planned),
               stale);
    stale.insert(name);
  }
  void remove_claims(const ObjectName& name, const PodHostPorts& pod) {
    std::vector<Problem> reported_when_planned;
    claims.remove({name, pod.created},
                  wanted_host_ports(pod, host_port_places, reported_when_planned), stale);
    stale.insert(name);
  }
  void refresh_host_port_places();
  void refresh_view();
  ServicePlans plan_one(const ObjectName& name, std::vector<Problem>& found) const;
  bool replan(const ObjectName& name);
  void set_problems(const ObjectName& name, std::vector<Problem> found);
  void count(const ServicePlans& before, const ServicePlans& now);
};

/// Addresses come and go; Services do not mind those that only pods' host ports are at.
void Planner::State::refresh_host_port_places() {
  std::vector<Ip> fresh = host_port_addresses(snapshot.nodes, options);
  if (fresh == host_port_places) return;
  for (const auto& [name, pod] : pods) remove_claims(name, pod);
  host_port_places = std::move(fresh);
  for (const auto& [name, pod] : pods) add_claims(name, pod);
}

void Planner::State::refresh_view() {
  is_view_stale = false;
  refresh_host_port_places();
  NodeView fresh = view_node(snapshot.nodes, options);
  if (fresh == view) return;
  view = std::move(fresh);
  plan.node = view.settings;
  claims.clear();
  for (const auto& [name, service] : snapshot.services) {
    add_claims(service);
    stale.insert(name);
  }
  for (const auto& [name, pod] : pods) add_claims(name, pod);
}

/// A Service's, or a pod's.
ServicePlans Planner::State::plan_one(const ObjectName& name, std::vector<Problem>& found) const {
  if (const auto service = snapshot.services.find(name); service != snapshot.services.end()) {
    const auto own_slices = snapshot.slices.find(name);
    return plan_service(service->second,
                        own_slices == snapshot.slices.end() ? nullptr : &own_slices->second, view,
                        claims, found);
  }
  if (const auto pod = pods.find(name); pod != pods.end())
    return plan_host_ports(name, pod->second, host_port_places, view, claims, found);
  return {};
}

/// True if its plan is another now.
bool Planner::State::replan(const ObjectName& name) {
  std::vector<Problem> found;
  ServicePlans now = plan_one(name, found);
  set_problems(name, std::move(found));
  const auto before = plan.services.find(name);
  if (before == plan.services.end()) {
    if (now.empty()) return false;
    count({}, now);
    plan.services.emplace(name, std::move(now));
    return true;
  }
  if (before->second == now) return false;
  count(before->second, now);
  if (now.empty()) {
    plan.services.erase(before);
  } else {
    before->second = std::move(now);
  }
  return true;
}

void Planner::State::set_problems(const ObjectName& name, std::vector<Problem> found) {
  const auto before = problems.find(name);
  if (before == problems.end() ? found.empty() : before->second == found) return;
  are_problems_stale = true;
  if (found.empty()) {
    problems.erase(before);
  } else {
    problems.insert_or_assign(name, std::move(found));
  }
}

void Planner::State::count(const ServicePlans& before, const ServicePlans& now) {
  const auto less = count_no_local(before), more = count_no_local(now);
  for (std::size_t i = 0; i < no_local.size(); ++i) {
    no_local[i].internal += more[i].internal - less[i].internal;
    no_local[i].external += more[i].external - less[i].external;
  }
}

Planner::Planner(PlanOptions options) : state_(std::make_unique<State>()) {
  set_options(std::move(options));
  update();
}
Planner::~Planner() = default;
Planner::Planner(Planner&&) noexcept = default;
Planner& Planner::operator=(Planner&&) noexcept = default;

void Planner::set_options(PlanOptions options) {
  state_->options = std::move(options);
  state_->is_view_stale = true;
}
const PlanOptions& Planner::options() const { return state_->options; }

void Planner::set_service(Service service) {
  State& state = *state_;
  const auto known = state.snapshot.services.find(service.name);
  if (known != state.snapshot.services.end()) {
    if (known->second == service) return;
    state.remove_claims(known->second);
    known->second = std::move(service);
    state.add_claims(known->second);
    state.stale.insert(known->first);
    return;
  }
  ObjectName name = service.name;
  const auto added = state.snapshot.services.emplace(std::move(name), std::move(service)).first;
  state.add_claims(added->second);
  state.stale.insert(added->first);
}

void Planner::erase_service(const ObjectName& name) {
  State& state = *state_;
  const auto known = state.snapshot.services.find(name);
  if (known == state.snapshot.services.end()) return;
  state.stale.insert(known->first);
  state.remove_claims(known->second);
  state.snapshot.services.erase(known);
}

void Planner::set_slice(EndpointSlice slice) {
  State& state = *state_;
  const auto known = state.slices.find(slice.name);
  if (known != state.slices.end()) {
    if (**known == slice) return;
    if ((*known)->service != slice.service) erase_slice(slice.name);
  }
  for (Endpoint& endpoint : slice.endpoints) {
    endpoint.node = state.node_names.intern(endpoint.node);
    endpoint.hints = state.hints.intern(endpoint.hints);
  }
  const ObjectName service{slice.name.ns, slice.service};
  auto& group = state.snapshot.slices[service];
  std::string name = slice.name.name;
  const auto stored = group.insert_or_assign(std::move(name), std::move(slice)).first;
  state.slices.insert(&stored->second);
  state.stale.insert(service);
}

void Planner::erase_slice(const ObjectName& name) {
  State& state = *state_;
  const auto known = state.slices.find(name);
  if (known == state.slices.end()) return;
  const auto group = state.snapshot.slices.find({name.ns, (*known)->service});
  state.stale.insert(group->first);
  state.slices.erase(known);
  group->second.erase(name.name);
  if (group->second.empty()) state.snapshot.slices.erase(group);
}

void Planner::set_node(Node node) {
  std::string name = node.name;
  state_->snapshot.nodes.insert_or_assign(std::move(name), std::move(node));
  state_->is_view_stale = true;
}

void Planner::erase_node(const std::string& name) {
  state_->snapshot.nodes.erase(name);
  state_->is_view_stale = true;
}

void Planner::set_host_ports(std::vector<PodHostPorts> pods) {
  State& state = *state_;
  HostPortPods fresh = by_name(std::move(pods));
  std::erase_if(state.pods, [&](const auto& known) {
    const auto& [name, pod] = known;
    const auto wanted = fresh.find(name);
    if (wanted != fresh.end() && wanted->second == pod) return false;
    state.remove_claims(name, pod);
    return true;
  });
  for (auto& [name, pod] : fresh) {
    const auto [stored, is_new] = state.pods.try_emplace(name, std::move(pod));
    if (is_new) state.add_claims(stored->first, stored->second);
  }
}

std::vector<ObjectName> Planner::update() {
  State& state = *state_;
  if (state.is_view_stale) state.refresh_view();
  std::vector<ObjectName> changed;
  for (auto& name : std::exchange(state.stale, {})) {
    if (state.replan(name)) changed.push_back(name);
  }
  if (std::exchange(state.are_problems_stale, false)) {
    state.plan.problems.clear();
    for (const auto& [name, found] : state.problems) {
      state.plan.problems.insert(state.plan.problems.end(), found.begin(), found.end());
    }
  }
  return changed;
}

const Plan& Planner::plan() const { return state_->plan; }
bool Planner::has_pending() const { return state_->is_view_stale || !state_->stale.empty(); }
const Snapshot& Planner::snapshot() const { return state_->snapshot; }
NoLocalEndpoints Planner::no_local_endpoints(Family family) const {
  return state_->no_local[index_of(family)];
}

}  // namespace fairlead
