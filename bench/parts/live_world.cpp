// A direct world -> control plane in its node -> objects -> agents as they are asked for.
#include "bench/parts/live_world.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "bench/cluster/objects.hpp"
#include "bench/world/plan.hpp"

namespace fairlead::bench {
namespace {

namespace json = boost::json;
constexpr const char* kNode = "node1";
constexpr const char* kName = "measured";
constexpr const char* kServiceCidr = "11.0.0.0/12";
constexpr std::size_t kAtOnce = 16, kEndpoints = 3;

json::value measured_object() {
  json::value service = service_object(kName);
  const MeasuredAddress at = measured_address();
  json::object& spec = service.as_object()["spec"].as_object();
  spec["type"] = "NodePort";
  spec["clusterIP"] = to_string(at.cluster_ip);
  spec["ports"].as_array()[0].as_object()["nodePort"] = at.node_port.host;
  return service;
}

}  // namespace

Result<std::unique_ptr<LiveWorld>> LiveWorld::make(const BenchOptions& options,
                                                   const LiveOptions& live) {
  std::unique_ptr<LiveWorld> made(new LiveWorld(options, live));
  TRY_VOID(made->build());
  return made;
}

LiveWorld::~LiveWorld() {
  agent_.reset();
  // What is pinned is the agent's alone: without its pins it is gone, and no later world finds it.
  std::error_code gone;
  std::filesystem::remove_all(options_.pins + "/" + name_, gone);
}

Result<> LiveWorld::build() {
  static unsigned number = 0;
  name_ = fmt::format("live-{}", number++);
  TRY(world_, World::make({.way = kDirect,
                           .ways = {},
                           .services = 1,
                           .endpoints = kEndpoints,
                           .underlay = Underlay::kSameNode,
                           .cpu = options_.cpu,
                           .pins = options_.pins + "/" + name_ + "/world",
                           .scratch = scratch() + "/world"}));
  TRY(control_plane_, ControlPlane::start(options_.self, world_->node(),
                                          scratch() + "/controlplane", kServiceCidr));
  return world_->node().run([this] { return make_objects(); });
}

Result<> LiveWorld::make_objects() {
  TRY(api_, Api::open(control_plane_->kubeconfig()));
  TRY_VOID(api_->create(kNodes, node_object(kNode, "198.18.0.1", "10.244.1.0/24")));
  std::vector<json::value> services{measured_object()},
      slices{slice_object(kName, world_->pods(), kNode)};
  for (std::uint32_t i = 1; i < live_.services; ++i) {
    const std::string name = fmt::format("bench-{}", i);
    services.push_back(service_object(name));
    std::vector<std::string> pods;
    for (std::uint32_t j = 0; j < kEndpoints; ++j)
      pods.push_back(fmt::format("10.200.{}.{}", (i * kEndpoints + j) / 250 % 250,
                                 1 + (i * kEndpoints + j) % 250));
    slices.push_back(slice_object(name, pods, "another-node"));
  }
  TRY_VOID(api_->create_all(kServices, std::move(services), kAtOnce));
  return api_->create_all(kSlices, std::move(slices), kAtOnce);
}

Result<> LiveWorld::start_agent(const std::string& datapath) {
  agent_.reset();
  TRY(agent_, Agent::start({.self = options_.self,
                            .node_name = kNode,
                            .kubeconfig = control_plane_->kubeconfig(),
                            .datapath = datapath,
                            .cluster_cidr = "10.244.0.0/16",
                            .service_cidr = kServiceCidr,
                            .directory = scratch() + "/agent",
                            .pins = options_.pins + "/" + name_ + "/agent",
                            .cgroup = world_->cgroup()},
                           world_->node()));
  return {};
}

Result<> LiveWorld::set_endpoints(const std::vector<std::string>& pods, Port port) {
  const json::value slice = slice_object(kName, pods, kNode);
  json::value patch = {
      {"endpoints", slice.at("endpoints")},
      {"ports", json::array{{{"name", "http"}, {"port", port.host}, {"protocol", "TCP"}}}}};
  return world_->node().run(
      [&] { return api_->merge(std::string(kSlices) + "/measured-1", std::move(patch)); });
}

}  // namespace fairlead::bench
