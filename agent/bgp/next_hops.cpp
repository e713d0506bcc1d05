// via -> the kernel's route to it -> gateways -> those whose neighbour entry did not fail
//
// Who failed counts as silent until the kernel has an answer of it: between two questions its entry
// says nothing, and a route that came back for that long would lose packets.
#include "agent/bgp/next_hops.hpp"

#include <net/if.h>

#include <algorithm>
#include <utility>

namespace fairlead::bgp {
namespace {

bool has(const std::vector<RouteHop>& sorted, const RouteHop& hop) {
  return std::ranges::binary_search(sorted, hop);
}

}  // namespace

const std::vector<RouteHop>& NextHops::hops_of(const control::Via& via) const {
  static const std::vector<RouteHop> kNone;
  const auto found = known_.find(via);
  return found == known_.end() ? kNone : found->second.usable;
}

Result<NextHops::Kernel> NextHops::read(NetlinkSocket& socket) {
  Kernel kernel;
  TRY(kernel.neighbours, read_neighbour_answers(socket));
  TRY(kernel.links, read_working_links(socket));
  return kernel;
}

/// True: what is usable of it changed.
Result<bool> NextHops::judge(NetlinkSocket& socket, const Kernel& kernel, const control::Via& via,
                             State& state) {
  if (via.interface.empty()) {
    TRY(state.found, find_hops(socket, via.address));
  } else {
    const int link = static_cast<int>(::if_nametoindex(via.interface.c_str()));
    state.found.clear();
    if (std::ranges::binary_search(kernel.links, link)) state.found.push_back({via.address, link});
  }
  std::set<RouteHop> silent;
  std::vector<RouteHop> usable;
  for (const RouteHop& hop : state.found) {
    links_.insert(hop.device);
    const bool failed = has(kernel.neighbours.no, hop) ||
                        (state.silent.contains(hop) && !has(kernel.neighbours.yes, hop));
    if (failed)
      silent.insert(hop);
    else
      usable.push_back(hop);
  }
  state.silent = std::move(silent);
  const bool changed = usable != state.usable;
  state.usable = std::move(usable);
  if (const bool reachable = !state.usable.empty(); reachable != state.told_reachable) {
    state.told_reachable = reachable;
    news_.push_back({via.address, reachable});
  }
  return changed;
}

Result<> NextHops::add(NetlinkSocket& socket, const std::set<control::Via>& vias) {
  std::set<control::Via> fresh;
  for (const control::Via& via : vias)
    if (!known_.contains(via)) fresh.insert(via);
  if (fresh.empty()) return {};
  TRY(const Kernel kernel, read(socket));
  for (const control::Via& via : fresh) TRY_VOID(judge(socket, kernel, via, known_[via]));
  return {};
}

Result<std::set<control::Via>> NextHops::look(NetlinkSocket& socket,
                                              const std::set<control::Via>& in_use) {
  std::set<control::Via> changed;
  std::erase_if(known_, [&](const auto& entry) {
    return entry.second.told_reachable && !in_use.contains(entry.first);
  });
  for (const control::Via& via : in_use) known_.try_emplace(via);
  if (known_.empty()) return changed;
  TRY(const Kernel kernel, read(socket));
  RouteBatch questions;
  for (auto& [via, state] : known_) {
    TRY(const bool differs, judge(socket, kernel, via, state));
    if (differs) changed.insert(via);
    for (const RouteHop& hop : state.silent) questions.probe_neighbour(hop.device, hop.via);
  }
  // A question that the kernel refuses is put again with the next look.
  TRY_VOID(questions.commit_each(socket));
  return changed;
}

void NextHops::tell_again() {
  news_.clear();
  for (auto& [via, state] : known_)
    if (!state.told_reachable) news_.push_back({via.address, false});
}

bool NextHops::any_unreachable() const {
  return std::ranges::any_of(known_, [](const auto& entry) {
    return !entry.second.told_reachable || !entry.second.silent.empty();
  });
}

}  // namespace fairlead::bgp
