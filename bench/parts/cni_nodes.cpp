// way -> namespace, processes, configuration.
#include "bench/parts/cni_nodes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>

#include "bench/cluster/api.hpp"
#include "bench/cluster/objects.hpp"
#include "bench/cluster/processes.hpp"
#include "bench/world/cgroup.hpp"

namespace fairlead::bench {
namespace {

constexpr std::array kDirectories{"/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"};
constexpr const char* kPods = "10.200.0.0/16";
constexpr const char* kServiceRange = "10.96.0.0/16";
constexpr const char* kNodeName = "bench-cni";

struct Parts {
  std::string way;
  Namespace node;
  std::vector<std::string> words;
  std::string config;
};

class Plain : public PluginNode {
 public:
  explicit Plain(Parts parts) : parts_(std::move(parts)) {}
  [[nodiscard]] const std::string& way() const override { return parts_.way; }
  [[nodiscard]] const Namespace& node() const override { return parts_.node; }
  [[nodiscard]] const std::vector<std::string>& words() const override { return parts_.words; }
  [[nodiscard]] const std::string& config() const override { return parts_.config; }

 private:
  Parts parts_;
};

class WithAgent final : public Plain {
 public:
  WithAgent(Parts parts, std::string cgroup, ControlPlane controlplane, Agent agent)
      : Plain(std::move(parts)),
        cgroup_(std::move(cgroup)),
        controlplane_(std::move(controlplane)),
        agent_(std::move(agent)) {}
  ~WithAgent() override { ::rmdir(cgroup_.c_str()); }

 private:
  std::string cgroup_;
  ControlPlane controlplane_;
  Agent agent_;
};

Result<Namespace> make_node() {
  TRY(Namespace node, Namespace::create());
  TRY_VOID(node.set("net.ipv4.ip_forward", "1"));
  return node;
}

std::string directory_of(const std::string& type) {
  for (const char* directory : kDirectories)
    if (::access((std::string(directory) + "/" + type).c_str(), X_OK) == 0) return directory;
  return {};
}

std::string own_directory(const BenchOptions& options) {
  return std::filesystem::path(options.self).parent_path();
}

/// A plugin of containernetworking's, with host-local.
Result<std::unique_ptr<PluginNode>> make_reference(const BenchOptions& options,
                                                   const std::string& way, const std::string& type,
                                                   const std::string& more) {
  const std::string directory = directory_of(type);
  if (directory.empty() || directory_of("host-local").empty())
    return invalid(
        fmt::format("there is no {} and host-local in {}", type, fmt::join(kDirectories, ", ")));
  TRY(Namespace node, make_node());
  const std::string config = fmt::format(
      R"({{"cniVersion":"1.0.0","name":"bench","type":"{}",{},"ipam":{{"type":"host-local",)"
      R"("dataDir":"{}/{}/ipam","ranges":[[{{"subnet":"{}"}}]],"routes":[{{"dst":"0.0.0.0/0"}}]}}}})",
      type, more, options.scratch, way, kPods);
  return std::make_unique<Plain>(Parts{way, std::move(node), {directory + "/" + type}, config});
}

Result<std::unique_ptr<PluginNode>> make_floor(const BenchOptions& options,
                                               const std::string& way) {
  const std::string program = own_directory(options) + "/bench/cni_floor";
  const std::string directory = options.scratch + "/cni_floor";
  if (::access(program.c_str(), X_OK) != 0) return invalid("there is no " + program);
  std::filesystem::create_directories(directory);
  TRY(Namespace node, make_node());
  return std::make_unique<Plain>(Parts{way, std::move(node), {program, directory}, ""});
}

Result<> create_nodes(const std::string& kubeconfig, const std::vector<NodeOfCluster>& nodes) {
  TRY(const auto api, Api::open(kubeconfig));
  for (const NodeOfCluster& node : nodes)
    TRY_VOID(api->create(kNodes, node_object(node.name, node.address, node.pods)));
  return {};
}

Result<std::unique_ptr<PluginNode>> make_own(const BenchOptions& options, const std::string& way,
                                             const std::string& datapath) {
  TRY(Namespace node, make_node());
  TRY_VOID(node.ip("address add 198.18.0.1/32 dev lo"));
  return make_own_node(options, std::move(node),
                       {.way = way,
                        .datapath = datapath,
                        .name = kNodeName,
                        .directory = "cni-" + datapath,
                        .mode = "routes",
                        .more = {},
                        .nodes = {{kNodeName, "198.18.0.1", kPods}}});
}

template <class... Arguments>
PluginWay way_of(const char* name,
                 Result<std::unique_ptr<PluginNode>> (*make)(const BenchOptions&,
                                                             const std::string&, Arguments...),
                 const char* first = nullptr, const char* second = nullptr) {
  return {name, [=](const BenchOptions& options) {
            if constexpr (sizeof...(Arguments) == 0)
              return make(options, name);
            else if constexpr (sizeof...(Arguments) == 1)
              return make(options, name, first);
            else
              return make(options, name, first, second);
          }};
}

}  // namespace

Result<std::unique_ptr<PluginNode>> make_own_node(const BenchOptions& options, Namespace node,
                                                  const OwnNode& own) {
  const std::string directory = options.scratch + "/" + own.directory;
  const std::string program = own_directory(options) + "/fairlead-cni";
  if (::access(program.c_str(), X_OK) != 0) return invalid("there is no " + program);
  TRY(auto controlplane,
      ControlPlane::start(options.self, node, directory + "/controlplane", kServiceRange));
  TRY_VOID(node.run([&] { return create_nodes(controlplane.kubeconfig(), own.nodes); }));
  TRY(const std::string cgroup, make_cgroup());
  TRY(auto agent, Agent::start({.self = options.self,
                                .node_name = own.name,
                                .kubeconfig = controlplane.kubeconfig(),
                                .datapath = own.datapath,
                                .cluster_cidr = kPods,
                                .service_cidr = kServiceRange,
                                .directory = directory,
                                .pins = options.pins + "/" + own.directory,
                                .cgroup = cgroup,
                                .more = fmt::format("podNetwork:\n  mode: {}\n"
                                                    "  cniConfDirectory: {}/cni\n{}",
                                                    own.mode, directory, own.more)},
                               node));
  TRY_VOID(
      wait_until([&] { return std::filesystem::exists(directory + "/cni/05-fairlead.conflist"); },
                 "the agent offers its plugin"));
  std::string config = fmt::format(
      R"({{"cniVersion":"1.0.0","name":"bench","type":"fairlead-cni","runtimeDirectory":"{}/run",)"
      R"("stateDirectory":"{}/state"}})",
      directory, directory);
  return std::make_unique<WithAgent>(Parts{own.way, std::move(node), {program}, std::move(config)},
                                     cgroup, std::move(controlplane), std::move(agent));
}

std::vector<PluginWay> plugin_ways() {
  return {way_of("this machine", make_floor),
          way_of("fairlead-cni, nftables", make_own, "nftables"),
          way_of("fairlead-cni, ebpf", make_own, "ebpf"),
          way_of("bridge", make_reference, "bridge", R"("bridge":"cni0","isGateway":true)"),
          way_of("bridge, masquerade", make_reference, "bridge",
                 R"("bridge":"cni0","isGateway":true,"ipMasq":true)"),
          way_of("ptp", make_reference, "ptp", R"("mtu":1450)")};
}

}  // namespace fairlead::bench
