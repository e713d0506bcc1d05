// UDP flows whose backend is gone are closed, in both directions, and no others.
#include "dataplane/ebpf/flows.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "dataplane/ebpf/compile.hpp"

namespace fairlead::ebpf {
namespace {

Ip ip(const char* text) { return parse_ip(text).value(); }
__be32 v4(const char* text) { return address_of(ip(text)).word[3]; }

constexpr const char* kClient = "198.18.0.7";
constexpr const char* kFrontend = "10.96.0.10";
constexpr const char* kBackend = "10.244.1.1";

fl_flow4 original(std::uint8_t protocol = IPPROTO_UDP) {
  fl_flow4 flow{};
  flow.source = v4(kClient);
  flow.destination = v4(kFrontend);
  flow.source_port = htons(5555);
  flow.destination_port = htons(53);
  flow.protocol = protocol;
  flow.state = FL_FLOW_ESTABLISHED;
  flow.new_source = v4(kClient);
  flow.new_destination = v4(kBackend);
  flow.new_source_port = htons(5555);
  flow.new_destination_port = htons(5353);
  return flow;
}
fl_flow4 reply() {
  fl_flow4 flow{};
  flow.source = v4(kBackend);
  flow.destination = v4(kClient);
  flow.source_port = htons(5353);
  flow.destination_port = htons(5555);
  flow.protocol = IPPROTO_UDP;
  flow.state = int{FL_FLOW_ESTABLISHED} | FL_FLOW_REPLY;
  flow.new_source = v4(kFrontend);
  flow.new_destination = v4(kClient);
  flow.new_source_port = htons(53);
  flow.new_destination_port = htons(5555);
  return flow;
}

FlowTargets serving(std::vector<Ip> ips) {
  return {{{Protocol::kUdp, ip(kFrontend), {53}}, std::move(ips)}};
}

TEST(StaleFlows, AreClosedInBothDirections) {
  std::vector<fl_bucket4> buckets(4);
  buckets[1].way[1] = original();
  buckets[3].way[0] = reply();
  buckets[3].way[0].state |= FL_FLOW_SPILLED;
  EXPECT_EQ(close_stale_flows(buckets, serving({ip("10.244.1.2")}), {}), 2U);
  EXPECT_EQ(buckets[1].way[1].state, FL_FLOW_CLOSED);
  EXPECT_EQ(buckets[3].way[0].state, int{FL_FLOW_CLOSED} | FL_FLOW_REPLY | FL_FLOW_SPILLED);
  EXPECT_EQ(buckets[1].way[1].new_destination, v4(kBackend)) << "nothing else changes";
}

TEST(StaleFlows, AreNotThoseOfWhoServesNorOfOtherFrontends) {
  std::vector<fl_bucket4> buckets(1);
  buckets[0].way[0] = original();
  EXPECT_EQ(close_stale_flows(buckets, serving({ip(kBackend)}), {}), 0U);
  EXPECT_EQ(close_stale_flows(buckets, {{{Protocol::kUdp, ip(kFrontend), {54}}, {}}}, {}), 0U);
}

TEST(StaleFlows, AreNeverOfTcp) {
  std::vector<fl_bucket4> buckets(1);
  buckets[0].way[0] = original(IPPROTO_TCP);
  EXPECT_EQ(close_stale_flows(buckets, serving({}), {}), 0U);
}

TEST(StaleFlows, OfANodePortAreThoseAtTheNodesAddresses) {
  std::vector<fl_bucket4> buckets(1);
  buckets[0].way[0] = original();
  const FlowTargets targets = {{{Protocol::kUdp, any_address(Family::kIpv4), {53}}, {}}};
  const Ip other = ip("198.18.0.1"), node = ip(kFrontend);
  EXPECT_EQ(close_stale_flows(buckets, targets, {&other, 1}), 0U);
  EXPECT_EQ(close_stale_flows(buckets, targets, {&node, 1}), 1U);
}

/// A table to look through in pieces, each of which is work; the last bucket of each tells that it
/// is done.
class Pass {
 public:
  StaleFlows stale;

  Pass() {
    fl_flow4 other = original();
    other.destination_port = htons(54);
    buckets_.assign(kPieces * kPiece, fl_bucket4{{other, other}});
    for (int piece = 1; piece <= kPieces; ++piece) last_of(piece) = original();
    EXPECT_TRUE(stale.add(stale.hold(), serving({}), {}));
  }
  void run() { stale.run(buckets_, {}); }
  [[nodiscard]] int pieces_done() {
    int pieces = 0;
    while (pieces < kPieces && is_closed(last_of(pieces + 1))) ++pieces;
    return pieces;
  }

 private:
  static constexpr int kPieces = 64, kPiece = 4096;
  fl_flow4& last_of(int piece) {
    return buckets_[static_cast<std::size_t>(piece * kPiece - 1)].way[0];
  }
  static bool is_closed(fl_flow4& flow) {
    return (std::atomic_ref(flow.control).load() >> FL_FLOW_STATE_SHIFT & FL_FLOW_PHASE) ==
           FL_FLOW_CLOSED;
  }
  std::vector<fl_bucket4> buckets_;
};

bool is_asleep(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string id, name, state;
  file >> id >> name >> state;
  return state == "S";
}

/// A change in the midst of a pass: how many pieces are done while it waits. nullopt: it was not
/// seen to wait.
std::optional<int> pieces_that_a_change_waits_for() {
  Pass pass;
  const std::jthread running([&] { pass.run(); });
  while (pass.pieces_done() == 0) std::this_thread::yield();
  std::atomic<pid_t> thread = 0;
  std::atomic<int> at = -1;
  const std::jthread change([&] {
    thread = ::gettid();
    const auto held = pass.stale.hold();
    at = pass.pieces_done();
  });
  std::optional<int> before;
  while (at < 0)
    if (thread != 0 && !before && is_asleep(thread)) before = pass.pieces_done();
  if (!before) return std::nullopt;
  return at - *before;
}

TEST(StaleFlows, AreLookedForBesideChangesThatWaitForOnePieceAtMost) {
  std::optional<int> waited;
  for (int tries = 0; !waited && tries < 100; ++tries) waited = pieces_that_a_change_waits_for();
  ASSERT_TRUE(waited);
  EXPECT_LE(*waited, 1);
}

}  // namespace
}  // namespace fairlead::ebpf
