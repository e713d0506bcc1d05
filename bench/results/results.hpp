// What a bench has measured: series of samples, latency curves, and what could not be measured. The
// JSON file is these values and no more; table, page and comparison are made from them alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/results/histogram.hpp"

namespace fairlead::bench {

enum class Better : std::uint8_t { kMore, kLess };

/// The way that every other one is compared with; and a second world of the same kind, which says
/// how much two equal ones differ.
inline constexpr const char* kDirect = "direct";
inline constexpr const char* kDirectAgain = "direct again";

/// What a row measures. Rows of one Subject stand together, one column a way.
struct Subject {
  std::string part;     // "paths", "programming", "packets", "disruption", "agent", "cni", ...
  std::string test;     // "NodePort, backend on another node, VXLAN"
  std::string traffic;  // "connections", "requests", ...; empty where there is none
  std::string figure;   // "a second of CPU", "p99"; what the samples are
  std::string unit;     // "1/s", "us", "ns", "Gbit/s", "MiB", "ms"
  Better better = Better::kMore;
  std::uint32_t services = 0, endpoints = 0;  // 0 where they say nothing
  bool operator==(const Subject&) const = default;
  auto operator<=>(const Subject&) const = default;
};

/// One figure of one way, sample by sample. Sample i of all ways of a Subject was taken in round i.
struct Series {
  Subject subject;
  std::string way;              // kDirect, "ebpf", "kube-proxy iptables-legacy", ...
  std::vector<double> samples;  // NaN where the round has none
  bool operator==(const Series&) const = default;
};

/// All latencies of one way, of all rounds together. Its quantiles are Series of their own, too.
struct LatencyCurve {
  Subject subject;  // figure "latency", unit "ns"
  std::string way;
  std::vector<Histogram::Bucket> buckets;
  bool operator==(const LatencyCurve&) const = default;
};

struct NotMeasured {
  std::string part, what, why;
  bool operator==(const NotMeasured&) const = default;
};

/// Where and how it was measured.
struct Setting {
  std::string commit, version, started;  // RFC 3339
  std::string kernel, cpu, host;         // "6.18.0", "AMD EPYC 7B13"
  std::uint32_t cores = 0;
  std::uint64_t memory_bytes = 0;
  std::vector<std::string> mitigations;  // "retbleed: Mitigation: untrained return thunk"
  std::string command;                   // what was called
  bool operator==(const Setting&) const = default;
};

struct Results {
  Setting setting;
  std::vector<Series> series;
  std::vector<LatencyCurve> latencies;
  std::vector<NotMeasured> not_measured;
  bool operator==(const Results&) const = default;
};

/// What `more` has comes behind what is there; the setting stays.
void append(Results& results, Results more);

}  // namespace fairlead::bench
