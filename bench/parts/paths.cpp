// What a connection costs by each way, beside the same connection made directly.
//
//   underlay x number of Services -> one world a way, all at once -> traffic by traffic, round by
//   round: a sample of every world, in turn -> figures of each sample
//
// The samples of one round follow each other closely, so that other work on the machine falls on
// all ways alike; the order turns round with each round. Rates are those of a second of CPU time of
// client and server, which such work disturbs less than a second of the clock.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "bench/parts/collector.hpp"
#include "bench/parts/loading_times.hpp"
#include "bench/parts/part.hpp"
#include "bench/world/world.hpp"

namespace fairlead::bench {
namespace {

constexpr std::uint32_t kEndpoints = 3;

struct Path {
  const char* test;
  Client client;
  Target target;
  Underlay underlay;
  bool is_first;  // gets every traffic and every number of Services, the others the usual ones
};
constexpr std::array kPaths{
    Path{"ClusterIP, same node", Client::kPod, Target::kClusterIp, Underlay::kSameNode, true},
    Path{"NodePort, backend on the node", Client::kExternal, Target::kNodePort, Underlay::kSameNode,
         true},
    Path{"LoadBalancer, backend on the node", Client::kExternal, Target::kLoadBalancer,
         Underlay::kSameNode, false},
    Path{"hairpin: a pod by its own Service", Client::kHairpin, Target::kClusterIp,
         Underlay::kSameNode, false},
    Path{"ClusterIP, other node, routed", Client::kPod, Target::kClusterIp, Underlay::kRouted,
         false},
    Path{"NodePort, other node, routed", Client::kExternal, Target::kNodePort, Underlay::kRouted,
         false},
    Path{"ClusterIP, other node, VXLAN", Client::kPod, Target::kClusterIp, Underlay::kVxlan, false},
    Path{"NodePort, other node, VXLAN", Client::kExternal, Target::kNodePort, Underlay::kVxlan,
         false}};

struct Kind {
  const char* name;
  Traffic traffic;
  std::uint32_t connections;
  std::uint32_t bytes;
  bool is_usual;
};
constexpr std::array kKinds{
    Kind{"connections", Traffic::kConnections, 1, 1, true},
    Kind{"requests", Traffic::kRequests, 1, 1, true},
    Kind{"connections closed by reset", Traffic::kResetConnections, 1, 1, false},
    Kind{"connect() alone", Traffic::kConnects, 1, 1, false},
    Kind{"one stream", Traffic::kStream, 1, 1, false},
    Kind{"eight streams", Traffic::kStream, 8, 1, false},
    Kind{"UDP requests", Traffic::kUdpRequests, 1, 64, false},
    Kind{"UDP datagrams", Traffic::kDatagrams, 1, 64, false}};

/// One Service less than that would be no Service; on two nodes one number is enough.
std::vector<std::uint32_t> services_for(Underlay underlay, const BenchOptions& options) {
  if (underlay == Underlay::kSameNode) return options.services;
  return {options.services.front()};
}

class Paths {
 public:
  Paths(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress), loading_(options.quick) {}

  Result<Results> measure() {
    for (const Underlay underlay : {Underlay::kSameNode, Underlay::kRouted, Underlay::kVxlan})
      for (const std::uint32_t services : services_for(underlay, options_)) {
        make_worlds(underlay, services);
        for (const Path& path : kPaths)
          if (path.underlay == underlay && (path.is_first || services == options_.services.front()))
            measure(path, services);
        worlds_.clear();
      }
    return collector_.take();
  }

 private:
  void make_worlds(Underlay underlay, std::uint32_t services) {
    for (const std::string& way : options_.ways) {
      const std::string what =
          fmt::format("{} with {} Services, {}", way, services, to_string(underlay));
      if (const auto why = loading_.why_not(way, services)) {
        collector_.cannot({"paths", what, *why});
        continue;
      }
      progress_(fmt::format("paths: loading {}", what));
      const std::string name = fmt::format("{}-{}", worlds_.size(), services);
      auto world = World::make({.way = way,
                                .ways = options_.tools,
                                .services = services,
                                .endpoints = kEndpoints,
                                .underlay = underlay,
                                .cpu = options_.cpu,
                                .pins = options_.pins + "/" + name,
                                .scratch = options_.scratch + "/" + name});
      if (!world) {
        collector_.cannot({"paths", what, world.error().doing});
        continue;
      }
      loading_.note(way, services, (*world)->installing().seconds);
      worlds_.push_back(*std::move(world));
    }
  }

