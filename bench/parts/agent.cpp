// The agent as a process: how soon it is ready, what it holds, and how soon a change in the API is
// one for connections.
//
//   datapath x number of Services -> control plane with all objects -> agent in an empty kernel,
//   agent started again -> memory -> changes of the measured Service: from the write until a
//   connection from outside gets through
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "bench/parts/collector.hpp"
#include "bench/parts/live_world.hpp"
#include "bench/world/plan.hpp"

namespace fairlead::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr Port kServed{8080}, kClosed{8081};
constexpr std::size_t kChanges = 9, kRestarts = 5;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// One connection to the NodePort; the calling thread's namespace.
bool gets_through() {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(measured_address().node_port.host);
  address.sin_addr.s_addr = htonl(0xc6120001);  // 198.18.0.1
  // A packet that is lost while things change must not cost a second.
  const timeval limit{.tv_sec = 0, .tv_usec = 20000};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const linger reset{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

class AgentBench {
 public:
  AgentBench(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  Result<Results> measure() {
    std::vector<std::uint32_t> sizes{1, 1000, 10000};
    if (options_.quick) sizes = {1, 1000};
    if (options_.services_given) sizes = options_.services;
    for (const std::uint32_t services : sizes)
      for (const std::string datapath : {"ebpf", "nftables"}) {
        if (std::ranges::count(options_.ways, datapath) == 0) continue;
        progress_(fmt::format("agent: {}, {} Services", datapath, services));
        if (const auto done = measure(datapath, services); !done)
          collector_.cannot(
              {"agent", fmt::format("{}, {} Services", datapath, services), done.error().doing});
      }
    return collector_.take();
  }

 private:
  Result<> measure(const std::string& datapath, std::uint32_t services) {
    Subject subject{
        "agent", fmt::format("{} Services", services), "", "", "", Better::kLess, services, 3};
    const auto add = [&](const char* traffic, const char* figure, const char* unit, double value) {
      subject.traffic = traffic;
      subject.figure = figure;
      subject.unit = unit;
      collector_.add(subject, datapath, value);
    };
    TRY(const auto live, LiveWorld::make(options_, {.datapath = datapath, .services = services}));
    for (std::size_t i = 0; i <= kRestarts; ++i) {
      const char* start = i == 0 ? "start, empty kernel" : "start again";
      const auto begin = Clock::now();
      TRY_VOID(live->start_agent(datapath));
      add(start, "until ready", "ms", milliseconds_since(begin));
      add(start, "memory", "MiB", status_mib_of(live->agent().pid(), "VmRSS"));
      add(start, "memory of its own", "MiB", status_mib_of(live->agent().pid(), "RssAnon"));
      // One sample a process: those of one process are alike, and would promise too much.
      std::vector<double> changes;
      while (changes.size() < kChanges) {
        TRY(const double ms, measure_change(*live));
        changes.push_back(ms);
      }
      std::ranges::sort(changes);
      add("a change in the API", "until a connection gets through, p50", "ms",
          changes[changes.size() / 2]);
    }
    return {};
  }

  /// The endpoints had a port that nobody serves, and get the one that all serve.
  static Result<double> measure_change(LiveWorld& live) {
    const auto& pods = live.world().pods();
    const Namespace& outside = live.world().of("ext");
    const auto reaches = [&](bool expected) {
      return outside
          .run([&]() -> Result<> {
            return gets_through() == expected ? Result<>{} : invalid("not yet");
          })
          .has_value();
    };
    TRY_VOID(live.set_endpoints(pods, kClosed));
    TRY_VOID(wait_until([&] { return reaches(false); }, "the closed port is refused"));
    const auto start = Clock::now();
    TRY_VOID(live.set_endpoints(pods, kServed));
    while (!reaches(true))
      if (milliseconds_since(start) > 30000)
        return invalid("a change did not reach connections within 30 s");
    return milliseconds_since(start);
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
};

}  // namespace

Result<Results> measure_agent(const BenchOptions& options, const Progress& progress) {
  return AgentBench(options, progress).measure();
}

}  // namespace fairlead::bench
