// entry -> the frontend that its client asked for, and the backend -> stale? -> closed, by the
// compare-and-swap that bpf/abi/flows.h prescribes: its own first answer may change an
// entry meanwhile, so it is tried again as long as the entry is this flow's.
#include "dataplane/ebpf/flows.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "dataplane/ebpf/compile.hpp"

namespace fairlead::ebpf {
namespace {

constexpr std::size_t kPiece = 4096;  // buckets: a tenth of a millisecond

Ip ip_of_entry(__be32 v4) {
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &v4, sizeof(v4));
  return ip_from_v4(bytes);
}
Ip ip_of_entry(const __be32 (&v6)[4]) {
  Ip ip;
  std::memcpy(ip.bytes.data(), v6, sizeof(v6));
  return ip;
}

bool leads_to_nobody(const Ip& frontend, Port port, const Ip& backend, const FlowTargets& targets,
                     std::span<const Ip> node_addresses) {
  auto target = targets.find({Protocol::kUdp, frontend, port});
  if (target == targets.end()) {
    target = targets.find({Protocol::kUdp, any_address(frontend.family()), port});
    if (target == targets.end() || !std::ranges::binary_search(node_addresses, frontend))
      return false;
  }
  return !std::ranges::binary_search(target->second, backend);
}

template <class Flow>
bool is_open_udp(const Flow& flow) {
  const unsigned phase = flow.state & FL_FLOW_PHASE;
  return flow.protocol == IPPROTO_UDP && (phase == FL_FLOW_NEW || phase == FL_FLOW_ESTABLISHED);
}

template <class Bucket>
bool has_open_udp(std::span<const Bucket> buckets) {
  return std::ranges::any_of(buckets, [](const Bucket& bucket) {
    return std::ranges::any_of(bucket.way, [](const auto& flow) { return is_open_udp(flow); });
  });
}

template <class Flow>
bool is_stale(const Flow& seen, const FlowTargets& targets, std::span<const Ip> node_addresses) {
  if (!is_open_udp(seen)) return false;
  const bool reply = (seen.state & FL_FLOW_REPLY) != 0;
  const Ip frontend = reply ? ip_of_entry(seen.new_source) : ip_of_entry(seen.destination);
  const Port port = port_of(reply ? seen.new_source_port : seen.destination_port);
  const Ip backend = reply ? ip_of_entry(seen.source) : ip_of_entry(seen.new_destination);
  return leads_to_nobody(frontend, port, backend, targets, node_addresses);
}

template <class Flow>
bool close_if_stale(Flow& flow, const FlowTargets& targets, std::span<const Ip> node_addresses) {
  const std::atomic_ref<__u64> control(flow.control);
  __u64 before = control.load(std::memory_order_acquire);
  while (true) {
    Flow seen;
    std::memcpy(&seen, &flow, sizeof(seen));
    seen.control = before;
    if (!is_stale(seen, targets, node_addresses)) return false;
    seen.state = static_cast<__u8>((seen.state & ~FL_FLOW_PHASE) | FL_FLOW_CLOSED);
    if (control.compare_exchange_weak(before, seen.control, std::memory_order_acq_rel)) return true;
  }
}

template <class Bucket>
std::size_t close_all(std::span<Bucket> buckets, const FlowTargets& targets,
                      std::span<const Ip> node_addresses) {
  std::size_t closed = 0;
  for (Bucket& bucket : buckets)
    for (auto& flow : bucket.way)
      // Most places are empty, and most flows TCP's.
      if (flow.protocol == IPPROTO_UDP && close_if_stale(flow, targets, node_addresses)) ++closed;
  return closed;
}

}  // namespace

std::size_t close_stale_flows(std::span<fl_bucket4> buckets, const FlowTargets& targets,
                              std::span<const Ip> node_addresses) {
  return close_all(buckets, targets, node_addresses);
}

std::size_t close_stale_flows(std::span<fl_bucket6> buckets, const FlowTargets& targets,
                              std::span<const Ip> node_addresses) {
  return close_all(buckets, targets, node_addresses);
}

StaleFlows::Lock StaleFlows::hold() {
  changes_.fetch_add(1);
  Lock lock(mutex_);
  if (changes_.fetch_sub(1) == 1) changes_.notify_all();
  return lock;
}

StaleFlows::Lock StaleFlows::hold_after_changes() {
  for (std::uint32_t changes = changes_.load(); changes != 0; changes = changes_.load())
    changes_.wait(changes);
  return Lock(mutex_);
}

bool StaleFlows::add(const Lock&, const FlowTargets& targets, std::vector<Ip> node_addresses) {
  if (targets.empty()) return false;
  for (const auto& [target, serving] : targets) targets_[target] = serving;
  node_addresses_ = std::move(node_addresses);
  ++additions_;
  return !std::exchange(running_, true);
}

template <class Bucket>
void StaleFlows::close_in_pieces(std::span<Bucket> buckets) {
  while (!buckets.empty()) {
    const auto piece = buckets.first(std::min(buckets.size(), kPiece));
    buckets = buckets.subspan(piece.size());
    // What begins here from now on is led by what is published: no change has to wait for this.
    if (!has_open_udp<Bucket>(piece)) continue;
    const Lock held = hold_after_changes();
    close_stale_flows(piece, targets_, node_addresses_);
  }
}

void StaleFlows::run(std::span<fl_bucket4> flows4, std::span<fl_bucket6> flows6) {
  std::uint64_t seen = 0;
  while (true) {
    {
      const Lock held = hold_after_changes();
      if (seen == additions_) {
        targets_.clear();
        running_ = false;
        return;
      }
      seen = additions_;
    }
    close_in_pieces(flows4);
    close_in_pieces(flows6);
  }
}

}  // namespace fairlead::ebpf
