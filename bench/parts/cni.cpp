// What it costs to connect a pod and to disconnect it: ADD and DEL of CNI plugins, as a runtime
// calls them, one after the other and four at once.
//
//   ways -> a node each -> rounds: new pods' namespaces -> a child in the node's namespace starts
//   the plugin for each pod, one after the other, then four at a time -> times
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <sstream>
#include <thread>

#include "bench/parts/cni_call.hpp"
#include "bench/parts/cni_nodes.hpp"
#include "bench/parts/collector.hpp"

namespace fairlead::bench {
namespace {

constexpr std::size_t kPods = 24, kQuickPods = 12, kAtOnce = 4;
constexpr unsigned kLeastRounds = 5;
using Clock = std::chrono::steady_clock;

double children_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// "milliseconds of CPU each, then each call's time", as a child says it.
Result<std::string> one_by_one(const std::vector<PluginCall>& calls) {
  std::string times;
  for (const PluginCall& call : calls) {
    TRY(const PluginAnswer answer, call_plugin(call));
    times += fmt::format(" {}", answer.milliseconds);
  }
  return fmt::format("{}{}", children_cpu() * 1e3 / static_cast<double>(calls.size()), times);
}

/// "calls a second"
Result<std::string> at_once(const std::vector<PluginCall>& calls) {
  std::atomic<std::size_t> next{0};
  std::vector<Result<>> outcomes(kAtOnce);
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (Result<>& outcome : outcomes)
      threads.emplace_back([&] {
        for (std::size_t i = next++; i < calls.size() && outcome; i = next++)
          if (const auto answer = call_plugin(calls[i]); !answer)
            outcome = tl::unexpected(answer.error());
      });
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (const Result<>& outcome : outcomes) TRY_VOID(outcome);
  return fmt::format("{}", static_cast<double>(calls.size()) / seconds);
}

std::vector<double> numbers_of(const std::string& text) {
  std::istringstream words(text);
  std::vector<double> numbers;
  for (double number = 0; words >> number;) numbers.push_back(number);
  return numbers;
}

class Cni {
 public:
  Cni(const BenchOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  Result<Results> measure() {
    for (const PluginWay& way : plugin_ways()) {
      progress_(fmt::format("cni: {}: a node", way.name));
      if (auto node = way.make(options_))
        nodes_.push_back(*std::move(node));
      else
        collector_.cannot({"cni", way.name, node.error().doing});
    }
    const unsigned rounds = std::max(kLeastRounds, options_.rounds / 3);
    for (unsigned round = 0; round < rounds; ++round)
      std::erase_if(nodes_, [&](const auto& node) {
        progress_(fmt::format("cni: {}: round {} of {}", node->way(), round + 1, rounds));
        const auto done = measure(*node, round);
        if (!done) collector_.cannot({"cni", node->way(), done.error().doing});
        return !done;
      });
    return collector_.take();
  }

 private:
  Result<> measure(const PluginNode& node, unsigned round) {
    std::vector<Namespace> pods;
    for (std::size_t i = 0; i < (options_.quick ? kQuickPods : kPods); ++i) {
      TRY(Namespace pod, Namespace::create());
      pods.push_back(std::move(pod));
    }
    for (const char* verb : {"ADD", "DEL"}) {
      TRY(const auto numbers, run(one_by_one, node, verb, round, pods));
      add_times(node, verb, numbers);
    }
    for (const char* verb : {"ADD", "DEL"}) {
      TRY(const auto numbers, run(at_once, node, verb, round, pods));
      add(node, verb, fmt::format("{} at once", kAtOnce), "1/s", Better::kMore, numbers.at(0));
    }
    return {};
  }

  static Result<std::vector<double>> run(
      Result<std::string> (*body)(const std::vector<PluginCall>&), const PluginNode& node,
      const char* verb, unsigned round, const std::vector<Namespace>& pods) {
    std::vector<PluginCall> calls;
    for (std::size_t i = 0; i < pods.size(); ++i)
      calls.push_back({node, verb, fmt::format("bench-{}-{}", round, i), pods[i].path()});
    TRY(Child child,
        start_text(
            {.network_namespace = node.node().fd(), .cgroup = {}, .cpu = {}, .hurries = false},
            [&] { return body(calls); }));
    TRY(const std::string text, child.output());
    return numbers_of(text);
  }

  void add_times(const PluginNode& node, const char* verb, std::vector<double> numbers) {
    add(node, verb, "CPU", "ms", Better::kLess, numbers.at(0));
    std::sort(numbers.begin() + 1, numbers.end());
    add(node, verb, "time p50", "ms", Better::kLess, numbers.at(1 + (numbers.size() - 1) / 2));
    add(node, verb, "time, longest", "ms", Better::kLess, numbers.back());
  }

  void add(const PluginNode& node, const char* verb, std::string figure, const char* unit,
           Better better, double value) {
    collector_.add({"cni", verb, "", std::move(figure), unit, better, 0, 0}, node.way(), value);
  }

  const BenchOptions& options_;
  const Progress& progress_;
  Collector collector_;
  std::vector<std::unique_ptr<PluginNode>> nodes_;
};

}  // namespace

Result<Results> measure_cni(const BenchOptions& options, const Progress& progress) {
  return Cni(options, progress).measure();
}

}  // namespace fairlead::bench
