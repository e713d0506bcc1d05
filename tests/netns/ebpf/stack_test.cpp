// Forwarding by the host's stack: what has the node's own address as its source passes it, because
// the agent sees to the sysctl that it needs.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include "tests/netns/ebpf/generation_fixture.hpp"

namespace fairlead::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kAcceptLocal = "net.ipv4.conf.all.accept_local";

class ByStack : public GenerationTest {
 protected:
  void SetUp() override {
    GenerationTest::SetUp();
    if (world != nullptr) set_accept_local(0);
  }
  void TearDown() override {
    if (world == nullptr) return;
    GenerationTest::TearDown();
    set_accept_local(0);
  }
  void adjust(ebpf::Options& options) const override { options.forward_by_stack = true; }
  static void set_accept_local(int value) {
    world->node.sh("sysctl -qw " + std::string(kAcceptLocal) + "=" + std::to_string(value));
  }
  /// Without the right to write below /proc/sys.
  static Result<> prepare_read_only() {
    Result<> outcome;
    world->node.run([&] {
      ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
      ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
      ASSERT_EQ(::mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr), 0);
      ASSERT_EQ(::mount("none", "/proc/sys", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr),
                0);
      ebpf::Options options;
      options.forward_by_stack = true;
      outcome = ebpf::prepare_node(options);
    });
    return outcome;
  }
};

TEST_P(ByStack, MasqueradedConnectionsAndTheirRepliesPass) {
  for (const char* pod : {"pod1", "far"}) {
    start_agent(1 << 10, plan_to(pod));
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const Answer answer = ask(world->ext, {.protocol = protocol, .to = at.node, .port = {30080}});
      EXPECT_EQ(answer.server, pod) << to_string(protocol);
      EXPECT_NE(answer.source, to_string(at.ext)) << to_string(protocol);
    }
  }
  EXPECT_THAT(reported, ElementsAre(HasSubstr(kAcceptLocal))) << "once, when it was changed";
}

TEST_P(ByStack, IsSetAgainWhenSomebodyTakesItAway) {
  start_agent(1 << 10, plan_to("far"));
  set_accept_local(0);
  resync(plan_to("far"));
  EXPECT_EQ(ask(world->ext, {.to = at.node, .port = {30080}}).server, "far");
}

TEST_P(ByStack, IsRefusedWhereTheSysctlIsNeitherSetNorToBeSet) {
  const auto refused = prepare_read_only();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().doing, HasSubstr("net.ipv4.conf.all.accept_local=1"));
  EXPECT_THAT(refused.error().doing, HasSubstr("Read-only"));
  set_accept_local(1);
  EXPECT_TRUE(prepare_read_only());
}

TEST_P(ByStack, AStrictReversePathFilterIsNamed) {
  world->node.sh("sysctl -qw net.ipv4.conf.wire.rp_filter=1");
  ebpf::Options options;
  options.forward_by_stack = true;
  options.report = [this](const Error& error) { reported.push_back(error.doing); };
  world->node.run([&] { EXPECT_TRUE(ebpf::prepare_node(options)); });
  world->node.sh("sysctl -qw net.ipv4.conf.wire.rp_filter=0");
  EXPECT_THAT(reported, Contains(HasSubstr("rp_filter is 1 (strict) for wire:")));
}

INSTANTIATE_TEST_SUITE_P(, ByStack, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& param) {
                           return param.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

}  // namespace
}  // namespace fairlead::test
