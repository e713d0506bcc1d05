// Namespaces -> links and routes -> the way's Services -> a server in the pods -> samples.
#include "bench/world/world.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "bench/world/cgroup.hpp"
#include "bench/world/load_children.hpp"
#include "bench/world/plan.hpp"

namespace fairlead::bench {
namespace {

constexpr Port kPodPort{8080};
constexpr const char* kNode1 = "198.18.0.1";
constexpr const char* kLocalGateway = "10.244.1.1";
constexpr const char* kRemoteGateway = "10.244.2.1";

std::vector<std::string> pods_of(Underlay underlay) {
  const std::string network = underlay == Underlay::kSameNode ? "10.244.1" : "10.244.2";
  return {network + ".11", network + ".12", network + ".13"};
}

/// Since the start of the machine: the seventh figure of the CPU's line in /proc/stat.
double softirq_seconds(unsigned cpu) {
  std::ifstream lines("/proc/stat");
  const std::string name = fmt::format("cpu{} ", cpu);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream fields(line.substr(name.size()));
    double ticks = 0;
    for (int i = 0; i < 7; ++i) fields >> ticks;
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  return 0;
}

}  // namespace

std::string_view to_string(Underlay underlay) {
  switch (underlay) {
    case Underlay::kSameNode:
      return "same node";
    case Underlay::kRouted:
      return "routed";
    case Underlay::kVxlan:
      return "VXLAN";
  }
  return "";
}

Result<std::unique_ptr<World>> World::make(const WorldOptions& options) {
  std::unique_ptr<World> world(new World(options));
  if (const auto built = world->build(); !built)
    return prefix("world of " + options.way, built.error());
  return world;
}

World::~World() {
  server_.reset();
  // What a way leaves outside of its namespace goes here; an error leaves it to the end of the
  // process, whose mounts they are in.
  if (way_ && installing_.seconds > 0) (void)node().run([this] { return way_->remove(); });
  if (!cgroup_.empty()) ::rmdir(cgroup_.c_str());
}

Result<> World::build() {
  TRY(cgroup_, make_cgroup());
  pods_ = pods_of(options_.underlay);
  for (const char* name : {"ext", "node1", "client", "pod"}) TRY_VOID(add(name));
  TRY_VOID(connect_nodes());
  TRY_VOID(connect_pod("node1", "client", kLocalGateway, {"10.244.1.2"}));
  const bool is_remote = options_.underlay != Underlay::kSameNode;
  TRY_VOID(connect_pod(is_remote ? "node2" : "node1", "pod",
                       is_remote ? kRemoteGateway : kLocalGateway, pods_));
  TRY_VOID(program());
  return serve_pods();
}

Result<> World::add(const std::string& name) {
  TRY(Namespace made, Namespace::create());
  const auto& one = namespaces_[name] = std::make_unique<Namespace>(std::move(made));
  // A finished connection's port is free at once: else samples would differ by how many rest in
  // TIME_WAIT.
  TRY_VOID(one->set("net.ipv4.tcp_max_tw_buckets", "0"));
  TRY_VOID(one->set("net.ipv4.ip_local_port_range", "32768 65535"));
  return name.starts_with("node") ? one->set("net.ipv4.ip_forward", "1") : Result<>{};
}

Result<> World::connect_nodes() {
  const Namespace &ext = of("ext"), &node1 = of("node1");
  TRY_VOID(node1.ip("link add ext type veth peer name eth0 netns " + ext.path() +
                    "\naddress add 198.18.0.1/24 dev ext\nlink set ext up"));
  TRY_VOID(
      ext.ip("address add 198.18.0.250/24 dev eth0\nlink set eth0 up\n"
             "route add 10.244.0.0/16 via 198.18.0.1\nroute add 203.0.113.0/24 via 198.18.0.1"));
  if (options_.underlay == Underlay::kSameNode) return {};
  TRY_VOID(add("node2"));
  const Namespace& node2 = of("node2");
  TRY_VOID(node1.ip("link add wire type veth peer name wire netns " + node2.path() +
                    "\naddress add 198.18.1.1/24 dev wire\nlink set wire up"));
  TRY_VOID(node2.ip("address add 198.18.1.2/24 dev wire\nlink set wire up"));
  if (options_.underlay == Underlay::kRouted) {
    TRY_VOID(node1.ip("route add 10.244.2.0/24 via 198.18.1.2"));
    return node2.ip("route add default via 198.18.1.1");
  }
  const auto tunnel = [](int self, int other) {
    return fmt::format(
        "link add vx type vxlan id 7 local 198.18.1.{0} remote 198.18.1.{1} dstport 4789 "
        "nolearning\n"
        "address add 10.244.{0}.0/32 dev vx\nlink set vx up\n"
        "route add {2} via 10.244.{1}.0 dev vx onlink",
        self, other, self == 1 ? "10.244.2.0/24" : "default");
  };
  TRY_VOID(node1.ip(tunnel(1, 2)));
  return node2.ip(tunnel(2, 1));
}

Result<> World::connect_pod(const std::string& node, const std::string& pod,
                            const std::string& gateway, const std::vector<std::string>& addresses) {
  std::string on_node = fmt::format(
      "link add {0} type veth peer name eth0 netns {1}\naddress add {2}/32 dev {0}\nlink set {0} "
      "up",
      pod, of(pod).path(), gateway);
  std::string in_pod = "link set eth0 up";
  for (const std::string& address : addresses) {
    on_node += fmt::format("\nroute add {} dev {}", address, pod);
    in_pod += fmt::format("\naddress add {}/32 dev eth0", address);
  }
  in_pod += fmt::format("\nroute add {0} dev eth0\nroute add default via {0}", gateway);
  TRY_VOID(of(node).ip(on_node));
  return of(pod).ip(in_pod);
}

Result<> World::program() {
  TRY(way_,
      make_way(options_.way,
               {.pin_directory = options_.pins, .cgroup = cgroup_, .scratch = options_.scratch},
               options_.ways));
  if (const auto missing = way_->missing()) return invalid(*missing);
  std::vector<Backend> backends;
  for (const std::string& pod : pods_) {
    TRY(const Ip address, parse_ip(pod));
    backends.push_back({address, kPodPort, options_.underlay == Underlay::kSameNode});
  }
  plan_ = plan_with(options_.services, options_.endpoints, backends);
  return node().run([this]() -> Result<> {
    TRY(installing_, way_->install(plan_));
    return {};
  });
}

Result<> World::serve_pods() {
  const ChildSetting setting{
      .network_namespace = of("pod").fd(), .cgroup = {}, .cpu = options_.cpu, .hurries = true};
  TRY(Child server, start_server(setting, kPodPort));
  server_ = std::move(server);
  return {};
}

Result<Child> World::start_load(Client client, LoadOptions load) const {
  const char* from = client == Client::kExternal ? "ext"
                     : client == Client::kPod    ? "client"
                                                 : "pod";
  const ChildSetting setting{.network_namespace = of(from).fd(),
                             .cgroup = client == Client::kExternal ? std::string{} : cgroup_,
                             .cpu = options_.cpu,
                             .hurries = true};
  return bench::start_load(setting, std::move(load));
}

Result<Child> World::begin(Client client, Target target, LoadOptions load) const {
  const MeasuredAddress at = measured_address();
  load.address = target == Target::kClusterIp ? at.cluster_ip : at.load_balancer;
  load.port = at.port;
  if (client == Client::kHairpin) load.address = at.hairpin;
  if (target == Target::kNodePort) {
    TRY(load.address, parse_ip(kNode1));
    load.port = at.node_port;
  }
  return start_load(client, std::move(load));
}

Result<Sample> World::measure(Client client, Target target, LoadOptions load) const {
  const auto started = [&]() -> Result<Child> {
    if (!way_->is_direct()) return begin(client, target, std::move(load));
    TRY(load.address, parse_ip(pods_[0]));
    load.port = kPodPort;
    return start_load(client, std::move(load));
  };
  const double before = softirq_seconds(options_.cpu);
  TRY(Child child, started());
  TRY(const std::string text, child.output());
  TRY(LoadResult result, load_result_from_json(text));
  return Sample{std::move(result), softirq_seconds(options_.cpu) - before};
}

}  // namespace fairlead::bench
