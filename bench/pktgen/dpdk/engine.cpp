// a load -> sender steps on a worker lcore, receiver steps on the main one -> settled -> a Run.
#include "bench/pktgen/dpdk/engine.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <array>
#include <optional>

#include "bench/pktgen/dpdk/clock.hpp"
#include "bench/pktgen/neighbour.hpp"

namespace fairlead::bench::pktgen {
namespace {

constexpr std::size_t kBurst = 64;
constexpr int kDrained = 1024;         // bursts
constexpr double kStartDelay = 0.001;  // until the worker runs

std::uint64_t in(double seconds) {
  return rte_rdtsc() + static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
}

struct Work {
  Sender& sender;
  const Stop& stop;
  std::atomic<bool> is_done = false;
};

int send_all(void* argument) {
  auto& work = *static_cast<Work*>(argument);
  while (!work.stop.load(std::memory_order_relaxed) && work.sender.step()) {
  }
  work.sender.stop();
  work.is_done.store(true, std::memory_order_release);
  return 0;
}

void send_and_receive(Sender& sender, Receiver* receiver, const Stop& stop) {
  Work work{sender, stop};
  const unsigned worker = rte_get_next_lcore(~0U, 1, 0);
  if (worker < RTE_MAX_LCORE && rte_eal_remote_launch(send_all, &work, worker) == 0) {
    while (!work.is_done.load(std::memory_order_acquire)) {
      if (receiver)
        receiver->step();
      else
        rte_pause();
    }
    rte_eal_wait_lcore(worker);
    return;
  }
  while (!stop.load(std::memory_order_relaxed) && sender.step())
    if (receiver) receiver->step();
  sender.stop();
}

/// 0 seconds: until `stop`.
void receive(Receiver& receiver, double seconds, bool is_endless, const Stop& stop) {
  const std::uint64_t end = in(seconds);
  while (!stop.load(std::memory_order_relaxed) && (is_endless || rte_rdtsc() < end))
    receiver.step();
  // What was there when the time was over; a port that never ends has its bound.
  for (int more = 0; more < kDrained && receiver.step() > 0; ++more) {
  }
}

}  // namespace

std::uint16_t Receiver::step() {
  std::array<rte_mbuf*, kBurst> buffers{};
  const std::uint16_t count = port_.receive(buffers);
  if (count == 0) return 0;
  const std::uint64_t now = monotonic_ns();
  for (std::size_t i = 0; i < count; ++i) take(*buffers[i], now);
  rte_pktmbuf_free_bulk(buffers.data(), count);
  return count;
}

void Receiver::take(const rte_mbuf& buffer, std::uint64_t now) {
  std::array<std::uint8_t, kLargestFrame> copy;  // of what is in several pieces
  const std::uint32_t bytes = std::min<std::uint32_t>(buffer.pkt_len, copy.size());
  const void* data = rte_pktmbuf_read(&buffer, 0, bytes, copy.data());
  const Bytes frame(static_cast<const std::uint8_t*>(data), bytes);
  tally_.take(frame, now);
  if (own_.empty()) return;
  if (const auto said = answer(frame, own_, mac_)) port_.send(*said);
}

Run run(const Ends& ends, const Load& load, double settle_seconds, const Stop& stop) {
  Run run;
  run.id = load.run;
  std::optional<Tally> tally;
  std::optional<Receiver> receiver;
  if (ends.receiver) {
    tally.emplace(load.run, ends.sender ? load.flows.count : ends.sink_flows);
    receiver.emplace(*ends.receiver, *tally, ends.own);
    run.missed = ends.receiver->counters().missed;
  }
  if (ends.sender) {
    Sender sender(*ends.sender, load, in(kStartDelay));
    send_and_receive(sender, receiver ? &*receiver : nullptr, stop);
    run.sent = sender.sent();
    if (receiver) receive(*receiver, settle_seconds, false, stop);
  } else if (receiver) {
    receive(*receiver, load.seconds, load.seconds == 0, stop);
  }
  if (tally) {
    run.received = tally->counts();
    run.missed = ends.receiver->counters().missed - run.missed;
    run.gaps = tally->gaps();
    run.latency = tally->latency();
  }
  return run;
}

Result<Mac> resolve(Port& port, const Ip& wanted, const Ip& own, double seconds) {
  const auto question = ask_for(wanted, own, port.mac());
  std::array<rte_mbuf*, kBurst> buffers{};
  for (int asked = 0; asked < 10; ++asked) {
    port.send(question);
    for (const std::uint64_t end = in(seconds / 10); rte_rdtsc() < end;) {
      const std::uint16_t count = port.receive(buffers);
      std::optional<Mac> found;
      for (std::size_t i = 0; i < count; ++i) {
        const Bytes frame(rte_pktmbuf_mtod(buffers[i], const std::uint8_t*), buffers[i]->data_len);
        if (!found) found = read_answer(frame, wanted);
      }
      if (count > 0) rte_pktmbuf_free_bulk(buffers.data(), count);
      if (found) return *found;
    }
  }
  return system_error(EHOSTUNREACH,
                      fmt::format("ask {} who has {}", port.name(), to_string(wanted)));
}

}  // namespace fairlead::bench::pktgen
