// Is this agent's work done, and may load balancers use this node? kube-proxy's /healthz, /livez
// and /readyz, to the letter.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/reconciler.hpp"
#include "model/object.hpp"

namespace fairlead {

/// What a probe is answered: 200 or 503, and kube-proxy's JSON.
struct HealthAnswer {
  bool ok = false;
  std::string body;
};

/// Both clocks at one moment: the steady one measures, the other one is shown.
struct Now {
  SteadyTime steady;
  Time wall;
};

class Health {
 public:
  /// A change that waits for longer than `stuck_after` is stuck (kube-proxy: 2 * syncPeriod).
  Health(const Reconciler& reconciler, std::chrono::milliseconds stuck_after)
      : reconciler_(reconciler), stuck_after_(stuck_after) {}

  /// This node's own Node; nullptr: there is none.
  void set_node(const Node* node);
  void sync_succeeded(Now now) { last_sync_ = now.wall; }

  /// Nothing is stuck. Before anything was listed that is so: an API server out of reach must not
  /// get the agent killed.
  [[nodiscard]] bool is_live(Now now) const;
  /// Load balancers may send new connections: the Node is neither going away nor about to be
  /// removed by the autoscaler.
  [[nodiscard]] bool is_node_eligible() const { return node_known_ && node_eligible_; }

  [[nodiscard]] HealthAnswer healthz(Now now) const;  // live and eligible
  [[nodiscard]] HealthAnswer livez(Now now) const;    // live
  [[nodiscard]] HealthAnswer readyz(
      Now now) const;  // the kernel has held a whole plan, and nothing is stuck

 private:
  [[nodiscard]] HealthAnswer answer(bool ok, bool with_node, Now now) const;

  const Reconciler& reconciler_;
  std::chrono::milliseconds stuck_after_;
  bool node_known_ = false;
  bool node_eligible_ = false;
  std::optional<Time> last_sync_;
};

}  // namespace fairlead
