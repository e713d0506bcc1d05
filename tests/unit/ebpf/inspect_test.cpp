// What people are told: of the packet that is traced, of tables, of counters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

#include "bpf/abi/frontends.h"
#include "dataplane/ebpf/figures.hpp"
#include "dataplane/ebpf/names.hpp"
#include "dataplane/ebpf/trace.hpp"

namespace fairlead::ebpf {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

fl_address address(std::string_view text) {
  fl_address result{};
  const Ip ip = parse_ip(text).value();
  std::memcpy(&result, ip.bytes.data(), sizeof(result));
  return result;
}

TracedPacket packet(std::string_view source, std::string_view destination, Protocol protocol) {
  return {.source = parse_ip(source).value(),
          .destination = parse_ip(destination).value(),
          .source_port = Port{40000},
          .destination_port = Port{80},
          .protocol = protocol};
}

/// RFC 1071: the sum over what a checksum covers, itself included, is all ones.
std::uint16_t sum_of(std::span<const std::byte> bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += std::to_integer<std::uint32_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += std::to_integer<std::uint32_t>(bytes[i + 1]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

TEST(FirstPacket, HasRightChecksumsInBothFamilies) {
  const auto v4 = first_packet(packet("10.244.1.5", "10.96.0.10", Protocol::kTcp)).value();
  ASSERT_EQ(v4.size(), 14U + 20 + 20);
  const std::span all(v4);
  EXPECT_EQ(sum_of(all.subspan(14, 20), 0), 0xffff) << "IPv4 header";
  // Pseudo-header: both addresses lie at 12 to 20 of the IP header.
  EXPECT_EQ(sum_of(all.subspan(14 + 12, 8 + 20), 6 + 20), 0xffff) << "TCP";

  const auto v6 = first_packet(packet("fd00:244:1::5", "fd00:96::a", Protocol::kUdp)).value();
  ASSERT_EQ(v6.size(), 14U + 40 + 8);
  EXPECT_EQ(sum_of(std::span(v6).subspan(14 + 8, 32 + 8), 17 + 8), 0xffff) << "UDP";
}

TEST(FirstPacket, WhatCannotBeMadeUpIsRefused) {
  EXPECT_THAT(first_packet(packet("10.244.1.5", "fd00:96::a", Protocol::kTcp)).error().doing,
              HasSubstr("two families"));
  EXPECT_FALSE(first_packet(packet("10.244.1.5", "10.96.0.10", Protocol::kSctp)));
}

TEST(Trace, IsToldInSentences) {
  const Ip client = parse_ip("198.18.0.250").value();
  const auto decisions = [&](const fl_trace& trace) { return describe(trace, client).decisions; };
  fl_trace trace{};
  EXPECT_THAT(decisions(trace), ElementsAre(HasSubstr("neither a frontend nor a flow")));
  trace.drop = FL_DROP_UNALLOCATED;
  EXPECT_THAT(decisions(trace), ElementsAre("dropped: unallocated"));

  trace = {};
  trace.step = FL_TRACE_FRONTEND;
  trace.scope = FL_SCOPE_EXTERNAL;
  trace.verdict = FL_VERDICT_LOCAL;
  trace.backend = address("10.244.1.5");
  trace.backend_port = htons(8080);
  trace.new_source = address("198.18.0.1");
  trace.new_source_port = htons(20000);
  trace.maglev = 1;
  const Trace told = describe(trace, client);
  EXPECT_THAT(told.decisions, Contains(HasSubstr("scope external")));
  EXPECT_THAT(told.decisions, Contains(HasSubstr("only backends on this node")));
  EXPECT_THAT(told.decisions, Contains(HasSubstr("Maglev")));
  EXPECT_THAT(told.decisions, Contains(HasSubstr("masqueraded: leaves as from 198.18.0.1,")));
  EXPECT_EQ(to_string(told.backend->address, told.backend->port), "10.244.1.5:8080");

  trace.new_source = address("198.18.0.250");
  EXPECT_THAT(decisions(trace), Contains("keeps its source address"));

  trace.drop = FL_DROP_SOURCE_RANGE;
  EXPECT_THAT(decisions(trace), Contains("dropped: source_range"));
  EXPECT_FALSE(describe(trace, client).backend);
}

TEST(Trace, OfAKnownFlowHasItsPort) {
  fl_trace trace{};
  trace.step = FL_TRACE_FLOW;
  trace.backend = address("10.244.1.5");
  trace.new_source = address("198.18.0.1");
  trace.new_source_port = htons(20000);
  EXPECT_THAT(describe(trace, parse_ip("198.18.0.250").value()).decisions,
              Contains(HasSubstr("198.18.0.1 port 20000")));
}

TEST(Names, AreThereForEveryNumber) {
  EXPECT_EQ(drop_name(FL_DROP_TABLES), "tables");
  EXPECT_EQ(counter_name(FL_COUNT_DATAGRAMS), "datagrams");
  EXPECT_EQ(hook_name(FL_HOOK_TC_EGRESS), "tc egress");
  EXPECT_EQ(drop_name(99), "unknown");
}

TEST(Flows, AreLiveAsLongAsTheirProtocolAndPhaseSay) {
  const fl_timeouts timeouts{.tcp_new = 60,
                             .tcp_established = 1000,
                             .tcp_closing = 100,
                             .closed = 10,
                             .udp_new = 30,
                             .udp_established = 120};
  constexpr std::uint8_t kEstablished = FL_FLOW_ESTABLISHED, kClosed = FL_FLOW_CLOSED;
  std::array<fl_bucket4, 3> buckets{};
  const auto flow = [&](std::size_t bucket, std::size_t way, std::uint8_t protocol,
                        std::uint8_t state, std::uint32_t age) {
    buckets.at(bucket).way[way].protocol = protocol;
    buckets.at(bucket).way[way].state = state;
    buckets.at(bucket).way[way].stamp = fl_stamp(5000 - age, 0);
  };
  flow(0, 0, IPPROTO_TCP, kEstablished | FL_FLOW_SPILLED, 900);
  flow(0, 1, IPPROTO_TCP, kClosed | FL_FLOW_REPLY, 11);
  flow(1, 0, IPPROTO_UDP, FL_FLOW_NEW, 31);
  flow(1, 1, IPPROTO_UDP, FL_FLOW_ESTABLISHED, 31);
  const FlowEntries entries = count_flows(std::span<const fl_bucket4>(buckets), timeouts, 5000);
  EXPECT_EQ(entries.live, 2U);
  EXPECT_EQ(entries.over, 2U);
  EXPECT_EQ(entries.spilled, 1U);
}

}  // namespace
}  // namespace fairlead::ebpf
