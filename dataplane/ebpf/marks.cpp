// doubt all marks -> wait for programs -> which marks do flows need? -> free what is over behind
// the others -> clear those that are still doubted
//
// Safe beside programs that enter flows: one that went past a mark before the doubt has ended when
// the table is looked at, so its flow is seen; one that went past later has taken the doubt away,
// so the mark stays. A packet may revive a flow whose time was over: that is asked again when its
// entry is freed, as programs do that take such a place.
#include "dataplane/ebpf/marks.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/ebpf/figures.hpp"

namespace fairlead::ebpf {
namespace {

constexpr __u64 bits_of(unsigned state) { return __u64{state} << FL_FLOW_STATE_SHIFT; }
constexpr __u64 kMark = bits_of(FL_FLOW_SPILLED), kDoubt = bits_of(FL_FLOW_DOUBTED),
                kPhase = bits_of(FL_FLOW_PHASE), kState = bits_of(0xff);

fl_address address_of_entry(const __be32& v4) { return {{0, 0, ::htonl(FL_MAPPED_PREFIX), v4}}; }
fl_address address_of_entry(const __be32 (&v6)[4]) { return {{v6[0], v6[1], v6[2], v6[3]}}; }

/// A flow's packets of one direction, as they arrive.
struct Tuple {
  fl_address source, destination;
  __u64 key = 0;
};

template <class Bucket>
class Sweep {
 public:
  using Flow = std::remove_reference_t<decltype(Bucket{}.way[0])>;
  Sweep(std::span<Bucket> buckets, const fl_timeouts& timeouts)
      : buckets_(buckets), timeouts_(timeouts) {}

  MarkSweep run(const std::function<void()>& wait) {
    if (!doubt_marks()) return sweep_;
    wait();
    find_what_is_behind();
    for (const std::uint32_t bucket : marked_) settle(bucket);
    return sweep_;
  }

 private:
  static constexpr bool kIpv6 = std::is_same_v<Bucket, fl_bucket6>;

  /// An entry that is found by way of a mark, and whose time is over.
  struct Behind {
    std::uint32_t bucket;  // with the mark
    std::uint32_t place;
    auto operator<=>(const Behind&) const = default;
  };

  static std::atomic_ref<__u64> control_of(Flow& flow) {
    return std::atomic_ref<__u64>(flow.control);
  }
  Flow& entry(std::uint32_t place) {
    return buckets_[place / FL_FLOW_WAYS].way[place % FL_FLOW_WAYS];
  }
  [[nodiscard]] std::uint32_t bucket_of(const Tuple& tuple, std::uint32_t probe) const {
    return fl_flow_bucket(fl_flow_hash(&tuple.source, &tuple.destination, tuple.key, kIpv6), probe,
                          static_cast<std::uint32_t>(buckets_.size()));
  }
  static Tuple tuple_of(const Flow& flow) {
    return {address_of_entry(flow.source), address_of_entry(flow.destination),
            flow.control & FL_FLOW_KEY_MASK};
  }
  /// What packets of the other direction arrive with.
  static Tuple partner_of(const Flow& flow) {
    return {address_of_entry(flow.new_destination), address_of_entry(flow.new_source),
            fl_flow_key(flow.new_destination_port, flow.new_source_port, flow.protocol)};
  }

  /// Nothing: the place is empty, or being written.
  static std::optional<Flow> read(Flow& flow) {
    const __u64 before = control_of(flow).load(std::memory_order_acquire);
    if (((before & kPhase) >> FL_FLOW_STATE_SHIFT) < FL_FLOW_NEW) return std::nullopt;
    Flow copy;
    std::memcpy(&copy, &flow, sizeof(copy));
    std::atomic_thread_fence(std::memory_order_acquire);
    const __u64 after = control_of(flow).load(std::memory_order_relaxed);
    if ((before ^ after) & ~kState) return std::nullopt;
    copy.control = after;
    return copy;
  }

  [[nodiscard]] bool is_past(const Flow& flow) const {
    return fl_stamp_age(flow.stamp, now_ticks()) >
           static_cast<__s32>(lifetime(timeouts_, flow.protocol, flow.state));
  }
  /// Its own time, and that of the entry of the other direction if there is one.
  bool is_over(const Flow& flow) {
    if (!is_past(flow)) return false;
    const Tuple wanted = partner_of(flow);
    for (std::uint32_t probe = 0; probe < FL_FLOW_PROBES; ++probe)
      for (Flow& way : buckets_[bucket_of(wanted, probe)].way) {
        const auto other = read(way);
        if (other && is_same(tuple_of(*other), wanted) && !is_past(*other)) return false;
      }
    return true;
  }
  static bool is_same(const Tuple& a, const Tuple& b) {
    return a.key == b.key && std::ranges::equal(a.source.word, b.source.word) &&
           std::ranges::equal(a.destination.word, b.destination.word);
  }

