// The plan kept current. Events say what changed in the cluster; update() replans the Services that
// they touch and no other, so that one changed endpoint costs the same at ten Services as at ten
// thousand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/plan/plan.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead {

/// Services that one family's traffic cannot reach from here, because their policy is Local and no
/// endpoint is on this node (kubeproxy_sync_proxy_rules_no_local_endpoints_total).
struct NoLocalEndpoints {
  std::size_t internal = 0;
  std::size_t external = 0;
  bool operator==(const NoLocalEndpoints&) const = default;
};

/// Owns the Snapshot and its Plan. plan() always equals plan(snapshot(), options, pods) of
/// dataplane/plan/plan.hpp once update() has run, whatever the order of the events. One thread.
class Planner {
 public:
  explicit Planner(PlanOptions options);
  ~Planner();
  Planner(Planner&&) noexcept;
  Planner& operator=(Planner&&) noexcept;

  /// Other options replan everything.
  void set_options(PlanOptions options);
  [[nodiscard]] const PlanOptions& options() const;

  // Adding and changing are one: what was known under the name is replaced. Erasing what is unknown
  // does nothing.
  void set_service(Service service);
  void erase_service(const ObjectName& name);
  /// A slice may change the Service that it names.
  void set_slice(EndpointSlice slice);
  void erase_slice(const ObjectName& name);
  /// Replans everything if what plans depend on changed: zone, addresses, pod ranges.
  void set_node(Node node);
  void erase_node(const std::string& name);

  /// All pods of this node that have host ports; those that are not named have none any more. Only
  /// those that differ from what was known are replanned, under host_ports_name().
  void set_host_ports(std::vector<PodHostPorts> pods);

  /// Replans what the events since the last call touched, Services whose conflicts over an address
  /// changed with them included. The Services whose plan differs now, sorted; also those that have
  /// none any more.
  std::vector<ObjectName> update();

  /// As of the last update(). Valid until the next one.
  [[nodiscard]] const Plan& plan() const;
  /// True if update() has something to do.
  [[nodiscard]] bool has_pending() const;
  /// Including events that update() has not seen yet.
  [[nodiscard]] const Snapshot& snapshot() const;
  /// As of the last update().
  [[nodiscard]] NoLocalEndpoints no_local_endpoints(Family family) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fairlead
