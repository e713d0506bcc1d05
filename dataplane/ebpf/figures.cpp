// Mapped flow tables -> numbers of entries; a per-CPU array -> named counters.
#include "dataplane/ebpf/figures.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>

#include <chrono>
#include <ctime>
#include <numeric>

#include "bpf/abi/counters.h"
#include "dataplane/ebpf/names.hpp"

namespace fairlead::ebpf {
namespace {

static_assert(static_cast<int>(FL_COUNT_DROPS_FIRST) + static_cast<int>(FL_DROP_MAX) <=
              static_cast<int>(FL_COUNT_PODS_FORWARDED));

template <class Bucket>
FlowEntries count(std::span<const Bucket> buckets, const fl_timeouts& timeouts, std::uint32_t now) {
  FlowEntries entries;
  for (const Bucket& bucket : buckets) {
    // Programs write while this reads: a figure may be off by what happens meanwhile.
    if (bucket.way[0].state & FL_FLOW_SPILLED) ++entries.spilled;
    for (const auto& flow : bucket.way) {
      if ((flow.state & FL_FLOW_PHASE) == FL_FLOW_EMPTY) continue;
      const bool is_live = fl_stamp_age(flow.stamp, now) <=
                           static_cast<__s32>(lifetime(timeouts, flow.protocol, flow.state));
      ++(is_live ? entries.live : entries.over);
    }
  }
  return entries;
}

CounterFigure figure_of(std::uint32_t index, std::uint64_t value) {
  if (index < FL_COUNT_DROPS_FIRST || index == FL_COUNT_PODS_FORWARDED)
    return {.name = std::string(counter_name(index)), .reason = "", .value = value};
  return {.name = "drops",
          .reason = std::string(drop_name(index - FL_COUNT_DROPS_FIRST)),
          .value = value};
}

}  // namespace

std::uint32_t lifetime(const fl_timeouts& timeouts, std::uint8_t protocol, std::uint8_t state) {
  const unsigned phase = state & FL_FLOW_PHASE;
  if (phase == FL_FLOW_CLOSED) return timeouts.closed;
  if (protocol != IPPROTO_TCP)
    return phase == FL_FLOW_NEW ? timeouts.udp_new : timeouts.udp_established;
  if (phase == FL_FLOW_NEW) return timeouts.tcp_new;
  return phase == FL_FLOW_CLOSING ? timeouts.tcp_closing : timeouts.tcp_established;
}

std::uint32_t now_ticks() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const auto since_boot = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  return static_cast<std::uint32_t>(
      static_cast<std::uint64_t>(std::chrono::nanoseconds(since_boot).count()) >> FL_TICK_SHIFT);
}

FlowEntries count_flows(std::span<const fl_bucket4> buckets, const fl_timeouts& timeouts,
                        std::uint32_t now) {
  return count(buckets, timeouts, now);
}
FlowEntries count_flows(std::span<const fl_bucket6> buckets, const fl_timeouts& timeouts,
                        std::uint32_t now) {
  return count(buckets, timeouts, now);
}

Result<std::vector<CounterFigure>> read_counters(int map_fd) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return system_error(-cpus, "count the CPUs");
  std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
  std::vector<CounterFigure> figures;
  constexpr std::uint32_t kDrops = FL_COUNT_DROPS_FIRST;
  for (std::uint32_t index = 0; index < FL_COUNT_MAX; ++index) {
    const bool is_named = index < kDrops + FL_DROP_MAX || index == FL_COUNT_PODS_FORWARDED;
    if (!is_named || index == kDrops + FL_DROP_NONE) continue;
    if (const int error = bpf_map_lookup_elem(map_fd, &index, values.data()); error < 0)
      return system_error(-error, "read map counters");
    figures.push_back(
        figure_of(index, std::accumulate(values.begin(), values.end(), std::uint64_t{0})));
  }
  return figures;
}

}  // namespace fairlead::ebpf
