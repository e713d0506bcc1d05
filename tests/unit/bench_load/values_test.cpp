// What the load generator writes and reads: names, JSON, addresses, tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/load/command.hpp"
#include "bench/load/load.hpp"
#include "bench/load/local_ports.hpp"
#include "bench/load/wire.hpp"

namespace fairlead::bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

LoadResult some_result() {
  LoadResult result{.count = 2000,
                    .failures = 3,
                    .lost = 20,
                    .bytes = 250'000'000,
                    .seconds = 2,
                    .client_cpu_seconds = 0.5,
                    .server_cpu_seconds = 0.25,
                    .latency = {}};
  result.latency.record(50us, 1990);
  result.latency.record(3ms, 10);
  return result;
}

TEST(LoadValues, TrafficsHaveNames) {
  for (const auto traffic :
       {Traffic::kConnections, Traffic::kResetConnections, Traffic::kConnects, Traffic::kRequests,
        Traffic::kStream, Traffic::kDatagrams, Traffic::kUdpRequests})
    EXPECT_EQ(parse_traffic(to_string(traffic)).value(), traffic);
}

TEST(LoadValues, ATrafficThatIsNoneIsAnErrorThatNamesAll) {
  EXPECT_THAT(parse_traffic("smoke").error().doing, HasSubstr("\"smoke\" is none of connections"));
}

TEST(LoadValues, AResultAsJsonIsTheSameResult) {
  const LoadResult result = some_result();
  const auto again = load_result_from_json(to_json(result));
  ASSERT_TRUE(again) << again.error().doing;
  EXPECT_EQ(to_json(*again), to_json(result));
  EXPECT_EQ(again->count, result.count);
  EXPECT_EQ(again->lost, result.lost);
  EXPECT_EQ(again->server_cpu_seconds, result.server_cpu_seconds);
  EXPECT_EQ(again->latency.buckets(), result.latency.buckets());
}

TEST(LoadValues, AResultWithoutTheServersCpuTimeHasNone) {
  LoadResult result = some_result();
  result.server_cpu_seconds.reset();
  EXPECT_EQ(load_result_from_json(to_json(result)).value().server_cpu_seconds, std::nullopt);
}

TEST(LoadValues, WrongJsonIsAnErrorThatNamesTheField) {
  for (const auto& [text, error] : std::vector<std::pair<std::string, std::string>>{
           {"", "not the result of a load"},
           {"[]", "not the result of a load"},
           {"{}", "count: missing"},
           {R"({"count": "many"})", "count: no number"},
           {R"({"count": -1})", "count: no number, or out of range"}})
    EXPECT_THAT(load_result_from_json(text).error().doing, HasSubstr(error)) << text;
  std::string text = to_json(some_result());
  text.replace(text.find("\"latency\":["), 11, "\"latency\":[[1],");
  EXPECT_THAT(load_result_from_json(text).error().doing, HasSubstr("latency"));
}

TEST(LoadValues, CountsAreALine) {
  const Counts counts{.accepted = 1, .received_bytes = 2, .datagrams = 3, .cpu_seconds = 0.25};
  EXPECT_EQ(to_line(counts).back(), '\n');
  EXPECT_EQ(parse_counts(to_line(counts)).value(), counts);
  EXPECT_THAT(parse_counts("HTTP/1.1 400 Bad Request\n").error().doing,
              HasSubstr("not understood: \"HTTP/1.1 400 Bad Request\""));
}

TEST(LoadValues, ServersAreAddressesWithAPort) {
  EXPECT_EQ(to_string(parse_server_address("10.0.0.1:80")->address), "10.0.0.1");
  EXPECT_EQ(parse_server_address("10.0.0.1:80")->port.host, 80);
  EXPECT_EQ(to_string(parse_server_address("[::1]:8080")->address), "::1");
  EXPECT_EQ(parse_server_address("[::1]:8080")->port.host, 8080);
}

TEST(LoadValues, WhatIsNoServerIsAnErrorThatSaysWhy) {
  for (const auto& [text, error] :
       std::vector<std::pair<std::string, std::string>>{{"", "not of the form"},
                                                        {"10.0.0.1", "not of the form"},
                                                        {"::1:80", "not of the form"},
                                                        {"[]:80", "not"},
                                                        {"[10.0.0.1]:80", "brackets are for IPv6"},
                                                        {"web:80", "web"},
                                                        {":80", "\"\""},
                                                        {"10.0.0.1:", "the port is no number"},
                                                        {"10.0.0.1:http", "the port is no number"},
                                                        {"10.0.0.1:0", "between 1 and 65535"},
                                                        {"10.0.0.1:65536", "between 1 and 65535"},
                                                        {"[::1]:80]", "the port is no number"}}) {
    const auto parsed = parse_server_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().doing, HasSubstr(error)) << text;
  }
}

TEST(LoadValues, TheTableHasEveryFigureWithItsUnit) {
  EXPECT_EQ(to_table(some_result(), {.traffic = Traffic::kRequests}),
            "requests           2000 in 2.000 s, 1000 a second\n"
            "failures           3\n"
            "p50                50.02 us\n"
            "p90                50.02 us\n"
            "p99                50.02 us\n"
            "p99.9              3.00 ms\n"
            "max                3.00 ms\n"
            "client CPU         250.00 us each, 25 % of a CPU\n"
            "server CPU         125.00 us each, 12 % of a CPU\n"
            "throughput         1.000 Gbit/s to the server, 250000000 bytes\n");
}

TEST(LoadValues, TheTableOfDatagramsHasWhatWasLost) {
  EXPECT_THAT(to_table(some_result(), {.traffic = Traffic::kDatagrams}),
              HasSubstr("lost               20, 1.000 %\n"));
}

TEST(LoadValues, ConnectionsInTimeWaitAreThoseOfTcp) {
  EXPECT_EQ(parse_time_wait("sockets: used 61\nTCP: inuse 5 orphan 0 tw 12 alloc 7 mem 1\n"
                            "UDP: inuse 0 mem 0\nFRAG: inuse 0 memory 0\n")
                .value(),
            12U);
  EXPECT_FALSE(parse_time_wait("sockets: used 61\nUDP: inuse 0 tw 3\n"));
  EXPECT_FALSE(parse_time_wait("TCP: inuse 5 tw\n"));
}

}  // namespace
}  // namespace fairlead::bench
