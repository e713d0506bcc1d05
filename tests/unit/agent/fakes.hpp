// What the agent's tests put in the place of the cluster and of the kernel.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "agent/reconciler.hpp"
#include "dataplane/datapath.hpp"

namespace fairlead {

/// ns/NAME: one TCP port 80.
inline Service service(const std::string& name, const std::string& address) {
  Service made;
  made.name = {"ns", name};
  made.cluster_ips = {parse_ip(address).value()};
  made.ports = {{.name = "", .protocol = Protocol::kTcp, .port = Port{80}, .node_port = {}}};
  return made;
}

inline EndpointSlice slice_of(const std::string& name, std::initializer_list<std::string> addresses,
                              const std::string& node) {
  EndpointSlice slice;
  slice.name = {"ns", name + "-1"};
  slice.service = name;
  slice.ports = {{.name = "", .protocol = Protocol::kTcp, .port = Port{8080}}};
  for (const auto& address : addresses) {
    Endpoint endpoint;
    endpoint.address = parse_ip(address).value();
    endpoint.node = node;
    slice.endpoints.push_back(endpoint);
  }
  return slice;
}

inline std::map<ObjectName, ServicePlans> without_empty(
    std::map<ObjectName, ServicePlans> services) {
  std::erase_if(services, [](const auto& entry) { return entry.second.empty(); });
  return services;
}

/// A kernel in memory that fails as told.
class FakeDatapath : public Datapath {
 public:
  [[nodiscard]] std::string_view name() const override { return "fake"; }

  Result<bool> drain(const Plan&) override {
    calls.emplace_back("drain");
    if (must_fail()) return refusal();
    return drains_left == 0 || --drains_left == 0;
  }

  Result<SyncReport> resync(const Plan& plan) override {
    calls.emplace_back("resync");
    if (must_fail() || plan.services.contains(poison)) return refusal();
    kernel = without_empty(plan.services);
    return SyncReport{};
  }

  Result<SyncReport> apply(std::span<const ServiceChange> changes) override {
    std::string call = "apply";
    bool poisoned = false;
    for (const auto& change : changes) {
      call += ' ' + to_string(change.service);
      poisoned |= change.service == poison;
    }
    calls.push_back(call);
    if (must_fail() || poisoned) return refusal();
    for (const auto& change : changes) {
      kernel.erase(change.service);
      if (!change.want->empty()) kernel[change.service] = *change.want;
    }
    return SyncReport{.elements_added = changes.size(), .elements_removed = 0, .transactions = 1};
  }

  [[nodiscard]] int monitor_fd() const override { return monitor; }
  Result<bool> foreign_change() override { return false; }
  Result<> cleanup() override { return {}; }

  std::vector<std::string> calls;
  std::map<ObjectName, ServicePlans> kernel;
  unsigned drains_left = 0;  // until nothing is left
  unsigned fail_next = 0;    // so many calls fail
  ObjectName poison;         // whatever holds this Service fails
  int monitor = -1;

 private:
  bool must_fail() { return fail_next > 0 && fail_next-- > 0; }
  static tl::unexpected<Error> refusal() { return system_error(ENOSPC, "send transaction"); }
};

/// Does a job as the loop does.
inline Result<SyncReport> run(Datapath& datapath, const Plan& plan, const Job& job) {
  if (job.resync != ResyncReason::kNone) return datapath.resync(plan);
  static const ServicePlans kNothing;
  std::vector<ServiceChange> changes;
  for (const ObjectName& name : job.services) {
    const auto found = plan.services.find(name);
    changes.push_back(
        {.service = name, .want = found == plan.services.end() ? &kNothing : &found->second});
  }
  return datapath.apply(changes);
}

}  // namespace fairlead
