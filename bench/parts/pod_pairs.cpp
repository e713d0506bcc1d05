// way -> namespaces, links and routes; of ours, agents and their plugin.
#include "bench/parts/pod_pairs.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "bench/cluster/processes.hpp"
#include "bench/parts/cni_call.hpp"

namespace fairlead::bench {
namespace {

constexpr const char* kAddress1 = "10.200.1.2";
constexpr const char* kAddress2 = "10.200.2.2";

Result<Namespace> forwarding_namespace() {
  TRY(Namespace made, Namespace::create());
  TRY_VOID(made.set("net.ipv4.ip_forward", "1"));
  return made;
}

Result<PodPair> empty_pair(const std::string& way, std::size_t nodes) {
  TRY(Namespace client, Namespace::create());
  TRY(Namespace server, Namespace::create());
  PodPair pair{.way = way, .client = std::move(client), .server = std::move(server)};
  for (std::size_t i = 0; i < nodes; ++i) {
    TRY(Namespace node, forwarding_namespace());
    pair.between.push_back(std::move(node));
  }
  TRY(pair.address, parse_ip(kAddress2));
  return pair;
}

// ---- ways of others, as their documentation and their nodes show them ----

Result<PodPair> bare_veth(const BenchOptions& /*options*/) {
  TRY(PodPair pair, empty_pair("direct", 0));
  TRY_VOID(pair.client.ip(fmt::format(
      "link add eth0 type veth peer name eth0 netns {}\naddress add {} peer {} dev eth0\n"
      "link set eth0 up",
      pair.server.path(), kAddress1, kAddress2)));
  TRY_VOID(pair.server.ip(
      fmt::format("address add {} peer {} dev eth0\nlink set eth0 up", kAddress2, kAddress1)));
  return pair;
}

/// Calico's: a /32, and a route to it on the node.
Result<> connect_routed(const Namespace& node, const Namespace& pod, const std::string& address) {
  const std::string link = "pod" + address.substr(address.size() - 3, 1);
  TRY_VOID(node.ip(fmt::format(
      "link add {0} type veth peer name eth0 netns {1}\naddress add 169.254.1.1/32 dev {0}\n"
      "link set {0} up\nroute add {2} dev {0}",
      link, pod.path(), address)));
  return pod.ip(
      fmt::format("address add {}/32 dev eth0\nlink set eth0 up\nroute add 169.254.1.1 dev eth0\n"
                  "route add default via 169.254.1.1",
                  address));
}

/// flannel's: a bridge that is the pods' gateway.
Result<> connect_bridged(const Namespace& node, const Namespace& pod, const std::string& address,
                         int prefix_length) {
  const std::string network = address.substr(0, address.rfind('.'));
  const std::string link = "pod" + address.substr(address.size() - 3, 1);
  TRY_VOID(node.ip(
      fmt::format("link add {} type veth peer name eth0 netns {}\nlink set {} master cni0 up", link,
                  pod.path(), link)));
  return pod.ip(
      fmt::format("address add {}/{} dev eth0\nlink set eth0 up\nroute add default via {}.1",
                  address, prefix_length, network));
}

Result<> make_bridge(const Namespace& node, int number, int prefix_length) {
  return node.ip(
      fmt::format("link add cni0 type bridge\naddress add 10.200.{}.1/{} dev cni0\n"
                  "link set cni0 up",
                  number, prefix_length));
}

Result<> join_nodes(const Namespace& first, const Namespace& second) {
  TRY_VOID(first.ip("link add wire type veth peer name wire netns " + second.path() +
                    "\naddress add 198.18.1.1/24 dev wire\nlink set wire up"));
  return second.ip("address add 198.18.1.2/24 dev wire\nlink set wire up");
}

Result<> route_to_other(const Namespace& node, Between between, int self, int other) {
  if (between == Between::kRoutes)
    return node.ip(fmt::format("route add 10.200.{0}.0/24 via 198.18.1.{0}", other));
  return node.ip(
      fmt::format("link add vx type vxlan id 7 local 198.18.1.{0} remote 198.18.1.{1} dstport 4789 "
                  "nolearning\n"
                  "address add 10.200.{0}.0/32 dev vx\nlink set vx up\n"
                  "route add 10.200.{1}.0/24 via 10.200.{1}.0 dev vx onlink",
                  self, other));
}

Result<PodPair> on_one_bridge(const BenchOptions& /*options*/) {
  TRY(PodPair pair, empty_pair("bridge", 1));
  TRY_VOID(make_bridge(pair.between[0], 1, 16));
  TRY_VOID(connect_bridged(pair.between[0], pair.client, kAddress1, 16));
  TRY_VOID(connect_bridged(pair.between[0], pair.server, kAddress2, 16));
  return pair;
}

Result<PodPair> through_one_node(const BenchOptions& /*options*/) {
  TRY(PodPair pair, empty_pair("ptp", 1));
  TRY_VOID(connect_routed(pair.between[0], pair.client, kAddress1));
  TRY_VOID(connect_routed(pair.between[0], pair.server, kAddress2));
  return pair;
}

Result<PodPair> through_two_nodes(Between between, bool bridged) {
  TRY(PodPair pair, empty_pair(bridged ? "bridge" : "ptp", 2));
  const Namespace &first = pair.between[0], &second = pair.between[1];
  TRY_VOID(join_nodes(first, second));
  if (bridged) {
    TRY_VOID(make_bridge(first, 1, 24));
    TRY_VOID(make_bridge(second, 2, 24));
  }
  const auto connect = [&](const Namespace& node, const Namespace& pod,
                           const std::string& address) -> Result<> {
    TRY_VOID(bridged ? connect_bridged(node, pod, address, 24)
                     : connect_routed(node, pod, address));
    return between == Between::kVxlan ? pod.ip("link set eth0 mtu 1450") : Result<>{};
  };
  TRY_VOID(connect(first, pair.client, kAddress1));
  TRY_VOID(connect(second, pair.server, kAddress2));
  TRY_VOID(route_to_other(first, between, 1, 2));
  TRY_VOID(route_to_other(second, between, 2, 1));
  return pair;
}

// ---- ours ----

/// ADD; the address that the pod was given.
Result<Ip> add_pod(const PluginNode& node, const Namespace& pod, const std::string& container) {
  PluginAnswer answer;
  TRY_VOID(node.node().run([&]() -> Result<> {
    TRY(answer, call_plugin({node, "ADD", container, pod.path()}));
    return {};
  }));
  boost::system::error_code error;
  const auto result = boost::json::parse(answer.said, error);
  const auto address = error ? nullptr : result.find_pointer("/ips/0/address", error);
  if (!address || !address->is_string()) return invalid("ADD answered " + answer.said);
  const std::string text(address->as_string());
  return parse_ip(text.substr(0, text.find('/')));
}

Result<PodPair> by_agents(const BenchOptions& options, Between between,
                          const std::string& datapath) {
  const std::string way = "fairlead, " + datapath;
  const bool is_one = between == Between::kOneNode;
  TRY(PodPair pair, empty_pair(way, 0));
  std::vector<NodeOfCluster> cluster{{"bench-1", "198.18.1.1", "10.200.1.0/24"}};
  if (!is_one) cluster.push_back({"bench-2", "198.18.1.2", "10.200.2.0/24"});
  std::vector<Namespace> nodes;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    TRY(Namespace node, forwarding_namespace());
    nodes.push_back(std::move(node));
  }
  TRY_VOID(is_one ? nodes[0].ip("address add 198.18.1.1/32 dev lo")
                  : join_nodes(nodes[0], nodes[1]));
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    TRY(auto node, make_own_node(options, std::move(nodes[i]),
                                 {.way = way,
                                  .datapath = datapath,
                                  .name = cluster[i].name,
                                  .directory = fmt::format("pods-{}-{}-{}", datapath,
                                                           static_cast<int>(between), i),
                                  .mode = between == Between::kVxlan ? "vxlan" : "routes",
                                  .more = "  vxlan: {directRouting: false}\n",
                                  .nodes = cluster}));
    pair.nodes.push_back(std::move(node));
  }
  TRY([[maybe_unused]] const Ip client, add_pod(*pair.nodes.front(), pair.client, "client"));
  TRY(pair.address, add_pod(*pair.nodes.back(), pair.server, "server"));
  return pair;
}

}  // namespace

std::string_view to_string(Between between) {
  switch (between) {
    case Between::kOneNode:
      return "one node";
    case Between::kRoutes:
      return "two nodes, plain routes";
    case Between::kVxlan:
      return "two nodes, VXLAN";
  }
  return "";
}

std::vector<PairWay> pair_ways(Between between) {
  const auto own = [between](const std::string& datapath) {
    return PairWay{"fairlead, " + datapath, [=](const BenchOptions& options) {
                     return by_agents(options, between, datapath);
                   }};
  };
  const auto peer = [between](bool bridged) {
    return PairWay{bridged ? "bridge" : "ptp", [=](const BenchOptions& options) {
                     if (between != Between::kOneNode) return through_two_nodes(between, bridged);
                     return bridged ? on_one_bridge(options) : through_one_node(options);
                   }};
  };
  return {{"direct", bare_veth}, own("nftables"), own("ebpf"), peer(true), peer(false)};
}

}  // namespace fairlead::bench
