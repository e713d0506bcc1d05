// What one thread of a client does: connects what stays connected, then asks until the time is
// over. Which of the clients it is follows from the traffic.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "bench/load/load.hpp"
#include "bench/load/pacing.hpp"
#include "bench/load/sockets.hpp"
#include "bench/load/wire.hpp"

namespace fairlead::bench {

/// In a closed loop, what has failed is tried again after so long: a server that has gone is not
/// flooded, and the failures of a second stay comparable.
inline constexpr std::chrono::milliseconds kRest{1};

/// One thread's part of a load.
struct Share {
  const LoadOptions* options = nullptr;
  SocketAddress to;
  std::uint32_t index = 0;
  const std::atomic<bool>* stop = nullptr;  // another thread has failed

  [[nodiscard]] bool is_stopped() const { return stop->load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_alone() const {
    return options->threads == 1 && options->connections == 1 && !options->rate;
  }
  [[nodiscard]] Pacing pacing(Clock::time_point start) const {
    return Pacing({.seconds = options->seconds,
                   .rate = options->rate,
                   .threads = options->threads,
                   .index = index},
                  start);
  }
  [[nodiscard]] Error error(int error_number, std::string_view doing) const;
};

/// What it has done.
struct Tally {
  std::uint64_t count = 0, failures = 0;
  int last_failure = 0;  // errno
  Histogram latency;

  void fail(int error_number) {
    ++failures;
    last_failure = error_number;
  }
};

class Client {
 public:
  virtual ~Client() = default;
  /// Memory and connections. Errors: the server does not take them.
  virtual Result<> prepare() = 0;
  /// Errors: what no other try can mend.
  virtual Result<> run(Tally& tally) = 0;
  /// Called by another thread, now and then while run() does: ends what has blocked for too long.
  virtual void look_after(Clock::time_point /*now*/) {}
};

/// Connections and requests, one at a time, closed loop: blocking calls.
std::unique_ptr<Client> make_blocking_client(const Share& share);
/// Connections and requests, many at a time or at a rate: epoll.
std::unique_ptr<Client> make_exchange_client(const Share& share);
std::unique_ptr<Client> make_stream_client(const Share& share);
std::unique_ptr<Client> make_datagram_client(const Share& share);

void rest();

/// A connection that is made before the start: blocking, with TCP_NODELAY; connecting and sending
/// end after kPatience, receiving does not.
Result<Fd> connect_now(const Share& share, int type);

}  // namespace fairlead::bench
