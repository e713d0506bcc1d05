// A cluster of one or two nodes in network namespaces, with one way to its Services.
//
//     ext 198.18.0.250 ─── 198.18.0.1 node1 198.18.1.1 ─── 198.18.1.2 node2
//                                 ├── client 10.244.1.2, in a cgroup of its own     │
//                                 └── pod    10.244.1.11 to .13        pod 10.244.2.11 to .13
//
// The Services are node1's. Their backends are the pods of one node: node1, or node2 by a plain
// route or by VXLAN. Answers take the same links back in all ways, so that what differs is the way
// alone. Client and server share one CPU: a rate is what the whole way costs, and not how the
// scheduler placed them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/load.hpp"
#include "bench/ways/way.hpp"
#include "bench/world/namespace.hpp"

namespace fairlead::bench {

enum class Underlay : std::uint8_t { kSameNode, kRouted, kVxlan };
std::string_view to_string(Underlay underlay);  // "same node", "routed", "VXLAN"

/// Who connects, and what to. kHairpin: the backend itself.
enum class Client : std::uint8_t { kPod, kExternal, kHairpin };
enum class Target : std::uint8_t { kClusterIp, kNodePort, kLoadBalancer };

struct WorldOptions {
  std::string way;
  WaysOptions ways;
  std::uint32_t services = 1, endpoints = 3;  // the measured one among them, which has three
  Underlay underlay = Underlay::kSameNode;
  unsigned cpu = 0;     // where client and server run
  std::string pins;     // a directory of its own on a bpffs
  std::string scratch;  // a directory of its own
};

/// What one sample took.
struct Sample {
  LoadResult load;
  /// Of the CPU where client and server run, whoever was interrupted for it; part of their CPU time
  /// where it ran on top of them. The kernel counts it by ticks, of 1 to 10 ms.
  double softirq_seconds = 0;
};

class World {
 public:
  static Result<std::unique_ptr<World>> make(const WorldOptions& options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// `load` says what and how long; where to is the target's, or the pod's own address where the
  /// way is direct.
  Result<Sample> measure(Client client, Target target, LoadOptions load) const;
  /// Begins what measure() does, to the target itself whatever the way is; load_result_from_json()
  /// reads its output.
  Result<Child> begin(Client client, Target target, LoadOptions load) const;

  /// The pods that serve.
  [[nodiscard]] const std::vector<std::string>& pods() const { return pods_; }
  [[nodiscard]] const std::string& way() const { return options_.way; }
  [[nodiscard]] const Cost& installing() const { return installing_; }
  [[nodiscard]] const Namespace& node() const { return *namespaces_.at("node1"); }
  [[nodiscard]] const Namespace& of(const std::string& name) const { return *namespaces_.at(name); }
  [[nodiscard]] const std::string& cgroup() const { return cgroup_; }

 private:
  explicit World(WorldOptions options) : options_(std::move(options)) {}
  Result<> build();
  Result<> add(const std::string& name);
  Result<> connect_nodes();
  Result<> connect_pod(const std::string& node, const std::string& pod, const std::string& gateway,
                       const std::vector<std::string>& addresses);
  Result<> program();
  Result<> serve_pods();
  Result<Child> start_load(Client client, LoadOptions load) const;

  WorldOptions options_;
  std::string cgroup_;
  std::map<std::string, std::unique_ptr<Namespace>> namespaces_;
  std::unique_ptr<Way> way_;
  Plan plan_;
  Cost installing_;
  std::vector<std::string> pods_;
  std::optional<Child> server_;
};

}  // namespace fairlead::bench
