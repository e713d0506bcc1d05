// maps, counters -> DatapathFigures; ring buffer -> DropRecord; program `fairlead_explain` ->
// Trace.
#include "dataplane/ebpf/live.hpp"

#include <algorithm>

#include "dataplane/ebpf/figures.hpp"
#include "dataplane/ebpf/trace.hpp"

namespace fairlead::ebpf {
namespace {

constexpr std::chrono::seconds kFiguresAge{10};

template <class Bucket>
void count_into(TableFigure& table, std::span<const Bucket> buckets, const fl_timeouts& timeouts) {
  table.used = count_flows(buckets, timeouts, now_ticks()).live;
  table.capacity = buckets.size() * FL_FLOW_WAYS;
}

}  // namespace

void Live::keep_use(std::vector<Services::Use> use) {
  const std::lock_guard lock(mutex_);
  use_ = std::move(use);
}

/// With the mutex held.
Result<TableFigure> Live::figure_of(const std::string& map) const {
  const Maps& maps = generation.maps;
  const fl_timeouts timeouts = maps.config().timeouts;
  TRY(const auto handle, BpfMapHandle::duplicate(generation.object.map_fd(map), map));
  TRY(const BpfMapFigures known, handle.figures());
  TableFigure table{.name = map, .used = 0, .capacity = 0, .bytes = known.bytes};
  const auto used = std::ranges::find(use_, map, &Services::Use::map);
  if (used != use_.end()) {
    table.used = used->used;
    table.capacity = used->capacity;
  } else if (map == "flows4") {
    count_into<fl_bucket4>(table, maps.flows4_memory.elements<fl_bucket4>(), timeouts);
  } else if (map == "flows6") {
    count_into<fl_bucket6>(table, maps.flows6_memory.elements<fl_bucket6>(), timeouts);
  } else if (const auto counted = handle.count(); counted) {
    table.used = *counted;
    table.capacity = known.capacity;
  }
  return table;
}

Result<DatapathFigures> Live::figures() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (figures_ && now - figures_->first < kFiguresAge) return figures_->second;
  DatapathFigures figures;
  for (const std::string& map : generation.object.map_names()) {
    TRY(TableFigure table, figure_of(map));
    figures.tables.push_back(std::move(table));
  }
  TRY(figures.counters, read_counters(generation.object.map_fd("counters")));
  figures_.emplace(now, figures);
  return figures;
}

Result<std::vector<DropRecord>> Live::take_drops() {
  const std::lock_guard lock(mutex_);
  if (!drops_) {
    TRY(DropReader reader, DropReader::open(generation.object.map_fd("drops")));
    drops_.emplace(std::move(reader));
  }
  return drops_->take();
}

Result<std::optional<Trace>> Live::trace(const TracedPacket& packet) {
  const int program = generation.object.program_fd("fairlead_explain");
  if (program < 0) return std::optional<Trace>{};
  const std::lock_guard lock(mutex_);  // one packet at a time: they share map `trace`
  TRY(Trace traced, run_trace(program, generation.object.map_fd("trace"), packet));
  return std::optional<Trace>(std::move(traced));
}

}  // namespace fairlead::ebpf
