// Clients and servers over loopback: what is counted, and what is said when it goes wrong.
#include "bench/load/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <new>

#include "bench/load/control.hpp"
#include "tests/unit/bench_load/servers.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace fairlead::bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::array kExchanges{Traffic::kConnections, Traffic::kResetConnections,
                                Traffic::kConnects, Traffic::kRequests, Traffic::kUdpRequests};
constexpr std::array kAll{Traffic::kConnections, Traffic::kResetConnections, Traffic::kConnects,
                          Traffic::kRequests,    Traffic::kStream,           Traffic::kDatagrams,
                          Traffic::kUdpRequests};

LoadOptions load_of(Traffic traffic, const Ip& address, Port port) {
  return {.traffic = traffic, .address = address, .port = port, .seconds = 0.05};
}

LoadResult run(const LoadOptions& options) {
  auto result = run_load(options);
  EXPECT_TRUE(result) << to_string(options.traffic) << ": " << result.error().doing;
  return result ? *result : LoadResult{};
}

std::string error_of(const LoadOptions& options) {
  const auto result = run_load(options);
  return result ? "no error" : result.error().doing;
}

/// What holds for every traffic in which all went well.
void expect_consistent(const LoadOptions& options, const LoadResult& result) {
  SCOPED_TRACE(testing::Message() << to_string(options.traffic) << ", " << options.threads
                                  << " threads, " << options.connections << " connections");
  EXPECT_GT(result.count, 0U);
  EXPECT_EQ(result.failures, 0U);
  EXPECT_GE(result.seconds, options.seconds);
  EXPECT_GT(result.client_cpu_seconds, 0);
  ASSERT_TRUE(result.server_cpu_seconds);
  EXPECT_GT(*result.server_cpu_seconds, 0);
  const bool is_one_way =
      options.traffic == Traffic::kStream || options.traffic == Traffic::kDatagrams;
  EXPECT_EQ(result.latency.count(), is_one_way ? 0 : result.count);
  const std::uint64_t each = options.traffic == Traffic::kConnects ? 0 : options.bytes;
  if (options.traffic == Traffic::kStream)
    EXPECT_GE(result.bytes, result.count * (64 << 10));
  else
    EXPECT_EQ(result.bytes, (result.count - result.lost) * each);
}

TEST(Load, EveryTrafficCountsWhatWentWithOneAndManyConnectionsAndThreads) {
  const RunningServer server(loopback(), 2);
  for (const Traffic traffic : kAll)
    for (const std::uint32_t threads : {1U, 2U})
      for (const std::uint32_t connections : {1U, 5U}) {
        LoadOptions options = load_of(traffic, loopback(), server.port());
        options.threads = threads;
        options.connections = connections;
        expect_consistent(options, run(options));
      }
}

TEST(Load, EveryTrafficGoesOverIpv6) {
  const Ip address = parse_ip("::1").value();
  const RunningServer server(address);
  for (const Traffic traffic : kAll) {
    const LoadOptions options = load_of(traffic, address, server.port());
    expect_consistent(options, run(options));
  }
}

TEST(Load, AServerOnAllAddressesAnswersBothFamiliesFromTheAddressThatWasAsked) {
  const RunningServer server(Ip{});
  for (const char* address : {"127.0.0.1", "127.0.0.77", "::1"})
    for (const Traffic traffic : {Traffic::kUdpRequests, Traffic::kRequests}) {
      const LoadOptions options = load_of(traffic, parse_ip(address).value(), server.port());
      expect_consistent(options, run(options));
    }
}

TEST(Load, LargeRequestsComeBackWhole) {
  const RunningServer server(loopback());
  for (const auto& [traffic, bytes] :
       {std::pair{Traffic::kRequests, kMaxBytes}, {Traffic::kUdpRequests, 65507U}})
    for (const std::uint32_t connections : {1U, 7U}) {
      LoadOptions options = load_of(traffic, loopback(), server.port());
      options.bytes = bytes;
      options.connections = connections;
      expect_consistent(options, run(options));
    }
}