  void measure(const Path& path, std::uint32_t services) {
    for (const Kind& kind : kKinds)
      if (kind.is_usual || (path.is_first && services == options_.services.front()))
        measure(path, kind, services);
  }

  void measure(const Path& path, const Kind& kind, std::uint32_t services) {
    std::vector<const World*> worlds;
    for (const auto& world : worlds_) worlds.push_back(world.get());
    std::map<const World*, std::vector<Sample>> samples;
    for (unsigned round = 0; round <= options_.rounds; ++round) {
      progress_(fmt::format("paths: {}, {} Services, {}: round {} of {}", path.test, services,
                            kind.name, round, options_.rounds));
      std::ranges::reverse(worlds);
      std::erase_if(worlds, [&](const World* world) {
        LoadOptions load;
        load.traffic = kind.traffic;
        load.seconds = round == 0 ? 0.05 : options_.seconds;  // the first warms up
        load.connections = kind.connections;
        load.bytes = kind.bytes;
        auto sample = world->measure(path.client, path.target, std::move(load));
        if (sample && sample->load.count > 0 && sample->load.failures == 0) {
          if (round > 0) samples[world].push_back(*std::move(sample));
          return false;
        }
        samples.erase(world);
        collector_.cannot(
            {"paths", fmt::format("{}, {}, {}", world->way(), path.test, kind.name),
             sample ? fmt::format("{} of {} failed", sample->load.failures, sample->load.count)
                    : sample.error().doing});
        return true;
      });
    }
    for (const auto& world : worlds_)
      for (const Sample& sample : samples[world.get()])
        file({"paths", path.test, kind.name, "", "", Better::kMore, services, kEndpoints}, kind,
             world->way(), sample);
  }

  /// The figures of one sample.
  void file(Subject subject, const Kind& kind, const std::string& way, const Sample& taken) {
    const LoadResult& sample = taken.load;
    const auto add = [&](const char* figure, const char* unit, Better better, double value) {
      subject.figure = figure;
      subject.unit = unit;
      subject.better = better;
      collector_.add(subject, way, value);
    };
    const double count = static_cast<double>(sample.count);
    const double client = sample.client_cpu_seconds, server = sample.server_cpu_seconds.value_or(0);
    if (kind.traffic == Traffic::kStream) {
      const double gbit = static_cast<double>(sample.bytes) * 8 / 1e9;
      add("a second of CPU", "Gbit/s", Better::kMore, gbit / (client + server));
      add("CPU a Gbit, client", "ms", Better::kLess, client * 1e3 / gbit);
      add("CPU a Gbit, server", "ms", Better::kLess, server * 1e3 / gbit);
      add("CPU a Gbit, softirqs", "ms", Better::kLess, taken.softirq_seconds * 1e3 / gbit);
      return;
    }
    if (kind.traffic == Traffic::kDatagrams) {
      const double arrived = count - static_cast<double>(sample.lost);
      add("received a second of CPU", "1/s", Better::kMore, arrived / (client + server));
      add("lost", "%", Better::kLess, 100 * static_cast<double>(sample.lost) / count);
      return;
    }
    add("a second of CPU", "1/s", Better::kMore, count / (client + server));
    add("client CPU each", "us", Better::kLess, client * 1e6 / count);
    add("server CPU each", "us", Better::kLess, server * 1e6 / count);
    add("softirq CPU each", "us", Better::kLess, taken.softirq_seconds * 1e6 / count);
    // Of `connections`: from connect() to the first answer.
    for (const auto& [name, part] : {std::pair{"p50", 0.5}, std::pair{"p90", 0.9},
                                     std::pair{"p99", 0.99}, std::pair{"p99.9", 0.999}})
      add(name, "us", Better::kLess,
          std::chrono::duration<double, std::micro>(sample.latency.quantile(part)).count());
    subject.figure = "latency";
    subject.unit = "ns";
    collector_.add(subject, way, sample.latency);
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
  std::vector<std::unique_ptr<World>> worlds_;
  LoadingTimes loading_;
};

}  // namespace

Result<Results> measure_paths(const BenchOptions& options, const Progress& progress) {
  return Paths(options, progress).measure();
}

}  // namespace fairlead::bench
