// TSC -> how many are due -> buffers, written -> the port; what it did not take stays due.
#include "bench/pktgen/dpdk/sender.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <array>

#include "bench/pktgen/dpdk/clock.hpp"

namespace fairlead::bench::pktgen {
namespace {

constexpr std::size_t kLargestBurst = 256;

std::uint64_t ticks(double seconds) {
  return static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
}

}  // namespace

Sender::Sender(Port& port, const Load& load, std::uint64_t start)
    : port_(port),
      load_(load),
      order_(load.mix.order()),
      start_(start),
      end_(start + ticks(load.seconds)),
      grace_end_(end_ + ticks(load.backlog_seconds)),
      allowance_(Pacer(rate_of(load.rate), rte_get_tsc_hz(), start),
                 std::max<std::uint64_t>(
                     load.burst, static_cast<std::uint64_t>(load.rate * load.backlog_seconds))) {
  for (const Mix::Part& part : load.mix.parts)
    writers_.emplace_back(load.flows, load.run, part.frame_bytes);
}

bool Sender::step() {
  if (is_over_) return false;
  const std::uint64_t now = rte_rdtsc();
  const std::uint64_t open = allowance_.now(std::min(now, end_ - 1));
  if (open > 0) send(std::min<std::uint64_t>(open, load_.burst));
  if ((now >= end_ && open == 0) || now >= grace_end_) stop();
  return !is_over_;
}

void Sender::stop() {
  if (is_over_) return;
  is_over_ = true;
  end_ = std::min(end_, std::max(rte_rdtsc(), start_ + 1));
  allowance_.finish(end_ - 1);
}

void Sender::send(std::uint64_t packets) {
  std::array<rte_mbuf*, kLargestBurst> all{};
  const std::span buffers(all.data(), std::min<std::size_t>(packets, all.size()));
  if (!port_.allocate(buffers)) return;  // the port has them all still
  const std::uint64_t time = monotonic_ns();
  const std::uint32_t flow = flow_, sequence = sequence_;
  for (rte_mbuf* buffer : buffers) {
    // Flow and size walk apart, so that no flow has always the same size.
    const FrameWriter& writer = writers_[order_[(flow_ + sequence_) % order_.size()]];
    char* frame = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(writer.size()));
    writer.write(flow_, sequence_, time, reinterpret_cast<std::uint8_t*>(frame));
    advance(1);
  }
  const std::uint16_t taken = port_.send(buffers);
  sent_ += taken;
  allowance_.sent(taken);
  if (taken == buffers.size()) return;
  rte_pktmbuf_free_bulk(buffers.data() + taken, static_cast<unsigned>(buffers.size() - taken));
  flow_ = flow;
  sequence_ = sequence;
  advance(taken);
}

void Sender::advance(std::uint64_t packets) {
  for (; packets > 0; --packets) {
    if (++flow_ < load_.flows.count) continue;
    flow_ = 0;
    ++sequence_;
  }
}

Sent Sender::sent() const {
  const double seconds = static_cast<double>(end_ - start_) / static_cast<double>(rte_get_tsc_hz());
  const std::uint64_t given_up = allowance_.given_up();
  return {load_.rate, sent_ + given_up, sent_, given_up, seconds};
}

}  // namespace fairlead::bench::pktgen
