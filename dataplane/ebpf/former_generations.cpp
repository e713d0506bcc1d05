// pinned maps -> is it of a layout that we can tell anything of? -> mode, used? -> removed
#include "dataplane/ebpf/former_generations.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <span>

#include "bpf/abi/config.h"
#include "dataplane/ebpf/attach.hpp"
#include "dataplane/ebpf/figures.hpp"
#include "dataplane/ebpf/former_tables.hpp"
#include "dataplane/ebpf/generation.hpp"
#include "dataplane/kernel/bpf_fs.hpp"
#include "dataplane/kernel/bpf_map.hpp"

namespace fairlead::ebpf {
namespace {

static_assert(offsetof(fl_config, mode) == offsetof(fl_config_head, mode));
static_assert(offsetof(fl_config, last_use) == offsetof(fl_config_head, last_use));
static_assert(offsetof(fl_config, longest_timeout) == offsetof(fl_config_head, longest_timeout));
static_assert(FL_ABI >= FL_ABI_FIRST);

/// Another CPU's tick may be ahead of ours by so much.
constexpr std::int32_t kTicksAhead = 2;

/// What is the same in every layout: see struct fl_config_head.
class Known {
 public:
  static Result<Known> open(const std::string& directory) {
    Known known;
    TRY(const auto config,
        open_map(directory, "config", BPF_MAP_TYPE_ARRAY, sizeof(fl_config_head)));
    TRY(known.config_, BpfMapping::map(config, config.value_bytes()));
    TRY(const auto streams,
        open_map(directory, "streams", BPF_MAP_TYPE_ARRAY, sizeof(std::uint64_t)));
    TRY(known.streams_, BpfMapping::map(streams, streams.value_bytes()));
    known.stream_bytes_ = (std::size_t{streams.value_bytes()} + 7) / 8 * 8;
    TRY(known.sockets_, open_map(directory, "sockets", BPF_MAP_TYPE_SK_STORAGE, 0));
    TRY(known.datagram_sockets_,
        open_map(directory, "datagram_sockets", BPF_MAP_TYPE_SK_STORAGE, 0));
    if (known.head().longest_timeout == 0)
      return invalid(directory + "/maps/config has no longest_timeout");
    return known;
  }

  void drain() {
    const std::atomic_ref<__u32> mode(head().mode), last_use(head().last_use);
    if (mode.load() == FL_MODE_DRAINING) return;
    last_use.store(now_ticks());  // its flows may have been used until now
    mode.store(FL_MODE_DRAINING);
  }

  /// Whether a flow was used within the longest time that one is kept.
  [[nodiscard]] Result<bool> may_have_flows() const {
    const __u32 last = std::atomic_ref<__u32>(head().last_use).load();
    const auto age = static_cast<std::int32_t>(now_ticks() - last);
    if (age < -kTicksAhead)
      return invalid(fmt::format("maps/config: last_use is {} ticks in the future", -age));
    return age <= static_cast<std::int64_t>(head().longest_timeout);
  }

  [[nodiscard]] bool has_streams() const {
    const auto memory = streams_.bytes();
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= memory.size(); at += stream_bytes_) {
      std::uint64_t socket = 0;
      std::memcpy(&socket, memory.data() + at, sizeof(socket));
      if (socket != 0) return true;
    }
    return false;
  }

  [[nodiscard]] Result<bool> has_sockets(int iterator) const {
    for (const BpfMapHandle* map : {&sockets_, &datagram_sockets_}) {
      TRY(const auto seen, run_iterator(iterator, map->fd()));
      if (!seen.empty()) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] fl_config_head& head() const {
    return *reinterpret_cast<fl_config_head*>(config_.bytes().data());
  }

  BpfMapping config_, streams_;
  std::size_t stream_bytes_ = 0;
  BpfMapHandle sockets_, datagram_sockets_;
};

/// Of our own layout.
bool has_flows(const FormerTables& tables) {
  const std::span<const fl_bucket4> flows4 = tables.flows4();
  const std::span<const fl_bucket6> flows6 = tables.flows6();
  return count_flows(flows4, tables.timeouts(), now_ticks()).live > 0 ||
         count_flows(flows6, tables.timeouts(), now_ticks()).live > 0;
}

/// Told to drain. The error: we know nothing of its layout.
Result<Known> open_and_drain(const std::string& directory, const std::string& name) {
  const auto layout = layout_of(name);
  if (!layout || *layout < FL_ABI_FIRST)
    return invalid(fmt::format("its layout is older than {}", FL_ABI_FIRST));
  TRY(Known known, Known::open(directory));
  if (*layout == FL_ABI) TRY_VOID(FormerTables::open(directory));
  known.drain();
  return known;
}

Result<bool> is_in_use(const std::string& directory, const std::string& name, int iterator) {
  TRY(const Known known, open_and_drain(directory, name));
  if (layout_of(name) == FL_ABI) {
    TRY(const auto tables, FormerTables::open(directory));
    if (has_flows(*tables)) return true;
  } else {
    TRY(const bool may_have_flows, known.may_have_flows());
    if (may_have_flows) return true;
  }
  return known.has_streams() ? Result<bool>(true) : known.has_sockets(iterator);
}

/// Whoever made it ended before the first program was at its place.
bool was_never_attached(const std::string& directory) {
  const auto pins = list_directory(directory + "/links");
  return pins && std::ranges::all_of(
                     *pins, [](const std::string& pin) { return pin.starts_with("priority-"); });
}

}  // namespace

/// `visit` says whether it is left. How many are.
Result<std::size_t> FormerGenerations::visit(
    const std::string& live, const std::function<Result<bool>(const std::string& name)>& visit) {
  TRY(const auto names, list_generations(pin_directory_));
  std::size_t left = 0;
  for (const std::string& name : names) {
    if (name == live) continue;
    const std::string directory = pin_directory_ + '/' + name;
    if (was_never_attached(directory)) {
      TRY_VOID(remove_generation(pin_directory_, name));
      continue;
    }
    const auto outcome = visit(name);
    if (outcome && !*outcome) continue;
    ++left;
    if (outcome)
      told_.erase(name);
    else if (told_.insert(name).second && report_)
      report_({outcome.error().code,
               fmt::format("generation {} stays (fairlead agent --cleanup removes all): {}",
                           directory, outcome.error().doing)});
  }
  return left;
}

Result<> FormerGenerations::drain(const std::string& live) {
  return visit(live,
               [&](const std::string& name) {
                 return open_and_drain(pin_directory_ + '/' + name, name).map([](const Known&) {
                   return true;
                 });
               })
      .map([](std::size_t) {});
}

Result<std::size_t> FormerGenerations::retire(const std::string& live, int socket_iterator) {
  return visit(live, [&](const std::string& name) -> Result<bool> {
    TRY(const bool used, is_in_use(pin_directory_ + '/' + name, name, socket_iterator));
    if (!used) TRY_VOID(remove_generation(pin_directory_, name));
    return used;
  });
}

Result<> remove_generation(const std::string& pin_directory, const std::string& name) {
  const std::string directory = pin_directory + '/' + name;
  TRY_VOID(detach_all({pin_directory, directory + "/links"}));
  return remove_tree(directory);
}

}  // namespace fairlead::ebpf
