// One bridge in a namespace of its own is the wire; a pod's link is made as the CNI plugin makes
// it, by ip(8).
#include "tests/netns/podnet/fleet.hpp"

#include <fmt/format.h>
#include <poll.h>

namespace fairlead::test {
namespace {

constexpr Port kPort{8080};

void plug_in(const Namespace& wire, const Namespace& host, const std::string& port,
             const std::string& ipv4, const std::string& ipv6) {
  connect_namespaces(wire, port, host, "eth0");
  wire.ip("link set " + port + " master br0");
  host.ip("address add " + ipv4 + "/24 dev eth0");
  host.ip("address add " + ipv6 + "/64 dev eth0 nodad");
}

}  // namespace

Ip ip_of(std::string_view text) { return parse_ip(text).value(); }
Cidr cidr_of(std::string_view text) { return parse_cidr(text).value(); }

FleetNode::FleetNode(const Namespace& wire, int number)
    : ns(fmt::format("n{}", number)), pod(fmt::format("p{}", number)), number_(number) {
  plug_in(wire, ns, fmt::format("to-n{}", number), to_string(address(Family::kIpv4)),
          to_string(address(Family::kIpv6)));
  add_pod();
  restart();
}

Ip FleetNode::address(Family family) const {
  return ip_of(
      fmt::format(fmt::runtime(family == Family::kIpv4 ? "192.0.2.{}" : "2001:db8::{}"), number_));
}

Ip FleetNode::pod_address(Family family) const {
  return ip_of(fmt::format(
      fmt::runtime(family == Family::kIpv4 ? "10.244.{}.10" : "fd00:244:{}::10"), number_));
}

Node FleetNode::object() const {
  Node node;
  node.name = name();
  node.addresses = {address(Family::kIpv4), address(Family::kIpv6)};
  node.pod_cidrs = {cidr_of(fmt::format("10.244.{}.0/24", number_)),
                    cidr_of(fmt::format("fd00:244:{}::/64", number_))};
  return node;
}

void FleetNode::add_pod() {
  const std::string node_mac = "02:fa:00:00:00:01";
  const std::string pod_mac = fmt::format("02:fb:00:00:00:{:02x}", number_);
  ns.ip(fmt::format("link add fl-pod address {} type veth peer name eth0 address {} netns {}",
                    node_mac, pod_mac, pod.name()));
  ns.ip("link set fl-pod up");
  pod.ip("link set eth0 up");
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const bool v4 = family == Family::kIpv4;
    const std::string whole = fmt::format("{}/{}", to_string(pod_address(family)), v4 ? 32 : 128);
    const std::string gateway = v4 ? "169.254.1.1" : "fe80::1";
    pod.ip(fmt::format("address add {} dev eth0{}", whole, v4 ? "" : " nodad"));
    pod.ip(fmt::format("neighbour add {} lladdr {} dev eth0", gateway, node_mac));
    pod.ip(fmt::format("route add default via {} dev eth0 onlink", gateway));
    ns.ip(fmt::format("neighbour add {} lladdr {} dev fl-pod", to_string(pod_address(family)),
                      pod_mac));
    ns.ip(fmt::format("route add {} dev fl-pod protocol 201", whole));
  }
}

void FleetNode::restart() {
  ns.run([&] {
    network_.reset();
    auto opened = podnet::open_network();
    ASSERT_TRUE(opened) << opened.error().doing;
    network_ = std::move(*opened);
  });
}

podnet::NetworkReport FleetNode::apply(const podnet::NetworkPlan& plan) {
  podnet::NetworkReport report;
  ns.run([&] {
    auto done = network_->apply(plan);
    ASSERT_TRUE(done) << done.error().doing;
    report = std::move(*done);
  });
  return report;
}

std::string FleetNode::refusal(const podnet::NetworkPlan& plan) {
  std::string text;
  ns.run([&] {
    if (const auto done = network_->apply(plan); !done) text = done.error().doing;
  });
  return text;
}

void FleetNode::clean_up() {
  ns.run([&] {
    const auto done = network_->clean_up();
    ASSERT_TRUE(done) << done.error().doing;
  });
}

bool FleetNode::is_woken() {
  pollfd waiting{network_->monitor_fd(), POLLIN, 0};
  bool counts = false;
  while (::poll(&waiting, 1, 0) == 1) {
    const auto changed = network_->foreign_change();
    EXPECT_TRUE(changed);
    counts |= changed && *changed;
  }
  return counts;
}

void FleetNode::repair_until(const podnet::NetworkPlan& plan,
                             const std::function<bool()>& condition) {
  constexpr int kPatience = 10'000;  // milliseconds; a second is what is promised
  while (true) {
    pollfd waiting{network_->monitor_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, kPatience), 1) << "nobody told of the change";
    const auto changed = network_->foreign_change();
    ASSERT_TRUE(changed) << changed.error().doing;
    if (!*changed) continue;
    apply(plan);
    if (condition()) return;
  }
}

FleetTest::FleetTest() {
  wire.ip("link add br0 type bridge");
  wire.ip("link set br0 up");
  plug_in(wire, outside, "to-out", "192.0.2.250", "2001:db8::250");
  options.direct_routing = false;
  for (const int number : {1, 2}) {
    nodes.push_back(std::make_unique<FleetNode>(wire, number));
    objects[nodes.back()->name()] = nodes.back()->object();
    for (const Family family : {Family::kIpv4, Family::kIpv6})
      servers.serve(nodes.back()->pod, nodes.back()->name(), nodes.back()->pod_address(family),
                    kPort);
  }
  for (const char* address : {"192.0.2.250", "2001:db8::250"})
    servers.serve(outside, "outside", ip_of(address), kPort);
}

podnet::NetworkPlan FleetTest::plan(const FleetNode& node) const {
  return {node.name(), objects, objects.at(node.name()).pod_cidrs, options, masquerade};
}

void FleetTest::apply_all() {
  for (const auto& node : nodes) node->apply(plan(*node));
}

std::string FleetTest::source_seen(const Namespace& from, const Ip& to) {
  Ask question;
  question.to = to;
  question.port = kPort;
  return ask(from, question).source;
}

void FleetTest::expect_pods_reach_each_other(Family family) {
  const Ip first = nodes[0]->pod_address(family), second = nodes[1]->pod_address(family);
  EXPECT_EQ(source_seen(nodes[0]->pod, second), to_string(first));
  EXPECT_EQ(source_seen(nodes[1]->pod, first), to_string(second));
}

std::string FleetTest::ping(const Namespace& from, const Ip& to, unsigned bytes) {
  const unsigned headers = to.is_v4() ? 28 : 48;
  return from.output_of(
      fmt::format("ping -n -c 1 -W 2 -M do -s {} {} 2>&1", bytes - headers, to_string(to)));
}

}  // namespace fairlead::test
