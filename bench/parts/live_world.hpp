// A world whose node has a real agent and a real control plane.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/cluster/api.hpp"
#include "bench/cluster/processes.hpp"
#include "bench/parts/part.hpp"
#include "bench/world/world.hpp"

namespace fairlead::bench {

struct LiveOptions {
  std::string datapath;
  std::uint32_t services = 1;  // the measured one, with ClusterIP and NodePort, among them
};

class LiveWorld {
 public:
  /// Objects are there, and no agent.
  static Result<std::unique_ptr<LiveWorld>> make(const BenchOptions& options,
                                                 const LiveOptions& live);

  ~LiveWorld();
  LiveWorld(const LiveWorld&) = delete;
  LiveWorld& operator=(const LiveWorld&) = delete;

  [[nodiscard]] const World& world() const { return *world_; }
  [[nodiscard]] const Agent& agent() const { return *agent_; }

  /// Kills the agent that there is. Returns when the new one is ready.
  Result<> start_agent(const std::string& datapath);
  /// Of the measured Service; port 8080 is served by all pods, no other is.
  Result<> set_endpoints(const std::vector<std::string>& pods, Port port);

 private:
  LiveWorld(const BenchOptions& options, LiveOptions live)
      : options_(options), live_(std::move(live)) {}
  [[nodiscard]] std::string scratch() const { return options_.scratch + "/" + name_; }
  Result<> build();
  Result<> make_objects();

  const BenchOptions& options_;
  LiveOptions live_;
  std::string name_;
  std::unique_ptr<World> world_;
  std::optional<ControlPlane> control_plane_;
  std::unique_ptr<Api> api_;
  std::optional<Agent> agent_;
};

}  // namespace fairlead::bench
