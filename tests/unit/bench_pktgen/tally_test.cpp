// What the sink makes of packets that arrive whole, twice, late, changed, or from somebody else.
#include "bench/pktgen/tally.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "bench/pktgen/report.hpp"

namespace fairlead::bench::pktgen {
namespace {

Flows flows() {
  Flows flows;
  flows.source = *parse_ip("198.18.0.250");
  flows.destination = *parse_ip("198.18.0.1");
  flows.destination_port = {30080};
  flows.count = 4;
  return flows;
}

std::vector<std::uint8_t> frame(std::uint32_t flow, std::uint32_t sequence, std::uint64_t time = 0,
                                std::uint16_t run = 7) {
  const FrameWriter writer(flows(), run, 128);
  std::vector<std::uint8_t> made(writer.size());
  writer.write(flow, sequence, time, made.data());
  return made;
}

TEST(Tally, CountsEachPacketOnceUnderOneName) {
  Tally tally(7, 4);
  for (std::uint32_t sequence = 0; sequence < 10; ++sequence)
    if (sequence != 5) tally.take(frame(0, sequence), 1000);
  tally.take(frame(0, 9), 1000);        // duplicate
  tally.take(frame(1, 0), 1000);        // another flow has its own numbers
  tally.take(frame(2, 1), 1000);        // and 0 comes
  tally.take(frame(2, 0), 1000);        // later
  tally.take(frame(4, 0), 1000);        // there is no such flow
  tally.take(frame(0, 0, 0, 8), 1000);  // of another run
  tally.take(std::vector<std::uint8_t>(60), 1000);
  auto broken = frame(3, 0);
  broken[30] ^= 1;  // the destination address: both checksums
  tally.take(broken, 1000);
  broken = frame(3, 0);
  broken.back() ^= 1;
  tally.take(broken, 1000);
  const Counts expected{.received = 12,
                        .duplicates = 1,
                        .wrong_ip_checksum = 1,
                        .wrong_transport_checksum = 1,
                        .damaged = 1,
                        .foreign_run = 1,
                        .foreign = 1,
                        .reordered = 1};
  EXPECT_EQ(tally.counts(), expected);
  EXPECT_EQ(tally.gaps(), 1);
}

// A middlebox that changes the payload may well write a checksum that fits.
TEST(Tally, SeesAChangedPayloadWhoseChecksumIsRight) {
  Tally tally(7, 4);
  auto changed = frame(0, 0);
  std::swap(changed[80], changed[82]);  // the sum is the same
  ASSERT_NE(changed[80], changed[82]);
  ASSERT_TRUE(parse_packet(changed)->transport_checksum_is_right);
  tally.take(changed, 0);
  EXPECT_EQ(tally.counts(), (Counts{.damaged = 1}));
}

TEST(Tally, LatencyIsFromStampToArrivalAlsoWhereTheClockWraps) {
  Tally tally(7, 4);
  const std::uint64_t wrap = std::uint64_t{1} << 48;
  tally.take(frame(0, 0, 1000), 2500);
  EXPECT_EQ(tally.latency().max().count() / 10, 150);
  tally.take(frame(0, 1, wrap - 500), wrap + 1500);
  EXPECT_EQ(tally.latency().max().count() / 10, 200);
  EXPECT_EQ(tally.latency().count(), 2);
}

TEST(SequenceWindow, IsExactWithinItsLength) {
  std::mt19937 random(1);
  SequenceWindow window;
  std::set<std::uint32_t> seen;
  std::uint32_t highest = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto ahead = static_cast<std::uint32_t>(random() % 40);
    const auto behind = static_cast<std::uint32_t>(random() % 900);
    const std::uint32_t sequence =
        random() % 4 == 0 ? highest + ahead : highest - std::min(highest, behind);
    const bool is_new = seen.insert(sequence).second, is_behind = sequence < highest;
    const auto said = window.see(sequence);
    const auto expected = !is_new     ? SequenceWindow::Seen::kDuplicate
                          : is_behind ? SequenceWindow::Seen::kReordered
                                      : SequenceWindow::Seen::kNew;
    ASSERT_EQ(said, expected) << i << ": " << sequence << ", highest " << highest;
    highest = std::max(highest, sequence);
  }
}

TEST(SequenceWindow, SaysWhatItCannotKnowAndSurvivesJumps) {
  SequenceWindow window;
  window.see(5);
  EXPECT_EQ(window.see(100'000), SequenceWindow::Seen::kNew);
  EXPECT_EQ(window.see(5), SequenceWindow::Seen::kTooLate);
  EXPECT_EQ(window.see(99'999), SequenceWindow::Seen::kReordered);
  EXPECT_EQ(window.see(100'000 - 900), SequenceWindow::Seen::kReordered);
  EXPECT_EQ(window.expected(), 100'001);
}

TEST(SequenceWindow, GoesOnWhereThirtyTwoBitsWrap) {
  SequenceWindow window;
  window.see(0x7ffffff0);
  window.see(0xfffffff0);
  EXPECT_EQ(window.see(0xffffffff), SequenceWindow::Seen::kNew);
  EXPECT_EQ(window.see(1), SequenceWindow::Seen::kNew);
  EXPECT_EQ(window.see(0), SequenceWindow::Seen::kReordered);
  EXPECT_EQ(window.see(0xffffffff), SequenceWindow::Seen::kDuplicate);
  EXPECT_EQ(window.expected(), 0x1'0000'0002);
}

TEST(Report, WhatIsDamagedIsLost) {
  pktgen::Run run;
  run.sent = Sent{.rate = 100, .asked_for = 120, .packets = 100, .given_up = 20, .seconds = 1};
  run.received = Counts{.received = 90, .damaged = 10};
  EXPECT_EQ(lost(run), 10);
  EXPECT_NE(text(run).find("not sent 20: the generator did not reach the rate"), std::string::npos);
  run.sent.reset();
  run.gaps = 3;
  EXPECT_EQ(lost(run), 3);
}

TEST(Report, ALowerBoundIsSaidToBeOne) {
  SearchReport report{"UDP, 1 flow", "ebpf", {}};
  report.sizes.push_back({"64", {{1000, 1100, Throughput::Limit::kDevice}}, 0, {}});
  report.sizes.push_back({"128", {{900, std::nullopt, Throughput::Limit::kHighest}}, 0, {}});
  const Results results = to_results(report, {});
  ASSERT_EQ(results.series.size(), 2);
  EXPECT_EQ(results.series[0].subject.unit, "packets/s");
  EXPECT_EQ(results.series[0].samples, std::vector<double>{1000});
  ASSERT_EQ(results.not_measured.size(), 1);
  EXPECT_EQ(results.not_measured[0].what, "ebpf, 128-byte frames");
}

}  // namespace
}  // namespace fairlead::bench::pktgen