TEST(Load, AnOpenLoopAsksExactlyAsOftenAsTheRateSays) {
  const RunningServer server(loopback());
  for (const Traffic traffic : kExchanges)
    for (const std::uint32_t threads : {1U, 3U}) {
      LoadOptions options = load_of(traffic, loopback(), server.port());
      options.threads = threads;
      options.connections = 4;
      options.rate = 3000;
      const LoadResult result = run(options);
      EXPECT_EQ(result.count, 150U) << to_string(traffic);
      EXPECT_EQ(result.failures, 0U);
    }
}

TEST(Load, DatagramsAtARateAreAsMany) {
  const RunningServer server(loopback());
  LoadOptions options = load_of(Traffic::kDatagrams, loopback(), server.port());
  options.seconds = 0.2;
  options.rate = 2000;
  options.bytes = 100;
  const LoadResult result = run(options);
  EXPECT_LE(result.count, 400U);
  EXPECT_GT(result.count, 0U);
  EXPECT_EQ(result.lost, 0U);
  EXPECT_EQ(result.bytes, result.count * 100);
}

TEST(Load, DatagramsThatTheServerDoesNotSeeAreLost) {
  const RunningServer server(loopback());
  const DeafSocket elsewhere;
  LoadOptions options = load_of(Traffic::kDatagrams, loopback(), elsewhere.port());
  options.control = ServerAddress{.address = loopback(), .port = server.port()};
  options.rate = 1000;
  const LoadResult result = run(options);
  EXPECT_GT(result.count, 0U);
  EXPECT_EQ(result.lost, result.count);
  EXPECT_EQ(result.bytes, 0U);
}

/// The same server, which once stops for a while; asked in a closed and in an open loop.
TEST(Load, APauseOfTheServerIsSeenByTheOpenLoopAndHiddenByTheClosedOne) {
  constexpr auto kPause = 300ms;
  const RunningServer control(loopback());
  const auto p99 = [&](std::optional<double> rate) {
    const BadServer server({.stall_after = 100, .stall = kPause});
    LoadOptions options = load_of(Traffic::kRequests, loopback(), server.port());
    options.control = ServerAddress{.address = loopback(), .port = control.port()};
    options.seconds = 1;
    options.rate = rate;
    const LoadResult result = run(options);
    EXPECT_GE(result.latency.max(), kPause);
    return result.latency.quantile(0.99);
  };
  // Nearly a third of the times at which to ask fall into the pause.
  EXPECT_GE(p99(1000), kPause * 9 / 10);
  EXPECT_LT(p99({}), kPause / 2);
}

TEST(Load, AConnectionThatTheServerClosesIsAFailureAndIsTriedAgain) {
  const RunningServer control(loopback());
  for (const bool is_open : {false, true}) {
    const BadServer server({.close_after = 10});
    LoadOptions options = load_of(Traffic::kRequests, loopback(), server.port());
    options.control = ServerAddress{.address = loopback(), .port = control.port()};
    if (is_open) options.rate = 2000;
    const LoadResult result = run(options);
    EXPECT_GT(result.count, 10U) << "it was connected again";
    EXPECT_GT(result.failures, 0U);
    EXPECT_TRUE(!is_open || result.count + result.failures == 100) << "each that was due";
  }
}

TEST(Load, WhereNobodyListensIsAnErrorWithTheAddress) {
  Port port;
  { port = RunningServer(loopback()).port(); }
  for (const Traffic traffic : kAll)
    EXPECT_EQ(error_of(load_of(traffic, loopback(), port)),
              "connect to " + to_string(loopback(), port) + ": Connection refused");
}

TEST(Load, ALoadOfWhichNothingSucceedsIsAnError) {
  const RunningServer control(loopback());
  Port port;
  { port = RunningServer(loopback()).port(); }
  for (const Traffic traffic : kExchanges)
    for (const std::uint32_t connections : {1U, 3U}) {
      LoadOptions options = load_of(traffic, loopback(), port);
      options.control = ServerAddress{.address = loopback(), .port = control.port()};
      options.connections = connections;
      EXPECT_THAT(error_of(options),
                  HasSubstr("connect to " + to_string(loopback(), port) + ": Connection refused"))
          << to_string(traffic);
    }
}

TEST(Load, AServerThatIsNotOursIsAnError) {
  const BadServer echo({});
  EXPECT_THAT(error_of(load_of(Traffic::kRequests, loopback(), echo.port())),
              HasSubstr("the server's answer is not understood"));
}

