// BPF_PROG_RUN's codes -> fates.
#include "tests/bpf/harness/node.hpp"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <array>

namespace fairlead::test {
namespace {

constexpr std::array<std::string_view, 3> kPacketPrograms{"fairlead_xdp", "fairlead_tc_",
                                                          "fairlead_explain"};

fl_timeouts short_timeouts() {
  return {.tcp_new = 10,
          .tcp_established = 1000,
          .tcp_closing = 60,
          .closed = 10,
          .udp_new = 30,
          .udp_established = 100};
}

Fate fate_of_xdp(int code) {
  switch (code) {
    case XDP_PASS:
      return Fate::kPassed;
    case XDP_DROP:
      return Fate::kDropped;
    case XDP_TX:
      return Fate::kSentBack;
    case XDP_REDIRECT:
      return Fate::kRedirected;
    default:
      ADD_FAILURE() << "XDP answered " << code;
      return Fate::kDropped;
  }
}

Fate fate_of_tc(int code) {
  switch (code) {
    case TC_ACT_UNSPEC:
    case TC_ACT_OK:
      return Fate::kPassed;
    case TC_ACT_SHOT:
      return Fate::kDropped;
    case TC_ACT_REDIRECT:
      return Fate::kRedirected;
    default:
      ADD_FAILURE() << "tc answered " << code;
      return Fate::kDropped;
  }
}

}  // namespace

std::string to_string(Fate fate) {
  static constexpr std::array kNames{"passed", "dropped", "redirected", "sent back"};
  return kNames[static_cast<std::size_t>(fate)];
}

Node::Node(const Sizes& sizes) {
  auto programs = Programs::load(sizes, kPacketPrograms);
  if (!programs) {
    ADD_FAILURE() << programs.error().doing;
    return;
  }
  programs_ = std::make_unique<Programs>(*std::move(programs));
  tables_ = std::make_unique<Tables>(*programs_);
}

void Node::reset() {
  tables_->clear();
  fl_config& config = tables_->config();
  config.mode = FL_MODE_ACTIVE;
  config.snat_port_first = 1024;
  config.snat_port_last = 29999;
  config.neighbour_conntrack = 1;
  config.timeouts = short_timeouts();
  config.longest_timeout = config.timeouts.tcp_established;
  config.drop_events_a_second = 10;
  config.plain_routes_until = ~std::uint32_t{0};
  const World v4(Family::kIpv4);
  const World v6(Family::kIpv6);
  fl_interface eth0{};
  fl_interface pod0{};
  pod0.flags = FL_INTERFACE_PEER | FL_INTERFACE_INTERNAL;
  std::uint32_t i = 0;
  for (const World* world : {&v4, &v6}) {
    config.node_address[i] = abi_address(world->node);
    eth0.address[i] = abi_address(world->node);
    ++i;
    tables_->mark(world->node, FL_ADDRESS_NODE);
  }
  tables_->set_interface(kEth0, eth0);
  tables_->set_interface(kPod0, pod0);
}

Outcome Node::arrive(const Frame& frame, Ingress ingress, std::uint32_t interface) {
  Frame now = frame;
  if (ingress == Ingress::kXdp) {
    auto answer = programs_->run_xdp("fairlead_xdp", now, interface);
    if (!answer) {
      ADD_FAILURE() << answer.error().doing;
      return {};
    }
    const Fate fate = fate_of_xdp(answer->code);
    if (fate != Fate::kPassed) return {fate, std::move(answer->frame)};
    now = std::move(answer->frame);
  }
  auto answer = programs_->run_tc("fairlead_tc_ingress", now, interface);
  if (!answer) {
    ADD_FAILURE() << answer.error().doing;
    return {};
  }
  return {fate_of_tc(answer->code), std::move(answer->frame)};
}

Outcome Node::leave(const Frame& frame, std::uint32_t interface) {
  auto answer = programs_->run_tc("fairlead_tc_egress", frame, interface);
  if (!answer) {
    ADD_FAILURE() << answer.error().doing;
    return {};
  }
  return {fate_of_tc(answer->code), std::move(answer->frame)};
}

fl_trace Node::explain(const Frame& frame, std::uint32_t interface) {
  const auto answer = programs_->run_tc("fairlead_explain", frame, interface);
  EXPECT_TRUE(answer) << answer.error().doing;
  return tables_->trace();
}

}  // namespace fairlead::test
