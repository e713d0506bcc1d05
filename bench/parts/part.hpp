// What `fairlead bench` can measure: each part is a function from options to Results.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/results/results.hpp"
#include "bench/ways/way.hpp"

namespace fairlead::bench {

struct BenchOptions {
  bool quick = false;
  std::vector<std::string> ways;        // names; direct ones first
  std::vector<std::uint32_t> services;  // how many Services, ascending
  bool services_given = false;          // by the user: the parts have other defaults otherwise
  unsigned rounds = 9;
  double seconds = 0.5;  // of one sample
  unsigned cpu = 0;      // where client and server run
  WaysOptions tools;
  std::string pins;     // a directory on a bpffs that nobody else sees
  std::string scratch;  // a directory
  std::string self;     // path of this executable
  std::string katran;   // an object of the user's; empty: none
};

/// What is being measured, for who watches: one short line, often.
using Progress = std::function<void(const std::string&)>;

struct Part {
  std::string_view name;
  std::string_view measures;  // for --help
  Result<Results> (*run)(const BenchOptions&, const Progress&);
};
std::span<const Part> parts();

Result<Results> measure_paths(const BenchOptions& options, const Progress& progress);
Result<Results> measure_packets(const BenchOptions& options, const Progress& progress);
Result<Results> measure_programming(const BenchOptions& options, const Progress& progress);
Result<Results> measure_disruption(const BenchOptions& options, const Progress& progress);
Result<Results> measure_agent(const BenchOptions& options, const Progress& progress);
Result<Results> measure_controlplane(const BenchOptions& options, const Progress& progress);
Result<Results> measure_cni(const BenchOptions& options, const Progress& progress);
Result<Results> measure_pods(const BenchOptions& options, const Progress& progress);
Result<Results> measure_bgp(const BenchOptions& options, const Progress& progress);

}  // namespace fairlead::bench