TEST(Load, OptionsThatMakeNoSenseAreErrorsThatNameThem) {
  const LoadOptions good = load_of(Traffic::kRequests, loopback(), Port{1});
  const auto with = [&](auto change) {
    LoadOptions options = good;
    change(options);
    return error_of(options);
  };
  EXPECT_THAT(with([](auto& o) { o.port = {}; }), HasSubstr("port: 0"));
  EXPECT_THAT(with([](auto& o) { o.seconds = 0; }), HasSubstr("seconds: 0"));
  EXPECT_THAT(with([](auto& o) { o.seconds = std::numeric_limits<double>::quiet_NaN(); }),
              HasSubstr("seconds: nan"));
  EXPECT_THAT(with([](auto& o) { o.threads = 0; }), HasSubstr("threads: 0"));
  EXPECT_THAT(with([](auto& o) { o.connections = 0; }), HasSubstr("connections: 0"));
  EXPECT_THAT(with([](auto& o) { o.bytes = 0; }), HasSubstr("bytes: 0"));
  EXPECT_THAT(with([](auto& o) { o.bytes = kMaxBytes + 1; }), HasSubstr("bytes: 65537"));
  EXPECT_THAT(with([](auto& o) { o.rate = -5; }), HasSubstr("rate: -5"));
  EXPECT_THAT(with([](auto& o) {
                o.traffic = Traffic::kStream;
                o.rate = 5;
              }),
              HasSubstr("rate: a stream has none"));
}

TEST(Load, ACpuThatDoesNotExistIsAnError) {
  const RunningServer server(loopback());
  LoadOptions options = load_of(Traffic::kRequests, loopback(), server.port());
  options.cpus = {100'000};
  EXPECT_THAT(error_of(options), HasSubstr("run on CPU 100000"));
  options.cpus = {0};
  expect_consistent(options, run(options));
}

TEST(Load, AServerOnAPortThatIsTakenIsAnError) {
  const RunningServer server(loopback());
  EXPECT_THAT(serve({.address = loopback(), .port = server.port(), .cpus = {}}).error().doing,
              HasSubstr("listen on " + to_string(loopback(), server.port())));
}

TEST(Load, TheServerKnowsHowManyConnectionsItHasAccepted) {
  const RunningServer server(loopback(), 2);
  for (const Traffic traffic : {Traffic::kConnections, Traffic::kResetConnections}) {
    auto control = Control::open(loopback(), server.port());
    ASSERT_TRUE(control);
    const Counts before = control->ask().value();
    const LoadResult result = run(load_of(traffic, loopback(), server.port()));
    const Counts after = control->ask().value();
    EXPECT_EQ(after.accepted - before.accepted, result.count + 1) << "one more is control";
  }
}

TEST(Load, ASilentConnectionDoesNotKeepOthersWaiting) {
  const RunningServer server(loopback());
  const SocketAddress address(loopback(), server.port());
  const Fd silent = open_socket(address, SOCK_STREAM);
  ASSERT_EQ(::connect(silent.get(), address.get(), address.size), 0);
  const LoadOptions options = load_of(Traffic::kConnections, loopback(), server.port());
  expect_consistent(options, run(options));
}

/// What is allocated is so before the start and after the end, however long it takes.
TEST(Load, NothingIsAllocatedWhileItRuns) {
  const RunningServer server(loopback());
  for (const Traffic traffic : {Traffic::kConnections, Traffic::kRequests, Traffic::kUdpRequests})
    for (const std::uint32_t connections : {1U, 5U}) {
      LoadOptions options = load_of(traffic, loopback(), server.port());
      options.connections = connections;
      const auto allocated_in = [&](double seconds) {
        options.seconds = seconds;
        const std::uint64_t before = allocations;
        const auto result = run_load(options);
        EXPECT_TRUE(result) << result.error().doing;
        return allocations - before;
      };
      allocated_in(0.01);
      // The list of control connections may grow by one where the last is not yet seen to be gone.
      EXPECT_NEAR(static_cast<double>(allocated_in(0.02)), static_cast<double>(allocated_in(0.2)),
                  8)
          << to_string(traffic);
    }
}

}  // namespace
}  // namespace fairlead::bench