  /// False: there is no mark.
  bool doubt_marks() {
    for (std::uint32_t i = 0; i < buckets_.size(); ++i) {
      auto control = control_of(buckets_[i].way[0]);
      // Programs only ever set a mark.
      if (!(control.load(std::memory_order_relaxed) & kMark)) continue;
      control.fetch_or(kDoubt);
      marked_.push_back(i);
    }
    sweep_.marked = marked_.size();
    is_needed_.assign(marked_.empty() ? 0 : buckets_.size(), false);
    return !marked_.empty();
  }

  void find_what_is_behind() {
    const auto places = static_cast<std::uint32_t>(buckets_.size() * FL_FLOW_WAYS);
    for (std::uint32_t place = 0; place < places; ++place) {
      const auto flow = read(entry(place));
      if (!flow) continue;
      const Tuple tuple = tuple_of(*flow);
      const std::uint32_t own = place / FL_FLOW_WAYS;
      if (bucket_of(tuple, 0) == own) continue;
      const bool over = is_over(*flow);
      for (std::uint32_t probe = 0; probe < FL_FLOW_PROBES; ++probe) {
        const std::uint32_t passed = bucket_of(tuple, probe);
        if (passed == own) break;
        if (over)
          behind_.push_back({passed, place});
        else
          is_needed_[passed] = true;
      }
    }
    std::ranges::sort(behind_);
  }

  /// False: it lives again.
  bool free_if_over(std::uint32_t bucket, std::uint32_t place) {
    Flow& at = entry(place);
    while (true) {
      const auto flow = read(at);
      if (!flow || !is_found_past(bucket, place, *flow)) return true;  // another's, or nobody's
      if (!is_over(*flow)) return false;
      __u64 expected = flow->control;
      if (!control_of(at).compare_exchange_strong(expected, expected & ~kPhase)) continue;
      ++sweep_.freed;
      return true;
    }
  }
  [[nodiscard]] bool is_found_past(std::uint32_t bucket, std::uint32_t place,
                                   const Flow& flow) const {
    const Tuple tuple = tuple_of(flow);
    for (std::uint32_t probe = 0; probe < FL_FLOW_PROBES; ++probe) {
      const std::uint32_t passed = bucket_of(tuple, probe);
      if (passed == place / FL_FLOW_WAYS) return false;
      if (passed == bucket) return true;
    }
    return false;
  }

  void settle(std::uint32_t bucket) {
    auto control = control_of(buckets_[bucket].way[0]);
    if (!is_needed_[bucket] && control.load() & kDoubt && free_all_behind(bucket)) {
      __u64 before = control.load();
      while (before & kDoubt)
        if (control.compare_exchange_weak(before, before & ~(kMark | kDoubt))) {
          ++sweep_.cleared;
          return;
        }
    }
    control.fetch_and(~kDoubt);
  }
  bool free_all_behind(std::uint32_t bucket) {
    const auto [first, last] = std::ranges::equal_range(behind_, bucket, {}, &Behind::bucket);
    return std::all_of(first, last,
                       [&](const Behind& behind) { return free_if_over(bucket, behind.place); });
  }

  std::span<Bucket> buckets_;
  fl_timeouts timeouts_;
  std::vector<std::uint32_t> marked_;  // buckets, ascending
  std::vector<bool> is_needed_;        // by bucket: a live flow is found by way of it
  std::vector<Behind> behind_;         // sorted
  MarkSweep sweep_;
};

}  // namespace

MarkSweep sweep_marks(std::span<fl_bucket4> buckets, const fl_timeouts& timeouts,
                      const std::function<void()>& wait) {
  return Sweep<fl_bucket4>(buckets, timeouts).run(wait);
}
MarkSweep sweep_marks(std::span<fl_bucket6> buckets, const fl_timeouts& timeouts,
                      const std::function<void()>& wait) {
  return Sweep<fl_bucket6>(buckets, timeouts).run(wait);
}

}  // namespace fairlead::ebpf
