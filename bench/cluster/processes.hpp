// Fairlead's own processes in a namespace of a bench: the control plane and the agent.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "bench/world/child.hpp"
#include "bench/world/namespace.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// Asks again and again until it is so; an error after `limit`, with `what`.
Result<> wait_until(const std::function<bool()>& holds, const std::string& what,
                    std::chrono::seconds limit = std::chrono::seconds(60));

class ControlPlane {
 public:
  /// On 127.0.0.1:6443 of the namespace, with its data in a new directory `data`; it answers.
  static Result<ControlPlane> start(const std::string& self, const Namespace& where,
                                    const std::string& data, const std::string& service_cidr);
  [[nodiscard]] const std::string& kubeconfig() const { return kubeconfig_; }
  [[nodiscard]] int pid() const { return process_.pid(); }

 private:
  ControlPlane(Child process, std::string kubeconfig)
      : process_(std::move(process)), kubeconfig_(std::move(kubeconfig)) {}
  Child process_;
  std::string kubeconfig_;
};

struct AgentSetting {
  std::string self, node_name, kubeconfig, datapath;
  std::string cluster_cidr, service_cidr;
  std::string directory;  // of its files
  std::string pins, cgroup;
  std::string more = {};  // lines of YAML for its configuration
};

class Agent {
 public:
  /// Its kernel state is complete when this returns.
  static Result<Agent> start(const AgentSetting& setting, const Namespace& where);
  [[nodiscard]] int pid() const { return process_.pid(); }
  /// As a restart of its pod: by SIGKILL.
  void kill() { process_ = {}; }

 private:
  explicit Agent(Child process) : process_(std::move(process)) {}
  Child process_;
};

/// A field of /proc/PID/status that is given in kB, in MiB.
double status_mib_of(int pid, const std::string& field);
/// User and system time so far.
double cpu_seconds_of(int pid);

}  // namespace fairlead::bench
