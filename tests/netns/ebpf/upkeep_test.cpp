// A program of ours that somebody detaches is back within seconds; a place that somebody has taken
// is left to them.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>

#include <chrono>

#include "dataplane/kernel/bpf_link.hpp"
#include "tests/netns/ebpf/generation_fixture.hpp"

namespace fairlead::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kFlows = 1 << 10;
constexpr std::chrono::seconds kPatience{30};

class Upkeep : public GenerationTest {
 protected:
  void SetUp() override {
    GenerationTest::SetUp();
    if (world == nullptr || IsSkipped() || HasFatalFailure()) return;
    if (!has_tcx()) GTEST_SKIP() << "this kernel has no tcx";
    world->node.run([this] { wire_ = static_cast<int>(::if_nametoindex("wire")); });
    start_agent(kFlows, plan_to("pod1"));
  }
  void adjust(ebpf::Options& options) const override { options.xdp = ebpf::XdpMode::kNative; }

  [[nodiscard]] std::string pin(const std::string& name) const {
    return path_of(generations().at(0)) + "/links/" + name;
  }
  [[nodiscard]] std::string pin_at_wire(const char* kind) const {
    return pin(fmt::format("{}-{}", kind, wire_));
  }
  static void detach(const std::string& pinned) {
    auto link = BpfLink::open_pinned(pinned);
    ASSERT_TRUE(link) << link.error().doing;
    ASSERT_TRUE(link->detach());
  }
  /// As the agent waits for it.
  [[nodiscard]] bool is_told_of_a_foreign_change(std::chrono::milliseconds patience) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd wait{datapath->monitor_fd(), POLLIN, 0};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (::poll(&wait, 1, static_cast<int>(left.count())) != 1) break;
      const auto changed = datapath->foreign_change();
      EXPECT_TRUE(changed) << changed.error().doing;
      if (changed.value_or(false)) return true;
    }
    return false;
  }
  /// Asked once, when the agent next looks after its links.
  [[nodiscard]] bool is_told_at_the_next_look() const {
    pollfd wait{datapath->monitor_fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 30'000), 1);
    return datapath->foreign_change().value_or(false);
  }
  [[nodiscard]] std::size_t xdp_programs() const {
    std::size_t count = 0;
    world->node.run([&] {
      bpf_xdp_query_opts known{};
      known.sz = sizeof(known);
      ASSERT_EQ(::bpf_xdp_query(wire_, 0, &known), 0);
      count = known.prog_id != 0 ? 1 : 0;
    });
    return count;
  }
  /// Somebody else's XDP program at the wire, as long as the link is.
  [[nodiscard]] Result<BpfLink> attach_other_xdp() const {
    const bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K,
         .dst_reg = BPF_REG_0,
         .src_reg = 0,
         .off = 0,
         .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    const Fd program(::bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", instructions,
                                     std::size(instructions), nullptr));
    Result<BpfLink> link = invalid("not attached");
    world->node.run([&] {
      link = BpfLink::create(program.get(), wire_, BpfHook{BPF_XDP}, XDP_FLAGS_DRV_MODE);
    });
    return link;
  }
  int wire_ = 0;
};

TEST_P(Upkeep, ADetachedProgramOfADeviceIsBack) {
  for (const char* kind : {"ingress", "egress", "xdp"}) {
    detach(pin_at_wire(kind));
    EXPECT_TRUE(is_told_of_a_foreign_change(kPatience)) << kind;
    EXPECT_EQ(resync(plan_to("pod1")).elements_added, 1U) << kind;
  }
  EXPECT_EQ(programs_at_link(), 1U);
  EXPECT_EQ(xdp_programs(), 1U);
  EXPECT_EQ(ask(world->ext, {.to = at.node, .port = {30080}}).server, "pod1");
  EXPECT_FALSE(is_told_at_the_next_look());
  EXPECT_THAT(reported, IsEmpty());
}

TEST_P(Upkeep, ADetachedProgramOfTheCgroupIsBack) {
  detach(pin(family() == Family::kIpv4 ? "connect4" : "connect6"));
  EXPECT_EQ(programs_at_connect(), 0U);
  EXPECT_TRUE(is_told_of_a_foreign_change(kPatience));
  EXPECT_EQ(resync(plan_to("pod1")).elements_added, 1U);
  EXPECT_EQ(programs_at_connect(), 1U);
  EXPECT_EQ(ask(world->node, {.to = at.service, .port = {80}}).server, "pod1");
}

TEST_P(Upkeep, AnXdpProgramOfOthersIsReportedOnceAndLeft) {
  detach(pin_at_wire("xdp"));
  {
    const auto other = attach_other_xdp();
    ASSERT_TRUE(other) << other.error().doing;
    EXPECT_TRUE(is_told_of_a_foreign_change(kPatience));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(resync(plan_to("pod1")).elements_added, 0U);
    EXPECT_THAT(reported, ElementsAre(HasSubstr("interface wire: another XDP program is there")));
    EXPECT_FALSE(is_told_at_the_next_look());
    const auto info = other->info();
    ASSERT_TRUE(info);
    EXPECT_EQ(info->interface, static_cast<std::uint32_t>(wire_)) << "it is still there";
    EXPECT_EQ(ask(world->ext, {.to = at.node, .port = {30080}}).server, "pod1") << "by tc";
    EXPECT_TRUE(BpfLink::open_pinned(pin_at_wire("ingress")));
  }
  // A link goes a moment after its last owner.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (xdp_programs() != 0 && std::chrono::steady_clock::now() < deadline) continue;
  EXPECT_EQ(resync(plan_to("pod1")).elements_added, 1U) << "the place is free again";
}

INSTANTIATE_TEST_SUITE_P(, Upkeep, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& param) {
                           return param.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

}  // namespace
}  // namespace fairlead::test
