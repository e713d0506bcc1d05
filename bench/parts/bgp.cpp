// Speakers of BGP by turns: 100,000 prefixes from one peer to another, one withdrawal, and a mesh
// at rest. Each sample has a process of its own, and its peers are another.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "bench/parts/collector.hpp"
#include "bench/parts/part.hpp"
#include "bench/routers/router.hpp"
#include "bench/world/child.hpp"

namespace fairlead::bench {
namespace {

namespace json = boost::json;

class Bgp {
 public:
  Bgp(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  Result<Results> measure() {
    const unsigned rounds = options_.quick ? 2 : options_.rounds;
    for (unsigned round = 0; round < rounds; ++round) {
      for (const RouterWay& way : router_ways()) {
        progress_(fmt::format("bgp: {}: round {} of {}", way.name, round + 1, rounds));
        note(way, "a table", table(way));
        note(way, "a mesh at rest", mesh(way));
      }
    }
    return collector_.take();
  }

 private:
  [[nodiscard]] RouterSetting setting(unsigned mesh) const {
    return {.self = options_.self, .scratch = options_.scratch, .cpu = options_.cpu, .mesh = mesh};
  }

  Result<> table(const RouterWay& way) {
    const unsigned prefixes = options_.quick ? 10'000 : 100'000;
    TRY(const Router router, way.start(setting(0)));
    TRY(const json::object said, in_peers(router, [prefixes](const UnderTest& under_test) {
          return fill_table(under_test, prefixes, 50).map([](const TableFigures& figures) {
            return json::object{{"seconds", figures.seconds},
                                {"cpu", figures.cpu_seconds},
                                {"peak", figures.peak_mib},
                                {"withdrawMs", json::value_from(figures.withdraw_ms)}};
          });
        }));
    const std::string test = fmt::format("{} prefixes from one peer to another", prefixes);
    add(way, test, "time", "s", said.at("seconds").as_double());
    add(way, test, "CPU of the router", "s", said.at("cpu").as_double());
    add(way, test, "memory of the router", "MiB", said.at("peak").as_double());
    auto times = json::value_to<std::vector<double>>(said.at("withdrawMs"));
    std::ranges::sort(times);
    add(way, "one withdrawal, from peer to peer", "median", "ms", times.at(times.size() / 2));
    return {};
  }

  Result<> mesh(const RouterWay& way) {
    const unsigned peers = options_.quick ? 20 : 200;
    const double seconds = options_.quick ? 1 : 6;
    TRY(const Router router, way.start(setting(peers)));
    TRY(const json::object said, in_peers(router, [=](const UnderTest& under_test) {
          return rest(under_test, peers, seconds).map([](const RestFigures& figures) {
            return json::object{{"percent", figures.cpu_percent}, {"peak", figures.peak_mib}};
          });
        }));
    const std::string test = fmt::format("{} internal peers at rest, hold time 9 s", peers);
    add(way, test, "CPU of the router", "%", said.at("percent").as_double());
    add(way, test, "memory of the router", "MiB", said.at("peak").as_double());
    return {};
  }

  static Result<json::object> in_peers(
      const Router& router, const std::function<Result<json::object>(const UnderTest&)>& exercise) {
    const ChildSetting setting{
        .network_namespace = router.peers().fd(), .cgroup = {}, .cpu = {}, .hurries = true};
    TRY(Child child, start_text(setting, [&]() -> Result<std::string> {
          TRY(const json::object figures, exercise(router.under_test()));
          return json::serialize(figures);
        }));
    TRY(const std::string text, child.output());
    return json::parse(text).as_object();
  }

  void add(const RouterWay& way, const std::string& test, const char* figure, const char* unit,
           double value) {
    collector_.add({"bgp", test, "", figure, unit, Better::kLess, 0, 0}, way.name, value);
  }
  void note(const RouterWay& way, const char* what, const Result<>& outcome) {
    if (!outcome)
      collector_.cannot({"bgp", fmt::format("{}, {}", what, way.name), outcome.error().doing});
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
};

}  // namespace

Result<Results> measure_bgp(const BenchOptions& options, const Progress& progress) {
  return Bgp(options, progress).measure();
}

}  // namespace fairlead::bench
