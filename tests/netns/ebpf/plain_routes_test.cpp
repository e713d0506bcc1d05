// A real datapath while rules and routes change: who has the route to a backend that is known by
// its destination, and who must not.
//
//   ext --- node === tofar === far        the backend's address is at both: "far" and
//                '== veth2 === pod2       "pod2's" answer by it
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "dataplane/ebpf/figures.hpp"
#include "tests/netns/ebpf/generation_fixture.hpp"

namespace fairlead::test {
namespace {

constexpr std::uint32_t kFlows = 1 << 10;

template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class PlainRoutes : public GenerationTest {
 protected:
  static void SetUpTestSuite() {
    GenerationTest::SetUpTestSuite();
    if (world == nullptr) return;
    world->node.sh(
        "sysctl -qw net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1");
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const Ip far = addresses_of(family).far;
      world->pod2.ip(fmt::format("addr add {} dev lo nodad", to_string(far)));
      world->servers.serve(world->pod2, "pod2's", far, kPodPort);
      world->ext.ip(fmt::format("addr add {} dev eth0 nodad", to_string(other_client(family))));
      world->node.ip(fmt::format("neigh replace {} lladdr {} dev veth2 nud permanent",
                                 to_string(addresses_of(family).pod2), mac_of_pod2()));
    }
  }
  void SetUp() override {
    GenerationTest::SetUp();
    if (world == nullptr || HasFatalFailure()) return;
    start_agent(kFlows, plan_to("far"));
    config_.emplace(memory_of(generations().at(0), "config"));
    ASSERT_TRUE(is_plain_in_the_end());
  }
  void TearDown() override {
    config_.reset();
    if (world != nullptr) set_route(via_far());
    GenerationTest::TearDown();
  }

  static Ip other_client(Family family) {
    return parse_ip(family == Family::kIpv4 ? "198.18.0.251" : "fd18::fb").value();
  }
  static std::string mac_of_pod2() {
    std::string mac = world->pod2.output_of("cat /sys/class/net/eth0/address");
    return mac.substr(0, mac.find('\n'));
  }

  [[nodiscard]] std::string via_far() const {
    return fmt::format("via {} dev tofar", to_string(at.far_node));
  }
  [[nodiscard]] std::string via_pod2() const {
    return fmt::format("via {} dev veth2 onlink", to_string(at.pod2));
  }
  /// To the backend.
  void set_route(const std::string& way) const {
    ip("route replace " + to_string(at.far) + " " + way);
  }
  void ip(const std::string& arguments) const {
    world->node.ip((family() == Family::kIpv4 ? "-4 " : "-6 ") + arguments);
  }

  [[nodiscard]] std::uint32_t until() const {
    return std::atomic_ref<__u32>(config_->elements<fl_config>().front().plain_routes_until).load();
  }
  [[nodiscard]] bool is_plain() const { return ebpf::now_ticks() < until(); }
  [[nodiscard]] bool is_plain_in_the_end() const {
    return eventually([&] { return is_plain(); });
  }
  /// Word of a change has come: from here on no flow may begin by what is known.
  [[nodiscard]] bool is_taken_back() const {
    return eventually([&] { return until() == 0; });
  }
  /// A new flow from outside; who answers.
  [[nodiscard]] std::string server() const { return server(at.ext); }
  [[nodiscard]] std::string server(const Ip& from) const {
    return ask(world->ext, {.to = at.node, .port = {30080}, .from = from}).server;
  }

 private:
  std::optional<BpfMapping> config_;
};
INSTANTIATE_TEST_SUITE_P(, PlainRoutes, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& i) { return i.param == Family::kIpv4 ? "v4" : "v6"; });

TEST_P(PlainRoutes, TheAgentSaysSoAgainAndAgainAndTakesItBackAtItsEnd) {
  const std::uint32_t first = until();
  EXPECT_TRUE(eventually([&] { return until() > first + 1; }));
  datapath.reset();
  EXPECT_EQ(until(), 0U);
  start_agent(kFlows, plan_to("far"));
  EXPECT_TRUE(is_plain_in_the_end());
  EXPECT_THAT(reported, testing::IsEmpty());
}

TEST_P(PlainRoutes, ARuleForASourceHoldsForNewFlowsAtOnce) {
  const Ip other = other_client(family());
  ip(fmt::format("route add {} {} table 100", to_string(at.far), via_pod2()));
  EXPECT_EQ(server(other), "far");
  EXPECT_EQ(server(), "far");
  ip(fmt::format("rule add from {} lookup 100 pref 100", to_string(other)));
  EXPECT_TRUE(is_taken_back());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(server(other), "pod2's");
    EXPECT_EQ(server(), "far");
  }
  ip("rule del pref 100");
  EXPECT_TRUE(is_plain_in_the_end());
  EXPECT_EQ(server(other), "far");
  ip("route flush table 100");
}

TEST_P(PlainRoutes, FlowsTakeEachOfSeveralNextHops) {
  EXPECT_EQ(server(), "far");
  set_route(fmt::format("nexthop {} nexthop {}", via_far(), via_pod2()));
  EXPECT_TRUE(is_taken_back());
  std::set<std::string> servers;
  EXPECT_TRUE(eventually([&] {
    servers.insert(server());
    return servers.size() == 2;
  }));
  EXPECT_THAT(servers, testing::ElementsAre("far", "pod2's"));
  ip("route del " + to_string(at.far));
  set_route(via_far());
  EXPECT_TRUE(is_plain_in_the_end());
}

TEST_P(PlainRoutes, ARouteThatBecomesAnotherIsFollowedAndChangesNothingElse) {
  EXPECT_EQ(server(), "far");
  set_route(via_pod2());
  EXPECT_TRUE(eventually([&] { return server() == "pod2's"; }));
  set_route(via_far());
  EXPECT_TRUE(eventually([&] { return server() == "far"; }));
  EXPECT_TRUE(is_plain());
}

TEST_P(PlainRoutes, AGroupOfNextHopsIsNotPlain) {
  ip(fmt::format("nexthop add id 71 {}", via_far()));
  ip(fmt::format("nexthop add id 72 {}", via_pod2()));
  EXPECT_TRUE(is_plain());
  world->node.ip("nexthop add id 73 group 71/72");
  EXPECT_TRUE(is_taken_back());
  world->node.ip("nexthop flush");
  EXPECT_TRUE(is_plain_in_the_end());
}

TEST_P(PlainRoutes, ARouteThatAsksForMoreThanTheDestinationIsNotPlain) {
  const bool v4 = family() == Family::kIpv4;
  const std::string odd = v4 ? "192.0.2.0/24 tos 8 via " + to_string(at.ext)
                             : "2001:db8:77::/64 from fd18::/64 via " + to_string(at.ext);
  ip("route add " + odd);
  EXPECT_TRUE(is_taken_back());
  ip("route del " + odd);
  EXPECT_TRUE(is_plain_in_the_end());
}

}  // namespace
}  // namespace fairlead::test
