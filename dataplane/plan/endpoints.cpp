// EndpointSlices of one Service port -> the endpoints that may receive its traffic here.
//
//   collect   every address:port that the slices name for this port, once
//   topology  do hints narrow the ready ones down? all of them must carry hints, and one must name
//   this node or its zone cluster   ready and not narrowed out; if there is none: serving and
//   terminating, wherever local     ready on this node; if there is none: serving and terminating
//   on this node. Hints never apply.
#include "dataplane/plan/endpoints.hpp"

#include <algorithm>
#include <tuple>

namespace fairlead {
namespace {

struct Candidate {
  const Endpoint* endpoint;
  Port port;
  bool local;
  std::uint16_t weight;

  [[nodiscard]] bool is_ready() const { return endpoint->ready; }
  [[nodiscard]] bool is_fallback() const {
    return !endpoint->ready && endpoint->serving && endpoint->terminating;
  }
};

/// Slices may name an address twice, as when an endpoint moves between them. The local one counts,
/// then the ready one, then the one that still serves; else the one of the first slice.
bool comes_before(const Candidate& a, const Candidate& b) {
  const auto key = [](const Candidate& c) {
    return std::tuple(c.endpoint->address, c.port, !c.local, !c.endpoint->ready,
                      !c.endpoint->serving);
  };
  return key(a) < key(b);
}

bool is_same_target(const Candidate& a, const Candidate& b) {
  return a.port == b.port && a.endpoint->address == b.endpoint->address;
}

std::uint16_t weight_of(const Endpoint& endpoint, const std::vector<NodeWeight>& weights) {
  if (weights.empty()) return 1;
  const std::string& node = *endpoint.node;
  const auto found = std::ranges::lower_bound(weights, node, {}, &NodeWeight::node);
  return found != weights.end() && found->node == node ? found->weight : std::uint16_t{1};
}

std::vector<Candidate> collect(const ServicePortName& name, const Slices& slices,
                               const NodeView& view, const std::vector<NodeWeight>& weights) {
  std::vector<Candidate> candidates;
  for (const auto& [slice_name, slice] : slices) {
    if (slice.handled_elsewhere || slice.family != name.family) continue;
    for (const EndpointPort& port : slice.ports) {
      if (port.name != name.port || port.protocol != name.protocol) continue;
      for (const Endpoint& endpoint : slice.endpoints) {
        const bool local = !endpoint.node->empty() && *endpoint.node == view.node;
        candidates.push_back({&endpoint, port.port, local, weight_of(endpoint, weights)});
      }
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), comes_before);
  candidates.erase(std::unique(candidates.begin(), candidates.end(), is_same_target),
                   candidates.end());
  return candidates;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

using Hints = std::vector<std::string> EndpointHints::*;

/// Every ready endpoint carries such hints and at least one of them names `name`.
bool can_follow(const std::vector<Candidate>& candidates, Hints hints, const std::string& name) {
  if (name.empty()) return false;
  bool any_here = false;
  for (const Candidate& candidate : candidates) {
    if (!candidate.is_ready()) continue;
    const auto& names = candidate.endpoint->hints.get().*hints;
    if (names.empty()) return false;
    any_here = any_here || contains(names, name);
  }
  return any_here;
}

template <class Wanted>
std::vector<Backend> select(const std::vector<Candidate>& candidates, BackendState state,
                            Wanted wanted) {
  std::vector<Backend> backends;
  const auto count = std::count_if(candidates.begin(), candidates.end(), wanted);
  backends.reserve(static_cast<std::size_t>(count));
  for (const Candidate& c : candidates) {
    if (wanted(c)) backends.push_back({c.endpoint->address, c.port, c.local, state, c.weight});
  }
  return backends;
}

std::vector<Backend> choose_cluster(const std::vector<Candidate>& candidates,
                                    const NodeView& view) {
  const auto ready_with = [&](Hints hints, const std::string& name) {
    return select(candidates, BackendState::kActive, [&](const Candidate& c) {
      return c.is_ready() && contains(c.endpoint->hints.get().*hints, name);
    });
  };
  if (can_follow(candidates, &EndpointHints::nodes, view.node)) {
    return ready_with(&EndpointHints::nodes, view.node);
  }
  if (can_follow(candidates, &EndpointHints::zones, view.zone)) {
    return ready_with(&EndpointHints::zones, view.zone);
  }
  auto ready =
      select(candidates, BackendState::kActive, [](const Candidate& c) { return c.is_ready(); });
  if (!ready.empty()) return ready;
  return select(candidates, BackendState::kTerminating,
                [](const Candidate& c) { return c.is_fallback(); });
}

std::vector<Backend> choose_local(const std::vector<Candidate>& candidates) {
  auto ready = select(candidates, BackendState::kActive,
                      [](const Candidate& c) { return c.local && c.is_ready(); });
  if (!ready.empty()) return ready;
  return select(candidates, BackendState::kTerminating,
                [](const Candidate& c) { return c.local && c.is_fallback(); });
}

std::vector<Ip> collect_serving(const std::vector<Candidate>& candidates) {
  std::vector<Ip> serving;
  for (const Candidate& c : candidates) {
    // Ready without serving is publishNotReadyAddresses: it gets connections, so it keeps them.
    if (!c.endpoint->serving && !c.endpoint->ready) continue;
    if (serving.empty() || serving.back() != c.endpoint->address)
      serving.push_back(c.endpoint->address);
  }
  serving.shrink_to_fit();
  return serving;
}

}  // namespace

EndpointChoice choose_endpoints(const ServicePortName& name, const Slices* slices,
                                const NodeView& view, const std::vector<NodeWeight>& weights) {
  EndpointChoice choice;
  if (slices == nullptr) return choice;
  const auto candidates = collect(name, *slices, view, weights);
  choice.cluster = choose_cluster(candidates, view);
  choice.local = choose_local(candidates);
  choice.has_any = std::any_of(candidates.begin(), candidates.end(),
                               [](const Candidate& c) { return c.is_ready() || c.is_fallback(); });
  if (name.protocol == Protocol::kUdp) choice.serving = collect_serving(candidates);
  return choice;
}

}  // namespace fairlead
