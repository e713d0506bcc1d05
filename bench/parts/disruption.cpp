// What is lost while things change: a world whose node has a real agent and a real control plane,
// new connections and long ones at a fixed rate all the while, and every one of them counted.
//
//   datapath -> control plane, agent -> load from a pod and from outside -> endpoints change, the
//   agent is killed and starts again, another datapath takes over -> failures, and the longest
//   answer
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "bench/parts/collector.hpp"
#include "bench/parts/live_world.hpp"
#include "bench/parts/part.hpp"

namespace fairlead::bench {
namespace {

constexpr double kNewPerSecond = 400, kRequestsPerSecond = 800;
constexpr std::uint32_t kLong = 50;

struct Stream {
  const char* traffic;
  Client client;
  Target target;
  Traffic kind;
  double rate;
  std::uint32_t connections;
};
constexpr std::array kStreams{
    Stream{"new connections, pod to ClusterIP", Client::kPod, Target::kClusterIp,
           Traffic::kConnections, kNewPerSecond, 16},
    Stream{"new connections, from outside to NodePort", Client::kExternal, Target::kNodePort,
           Traffic::kConnections, kNewPerSecond, 16},
    Stream{"long connections, pod to ClusterIP", Client::kPod, Target::kClusterIp,
           Traffic::kRequests, kRequestsPerSecond, kLong},
    Stream{"long connections, from outside to NodePort", Client::kExternal, Target::kNodePort,
           Traffic::kRequests, kRequestsPerSecond, kLong}};

class Disruption {
 public:
  Disruption(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  Result<Results> measure() {
    for (const std::string datapath : {"ebpf", "nftables"}) {
      if (std::ranges::count(options_.ways, datapath) == 0) continue;
      if (const auto done = measure(datapath); !done)
        collector_.cannot({"disruption", datapath, done.error().doing});
    }
    return collector_.take();
  }

 private:
  Result<> measure(const std::string& datapath) {
    progress_(fmt::format("disruption: {}: control plane and agent", datapath));
    TRY(const auto live, LiveWorld::make(options_, {.datapath = datapath, .services = 1}));
    TRY_VOID(live->start_agent(datapath));
    const std::string other = datapath == "ebpf" ? "nftables" : "ebpf";
    const std::vector<std::string>& pods = live->world().pods();
    unsigned turn = 0;
    TRY_VOID(measure(*live, datapath, "endpoints change all the while", [&] {
      const std::size_t left_out = turn++ % pods.size();
      std::vector<std::string> some;
      for (std::size_t i = 0; i < pods.size(); ++i)
        if (i != left_out) some.push_back(pods[i]);
      return live->set_endpoints(some, {8080});
    }));
    TRY_VOID(measure(*live, datapath, "the agent is killed and starts again, again and again",
                     [&] { return live->start_agent(datapath); }));
    return measure(*live, datapath, fmt::format("to the other datapath and back"),
                   [&] { return live->start_agent(turn++ % 2 == 0 ? other : datapath); });
  }

  /// `disturb` is called again and again while the load runs.
  Result<> measure(const LiveWorld& live, const std::string& way, const std::string& test,
                   const std::function<Result<>()>& disturb) {
    progress_(fmt::format("disruption: {}: {}", way, test));
    const double seconds = options_.quick ? 4 : 20;
    std::vector<Child> loads;
    for (const Stream& stream : kStreams) {
      LoadOptions load;
      load.traffic = stream.kind;
      load.seconds = seconds;
      load.connections = stream.connections;
      load.rate = stream.rate;
      TRY(Child child, live.world().begin(stream.client, stream.target, std::move(load)));
      loads.push_back(std::move(child));
    }
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                               std::chrono::duration<double>(seconds * 0.9));
    std::uint32_t times = 0;
    while (std::chrono::steady_clock::now() < end) {
      TRY_VOID(disturb());
      ++times;
    }
    for (std::size_t i = 0; i < loads.size(); ++i) {
      TRY(const std::string text, loads[i].output());
      TRY(const LoadResult result, load_result_from_json(text));
      if (result.count == 0) return invalid(fmt::format("{}: nothing got through", test));
      file(way, test, kStreams[i].traffic, result);
    }
    add(way, test, "", "times", "", Better::kMore, times);
    return {};
  }

  void file(const std::string& way, const std::string& test, const char* traffic,
            const LoadResult& result) {
    const auto ms = [&](double part) {
      return std::chrono::duration<double, std::milli>(result.latency.quantile(part)).count();
    };
    add(way, test, traffic, "failed", "", Better::kLess, static_cast<double>(result.failures));
    add(way, test, traffic, "of", "", Better::kMore, static_cast<double>(result.count));
    add(way, test, traffic, "longest", "ms", Better::kLess, ms(1));
  }

  void add(const std::string& way, const std::string& test, const char* traffic, const char* figure,
           const char* unit, Better better, double value) {
    collector_.add({"disruption", test, traffic, figure, unit, better, 0, 0}, way, value);
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
};

}  // namespace

Result<Results> measure_disruption(const BenchOptions& options, const Progress& progress) {
  return Disruption(options, progress).measure();
}

}  // namespace fairlead::bench
