// What it costs to connect a pod and to disconnect it: ADD and DEL of CNI plugins, as a runtime
// calls them, one after the other and four at once.
//
//   plugins that are installed -> a node's namespace for each -> rounds: new pods' namespaces ->
//   ADD, DEL of each; then of four at a time
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "bench/parts/collector.hpp"
#include "bench/parts/part.hpp"
#include "bench/world/namespace.hpp"

namespace fairlead::bench {
namespace {

constexpr std::size_t kPods = 24, kQuickPods = 12, kAtOnce = 4;
constexpr unsigned kLeastRounds = 5;
constexpr std::array kDirectories{"/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"};
using Clock = std::chrono::steady_clock;

struct Plugin {
  const char* way;
  const char* type;     // the executable
  const char* options;  // of its configuration
};
constexpr std::array kPlugins{
    Plugin{"bridge", "bridge", R"("bridge":"cni0","isGateway":true)"},
    Plugin{"bridge, masquerade", "bridge", R"("bridge":"cni0","isGateway":true,"ipMasq":true)"},
    Plugin{"ptp", "ptp", R"("mtu":1450)"}};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string directory_of(const std::string& type) {
  for (const char* directory : kDirectories)
    if (::access((std::string(directory) + "/" + type).c_str(), X_OK) == 0) return directory;
  return {};
}

/// A plugin in a node's namespace of its own, with a range for 60,000 pods.
class PluggedNode {
 public:
  static Result<PluggedNode> make(const Plugin& plugin, const std::string& scratch) {
    const std::string directory = directory_of(plugin.type);
    if (directory.empty() || directory_of("host-local").empty())
      return invalid(fmt::format("there is no {} and host-local in {}", plugin.type,
                                 fmt::join(kDirectories, ", ")));
    TRY(Namespace node, Namespace::create());
    TRY_VOID(node.set("net.ipv4.ip_forward", "1"));
    return PluggedNode(plugin, std::move(node), directory, scratch);
  }

  [[nodiscard]] Command command(const char* verb, const std::string& container,
                                const Namespace& pod) const {
    return {
        .words = {directory_ + "/" + plugin_.type},
        .input = fmt::format(
            R"({{"cniVersion":"1.0.0","name":"bench","type":"{}",{},"ipam":{{"type":"host-local",)"
            R"("dataDir":"{}/ipam","ranges":[[{{"subnet":"10.200.0.0/16"}}]],)"
            R"("routes":[{{"dst":"0.0.0.0/0"}}]}}}})",
            plugin_.type, plugin_.options, scratch_),
        .environment = {std::string("CNI_COMMAND=") + verb, "CNI_CONTAINERID=" + container,
                        "CNI_NETNS=" + pod.path(), "CNI_IFNAME=eth0", "CNI_PATH=" + directory_,
                        "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}};
  }
  [[nodiscard]] ChildSetting setting() const {
    return {.network_namespace = node_.fd(), .cgroup = {}, .cpu = {}, .hurries = false};
  }
  [[nodiscard]] const char* way() const { return plugin_.way; }

 private:
  PluggedNode(const Plugin& plugin, Namespace node, std::string directory,
              const std::string& scratch)
      : plugin_(plugin),
        node_(std::move(node)),
        directory_(std::move(directory)),
        scratch_(scratch + "/" + plugin.way) {}

  Plugin plugin_;
  Namespace node_;
  std::string directory_, scratch_;
};

class Cni {
 public:
  Cni(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  Result<Results> measure() {
    for (const Plugin& plugin : kPlugins) {
      auto node = PluggedNode::make(plugin, options_.scratch);
      if (node)
        nodes_.push_back(*std::move(node));
      else
        collector_.cannot({"cni", plugin.way, node.error().doing});
    }
    collector_.cannot({"cni", "fairlead-cni", "Fairlead has no CNI plugin yet"});
    const unsigned rounds = std::max(kLeastRounds, options_.rounds / 3);
    for (unsigned round = 0; round < rounds; ++round)
      std::erase_if(nodes_, [&](const PluggedNode& node) {
        progress_(fmt::format("cni: {}: round {} of {}", node.way(), round + 1, rounds));
        const auto done = measure(node, round);
        if (!done) collector_.cannot({"cni", node.way(), done.error().doing});
        return !done;
      });
    return collector_.take();
  }

 private:
  Result<> measure(const PluggedNode& node, unsigned round) {
    std::vector<Namespace> pods;
    for (std::size_t i = 0; i < (options_.quick ? kQuickPods : kPods); ++i) {
      TRY(Namespace pod, Namespace::create());
      pods.push_back(std::move(pod));
    }
    for (const char* verb : {"ADD", "DEL"}) TRY_VOID(one_by_one(node, verb, round, pods));
    for (const char* verb : {"ADD", "DEL"}) TRY_VOID(at_once(node, verb, round, pods));
    return {};
  }

  static std::string container(unsigned round, std::size_t pod) {
    return fmt::format("bench-{}-{}", round, pod);
  }

  Result<> one_by_one(const PluggedNode& node, const char* verb, unsigned round,
                      const std::vector<Namespace>& pods) {
    std::vector<double> times;
    double cpu = 0;
    for (std::size_t i = 0; i < pods.size(); ++i) {
      const Command command = node.command(verb, container(round, i), pods[i]);
      const auto start = Clock::now();
      TRY(Child child, start_command(node.setting(), command));
      TRY_VOID(child.output());
      times.push_back(seconds_since(start) * 1e3);
      cpu += child.cpu_seconds() * 1e3;
    }
    std::ranges::sort(times);
    add(verb, "time p50", "ms", Better::kLess, node, times[times.size() / 2]);
    add(verb, "time, longest", "ms", Better::kLess, node, times.back());
    add(verb, "CPU", "ms", Better::kLess, node, cpu / static_cast<double>(times.size()));
    return {};
  }

  Result<> at_once(const PluggedNode& node, const char* verb, unsigned round,
                   const std::vector<Namespace>& pods) {
    const auto start = Clock::now();
    for (std::size_t first = 0; first < pods.size(); first += kAtOnce) {
      std::vector<Child> children;
      for (std::size_t i = first; i < std::min(first + kAtOnce, pods.size()); ++i) {
        TRY(Child child,
            start_command(node.setting(), node.command(verb, container(round, i), pods[i])));
        children.push_back(std::move(child));
      }
      for (Child& child : children) TRY_VOID(child.output());
    }
    add(verb, fmt::format("{} at once", kAtOnce), "1/s", Better::kMore, node,
        static_cast<double>(pods.size()) / seconds_since(start));
    return {};
  }

  void add(const char* verb, std::string figure, const char* unit, Better better,
           const PluggedNode& node, double value) {
    collector_.add({"cni", verb, "", std::move(figure), unit, better, 0, 0}, node.way(), value);
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
  std::vector<PluggedNode> nodes_;
};

}  // namespace

Result<Results> measure_cni(const BenchOptions& options, const Progress& progress) {
  return Cni(options, progress).measure();
}

}  // namespace fairlead::bench
