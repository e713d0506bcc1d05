// frontend -> the backends that it led to -> those of them that nobody serves any more
#include "dataplane/ebpf/former_backends.hpp"

#include <algorithm>

#include "dataplane/ebpf/compile.hpp"

namespace fairlead::ebpf {
namespace {

bool is_served(const fl_dead_key& backend, const std::vector<Ip>& serving) {
  return std::ranges::binary_search(serving, ip_of(backend.address));
}

void sort_unique(std::vector<fl_dead_key>& backends) {
  std::ranges::sort(backends, ByBytes<fl_dead_key>{});
  backends.erase(std::unique(backends.begin(), backends.end(), EqualBytes<fl_dead_key>{}),
                 backends.end());
}

}  // namespace

FormerBackends::FormerBackends(std::vector<Backend> backends) : backends_(std::move(backends)) {
  std::ranges::sort(backends_, {}, &Backend::first);
}

void FormerBackends::append_unserved(const UdpServing& serving, Effects& effects) const {
  for (const auto& [target, backend] : backends_) {
    const auto now = serving.targets.find(target);
    if (now == serving.targets.end())
      effects.targets.try_emplace(target);
    else if (is_served(backend, now->second))
      continue;
    if (!serving.is_backend(backend)) effects.dead.push_back(backend);
  }
  sort_unique(effects.dead);
}

void FormerBackends::append_unserved_of(
    const FlowTargets& changed, const std::function<bool(const fl_dead_key& backend)>& is_backend,
    std::vector<fl_dead_key>& dead) const {
  for (const auto& [target, serving] : changed)
    for (const auto& [led_from, backend] :
         std::ranges::equal_range(backends_, target, {}, &Backend::first))
      if (!is_served(backend, serving) && !is_backend(backend)) dead.push_back(backend);
  sort_unique(dead);
}

}  // namespace fairlead::ebpf
