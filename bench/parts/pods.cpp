// What two pods cost each other, beside two namespaces that one veth pair joins.
//
//   one node, plain routes, VXLAN -> a pair of pods a way, all at once, a server in each ->
//   requests and streams round by round: a sample of every pair, in turn
//
// Client and server share one CPU: what the way costs is all that differs, and not how the
// scheduler placed them.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bench/load/load.hpp"
#include "bench/parts/collector.hpp"
#include "bench/parts/part.hpp"
#include "bench/parts/pod_pairs.hpp"
#include "bench/world/load_children.hpp"

namespace fairlead::bench {
namespace {

constexpr Port kPort{8080};

struct ServedPair {
  PodPair pair;
  Child server;
};

class Pods {
 public:
  Pods(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  Result<Results> measure() {
    for (const Between between : kBetween) {
      make_pairs(between);
      measure(between, Traffic::kRequests);
      measure(between, Traffic::kStream);
      pairs_.clear();
    }
    return collector_.take();
  }

 private:
  void make_pairs(Between between) {
    for (const PairWay& way : pair_ways(between)) {
      const std::string what = fmt::format("{}: {}", to_string(between), way.name);
      progress_("pods: " + what);
      auto served = make(way);
      if (served)
        pairs_.push_back(*std::move(served));
      else
        collector_.cannot({"pods", what, served.error().doing});
    }
  }

  Result<ServedPair> make(const PairWay& way) {
    TRY(PodPair pair, way.make(options_));
    const ChildSetting setting{
        .network_namespace = pair.server.fd(), .cgroup = {}, .cpu = options_.cpu, .hurries = true};
    TRY(Child server, start_server(setting, kPort));
    return ServedPair{std::move(pair), std::move(server)};
  }

  void measure(Between between, Traffic traffic) {
    std::vector<const PodPair*> pairs;
    for (const ServedPair& served : pairs_) pairs.push_back(&served.pair);
    std::map<const PodPair*, std::vector<LoadResult>> samples;
    for (unsigned round = 0; round <= options_.rounds; ++round) {
      progress_(fmt::format("pods: {}, {}: round {} of {}", to_string(between), to_string(traffic),
                            round, options_.rounds));
      std::ranges::reverse(pairs);
      std::erase_if(pairs, [&](const PodPair* pair) {
        auto sample = sample_of(*pair, traffic, round == 0 ? 0.05 : options_.seconds);
        if (sample && sample->count > 0 && sample->failures == 0) {
          if (round > 0) samples[pair].push_back(*std::move(sample));  // the first warms up
          return false;
        }
        samples.erase(pair);
        collector_.cannot(
            {"pods", fmt::format("{}: {}, {}", to_string(between), pair->way, to_string(traffic)),
             sample ? fmt::format("{} of {} failed", sample->failures, sample->count)
                    : sample.error().doing});
        return true;
      });
    }
    for (const ServedPair& served : pairs_)
      for (const LoadResult& sample : samples[&served.pair])
        file(between, traffic, served.pair.way, sample);
  }

  Result<LoadResult> sample_of(const PodPair& pair, Traffic traffic, double seconds) const {
    LoadOptions load;
    load.traffic = traffic;
    load.seconds = seconds;
    load.address = pair.address;
    load.port = kPort;
    const ChildSetting setting{
        .network_namespace = pair.client.fd(), .cgroup = {}, .cpu = options_.cpu, .hurries = true};
    TRY(Child child, start_load(setting, load));
    TRY(const std::string text, child.output());
    return load_result_from_json(text);
  }

  void file(Between between, Traffic traffic, const std::string& way, const LoadResult& sample) {
    const double cpu = sample.client_cpu_seconds + sample.server_cpu_seconds.value_or(0);
    const auto add = [&](const char* figure, const char* unit, Better better, double value) {
      collector_.add({"pods", std::string(to_string(between)), std::string(to_string(traffic)),
                      figure, unit, better, 0, 0},
                     way, value);
    };
    if (traffic == Traffic::kStream) {
      add("a second of CPU", "Gbit/s", Better::kMore,
          static_cast<double>(sample.bytes) * 8 / 1e9 / cpu);
      return;
    }
    add("a second of CPU", "1/s", Better::kMore, static_cast<double>(sample.count) / cpu);
    add("p50", "us", Better::kLess,
        std::chrono::duration<double, std::micro>(sample.latency.quantile(0.5)).count());
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
  std::vector<ServedPair> pairs_;
};

}  // namespace

Result<Results> measure_pods(const BenchOptions& options, const Progress& progress) {
  return Pods(options, progress).measure();
}

}  // namespace fairlead::bench
