// Marks go when nobody needs them, and never while somebody does.
#include "dataplane/ebpf/marks.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <vector>

#include "dataplane/ebpf/figures.hpp"

namespace fairlead::ebpf {
namespace {

constexpr fl_timeouts kTimeouts{.tcp_new = 10,
                                .tcp_established = 1000,
                                .tcp_closing = 60,
                                .closed = 10,
                                .udp_new = 30,
                                .udp_established = 100};
constexpr std::uint32_t kBuckets = 16;

/// A flow whose reply entry is `reply`.
fl_flow4 original(std::uint16_t port, std::uint32_t age) {
  fl_flow4 flow{};
  flow.source = htonl(0xc6120007);
  flow.destination = htonl(0x0a60000a);
  flow.source_port = htons(port);
  flow.destination_port = htons(80);
  flow.protocol = IPPROTO_TCP;
  flow.state = FL_FLOW_ESTABLISHED;
  flow.new_source = htonl(0xc0a80101);
  flow.new_destination = htonl(0x0af40202);
  flow.new_source_port = htons(static_cast<std::uint16_t>(port + 1));
  flow.new_destination_port = htons(8080);
  flow.stamp = fl_stamp(now_ticks() - age, 0);
  return flow;
}
fl_flow4 reply_of(const fl_flow4& flow, std::uint32_t age) {
  fl_flow4 reply = flow;
  reply.source = flow.new_destination;
  reply.source_port = flow.new_destination_port;
  reply.destination = flow.new_source;
  reply.destination_port = flow.new_source_port;
  reply.new_source = flow.destination;
  reply.new_source_port = flow.destination_port;
  reply.new_destination = flow.source;
  reply.new_destination_port = flow.source_port;
  reply.state = int{FL_FLOW_ESTABLISHED} | FL_FLOW_REPLY;
  reply.stamp = fl_stamp(now_ticks() - age, 0);
  return reply;
}

class Marks : public ::testing::Test {
 protected:
  /// The bucket that is looked at as number `probe` for this flow.
  static std::uint32_t place_of(const fl_flow4& flow, std::uint32_t probe) {
    const fl_address source{{0, 0, htonl(0xffff), flow.source}},
        destination{{0, 0, htonl(0xffff), flow.destination}};
    const __u64 key = fl_flow_key(flow.source_port, flow.destination_port, flow.protocol);
    return fl_flow_bucket(fl_flow_hash(&source, &destination, key, false), probe, kBuckets);
  }
  /// Enters a flow as a program does that finds the first `probe` buckets full.
  void enter(const fl_flow4& flow, std::uint32_t probe) {
    for (std::uint32_t i = 0; i < probe; ++i) {
      std::atomic_ref<__u64> control(buckets_[place_of(flow, i)].way[0].control);
      control.fetch_and(~(__u64{FL_FLOW_DOUBTED} << FL_FLOW_STATE_SHIFT));
      control.fetch_or(__u64{FL_FLOW_SPILLED} << FL_FLOW_STATE_SHIFT);
    }
    buckets_[place_of(flow, probe)].way[1] = flow;
  }
  [[nodiscard]] unsigned marks_of(std::uint32_t bucket) const {
    return buckets_[bucket].way[0].state & (unsigned{FL_FLOW_SPILLED} | FL_FLOW_DOUBTED);
  }
  MarkSweep sweep(const std::function<void()>& meanwhile = [] {}) {
    return sweep_marks(std::span<fl_bucket4>(buckets_), kTimeouts, meanwhile);
  }

  std::vector<fl_bucket4> buckets_ = std::vector<fl_bucket4>(kBuckets);
};

TEST_F(Marks, AreNotLookedForWithNoneThere) {
  bool waited = false;
  const MarkSweep swept = sweep([&] { waited = true; });
  EXPECT_EQ(swept.marked, 0U);
  EXPECT_FALSE(waited);
}

TEST_F(Marks, ThatNoFlowIsBehindAreCleared) {
  buckets_[3].way[0].state = FL_FLOW_SPILLED;
  fl_flow4 other = original(1, 0);
  other.state |= FL_FLOW_SPILLED;
  buckets_[place_of(other, 0)].way[0] = other;  // in its first bucket: depends on no mark
  const MarkSweep swept = sweep();
  EXPECT_EQ(swept.marked, 2U);
  EXPECT_EQ(swept.cleared, 2U);
  EXPECT_EQ(marks_of(3), 0U);
  EXPECT_EQ(buckets_[place_of(other, 0)].way[0].state, FL_FLOW_ESTABLISHED);
}

TEST_F(Marks, OfLiveFlowsStayAlsoThoseInBetween) {
  const fl_flow4 flow = original(1, 0);
  enter(flow, 3);
  const MarkSweep swept = sweep();
  EXPECT_EQ(swept.cleared, 0U);
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_EQ(marks_of(place_of(flow, i)), unsigned{FL_FLOW_SPILLED}) << i;
}

TEST_F(Marks, OfFlowsWhoseTimeIsOverGoWithTheFlow) {
  const fl_flow4 flow = original(1, 1001);
  enter(flow, 2);
  const MarkSweep swept = sweep();
  EXPECT_EQ(swept.cleared, 2U);
  EXPECT_EQ(swept.freed, 1U);
  EXPECT_EQ(buckets_[place_of(flow, 2)].way[1].state & FL_FLOW_PHASE, FL_FLOW_EMPTY);
}

TEST_F(Marks, StayWhileTheOtherDirectionLives) {
  const fl_flow4 flow = original(1, 1001);
  enter(flow, 1);
  enter(reply_of(flow, 5), 0);
  EXPECT_EQ(sweep().cleared, 0U);
  EXPECT_EQ(marks_of(place_of(flow, 0)), unsigned{FL_FLOW_SPILLED});
  EXPECT_EQ(buckets_[place_of(flow, 1)].way[1].state, FL_FLOW_ESTABLISHED);
}

TEST_F(Marks, ThatAFlowGoesPastMeanwhileStay) {
  const fl_flow4 flow = original(1, 0);
  buckets_[place_of(flow, 0)].way[0].state = FL_FLOW_SPILLED;
  EXPECT_EQ(sweep([&] { enter(flow, 1); }).cleared, 0U);
  EXPECT_EQ(marks_of(place_of(flow, 0)), unsigned{FL_FLOW_SPILLED});
}

TEST_F(Marks, ThatAFlowHasGonePastStayThoughItIsNotYetThere) {
  const fl_flow4 flow = original(1, 0);
  buckets_[place_of(flow, 0)].way[0].state = FL_FLOW_SPILLED;
  // It takes the doubt away, and is entered only when the sweep has ended.
  EXPECT_EQ(sweep([&] {
              enter(flow, 1);
              buckets_[place_of(flow, 1)].way[1] = {};
            }).cleared,
            0U);
  EXPECT_EQ(marks_of(place_of(flow, 0)), unsigned{FL_FLOW_SPILLED});
}

TEST_F(Marks, OfAFlowThatIsBeingWrittenStay) {
  fl_flow4 flow = original(1, 0);
  flow.state = FL_FLOW_BUSY;
  buckets_[place_of(flow, 0)].way[0].state = FL_FLOW_SPILLED;
  EXPECT_EQ(sweep([&] { enter(flow, 1); }).cleared, 0U);
}

}  // namespace
}  // namespace fairlead::ebpf
