// Which backends the UDP frontends of another generation led to; it changes no more.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "bpf/abi/sockets.h"
#include "dataplane/ebpf/services.hpp"
#include "dataplane/kernel/flow_cleaner.hpp"

namespace fairlead::ebpf {

class FormerBackends {
 public:
  using Backend = std::pair<FlowTarget, fl_dead_key>;

  FormerBackends() = default;
  explicit FormerBackends(std::vector<Backend> backends);

  /// Adds what nobody serves any more: backends, and frontends that are none. Looks at all.
  void append_unserved(const UdpServing& serving, Effects& effects) const;
  /// After a change of some frontends, with who serves them now: looks at these alone.
  void append_unserved_of(const FlowTargets& changed,
                          const std::function<bool(const fl_dead_key& backend)>& is_backend,
                          std::vector<fl_dead_key>& dead) const;

 private:
  std::vector<Backend> backends_;  // sorted by frontend
};

}  // namespace fairlead::ebpf
