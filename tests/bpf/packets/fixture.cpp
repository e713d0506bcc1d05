// What the tests share: a loaded node, packets of known senders, comparisons by bytes.
#include "tests/bpf/packets/fixture.hpp"

#include <unistd.h>

#include <algorithm>

namespace fairlead::test {
namespace {

void expect_bytes(const Frame& frame, const Packet& expected) {
  const Frame wanted = bytes_of(expected);
  if (frame == wanted) return;
  const auto parsed = parse_frame(frame);
  std::string why = "parsed";
  is_well_formed(frame, &why);
  ADD_FAILURE() << "is        " << (parsed ? to_string(*parsed) : "not a packet") << "\nshould be "
                << to_string(expected) << "\nis        " << hex(frame) << "\nshould be "
                << hex(wanted) << "\n"
                << why;
}

}  // namespace

void expect_passed(const Outcome& outcome, const Packet& expected) {
  EXPECT_EQ(outcome.fate, Fate::kPassed) << to_string(outcome.fate);
  expect_bytes(outcome.frame, expected);
}

void expect_passed_untouched(const Outcome& outcome, const Packet& sent) {
  expect_passed(outcome, sent);
}

void expect_dropped(const Outcome& outcome) {
  EXPECT_EQ(outcome.fate, Fate::kDropped) << to_string(outcome.fate);
}

void expect_redirected(const Outcome& outcome, const Packet& expected) {
  EXPECT_TRUE(outcome.fate == Fate::kRedirected || outcome.fate == Fate::kSentBack)
      << to_string(outcome.fate);
  expect_bytes(outcome.frame, expected);
}

Packet packet_of(const Outcome& outcome) {
  EXPECT_NE(outcome.fate, Fate::kDropped);
  std::string why;
  EXPECT_TRUE(is_well_formed(outcome.frame, &why)) << why;
  const auto packet = parse_frame(outcome.frame);
  EXPECT_TRUE(packet) << hex(outcome.frame);
  return packet.value_or(Packet{});
}

std::unique_ptr<Node> NodeTest::node_;

void NodeTest::start(const Sizes& sizes) {
  if (::geteuid() != 0) return;
  make_network();
  node_ = std::make_unique<Node>(sizes);
}

void NodeTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  ASSERT_TRUE(node_ && node_->is_loaded());
  node().reset();
}

std::string to_string(const PathParameter& parameter) {
  return std::string(parameter.family == Family::kIpv4 ? "v4" : "v6") + "_" +
         std::string(fairlead::to_string(parameter.protocol)) + "_" +
         (parameter.ingress == Ingress::kXdp ? "XDP" : "tc");
}

Packet PathTest::from_client(const Endpoint& to, std::uint16_t port) const {
  return Packet{.from_mac = kRouterMac,
                .to_mac = kEth0Mac,
                .from = {world.client, port},
                .to = to,
                .protocol = protocol(),
                .payload = is_tcp() ? "" : "question"};
}

Packet PathTest::from_pod(const Endpoint& to, std::uint16_t port) const {
  return Packet{.from_mac = kPodMac,
                .to_mac = kPod0Mac,
                .from = {world.local_pod, port},
                .to = to,
                .protocol = protocol(),
                .payload = is_tcp() ? "" : "question"};
}

Packet PathTest::to_other_node(const Packet& sent, const Endpoint& from, const Endpoint& to) {
  return sent.with_from(from).with_to(to).with_hops(63).with_macs(kEth0Mac, kOtherMac);
}
Packet PathTest::to_local_pod(const Packet& sent, const Endpoint& from, const Endpoint& to) {
  return sent.with_from(from).with_to(to).with_hops(63).with_macs(kPod0Mac, kPodMac);
}
Packet PathTest::to_client(const Packet& sent, const Endpoint& from, const Endpoint& to) {
  return sent.with_from(from).with_to(to).with_hops(63).with_macs(kEth0Mac, kRouterMac);
}

Packet PathTest::expect_masqueraded(const Packet& sent) {
  const Outcome outcome = arrive(sent);
  const Packet forwarded = packet_of(outcome);
  EXPECT_EQ(to_string(forwarded.from.ip), to_string(world.node));
  EXPECT_GE(forwarded.from.port, 1024);
  EXPECT_LE(forwarded.from.port, 29999);
  EXPECT_NE(std::ranges::find(world.remote_pods, forwarded.to.ip), world.remote_pods.end())
      << to_string(forwarded);
  EXPECT_EQ(forwarded.to.port, 8080);
  expect_redirected(outcome, to_other_node(sent, forwarded.from, forwarded.to));
  return forwarded;
}

void PathTest::expect_at_local_pod(const Packet& sent, const Endpoint& to) {
  expect_redirected(arrive(sent), to_local_pod(sent, sent.from, to));
}

std::uint32_t PathTest::publish_external(std::size_t backends, int bits) {
  std::vector<Endpoint> endpoints;
  for (std::size_t i = 0; i < backends; ++i) endpoints.push_back(remote(i));
  Service service = service_with(endpoints);
  service.has_maglev = true;
  const std::uint32_t block = tables().add(service);
  tables().publish(external(), protocol(), block, {}, bits);
  return block;
}

Service PathTest::service_with(const std::vector<Endpoint>& remote,
                               const std::vector<Endpoint>& local) const {
  Service service{.protocol = protocol()};
  for (const Endpoint& endpoint : remote) service.cluster.push_back({.endpoint = endpoint});
  for (const Endpoint& endpoint : local) {
    service.cluster.push_back({.endpoint = endpoint, .local = true});
    service.local.push_back({.endpoint = endpoint, .local = true});
  }
  return service;
}

std::vector<PathParameter> paths_of(Protocol protocol) {
  std::vector<PathParameter> paths;
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const Ingress ingress : {Ingress::kXdp, Ingress::kTc})
      paths.push_back({family, protocol, ingress});
  return paths;
}

std::vector<PathParameter> all_paths() {
  auto paths = paths_of(Protocol::kTcp);
  for (const auto& path : paths_of(Protocol::kUdp)) paths.push_back(path);
  return paths;
}

}  // namespace fairlead::test
