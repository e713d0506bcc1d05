// The load generator: clients and servers that do as little as can be, so that what is measured is
// the way between them. One thread a core, epoll, no allocation while it runs.
//
//   closed loop  a connection asks again when it was answered: how much can pass
//   open loop    asks at the times that the rate says, on whichever connection is free; latency
//                counts from when it should have been asked, so that a pause is not hidden
//                (coordinated omission). What was due and stays unanswered is a failure
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/results/histogram.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

enum class Traffic : std::uint8_t {
  kConnections,       // connect, one byte each way, close
  kResetConnections,  // the same, closed by RST
  kConnects,          // connect, RST: what connect() itself costs
  kRequests,          // `bytes` each way on an established connection
  kStream,            // as much as goes
  kDatagrams,         // UDP, one way, at `rate` or as fast as can be; what arrives is counted
  kUdpRequests        // one datagram each way, of a socket that stays
};
std::string_view to_string(Traffic traffic);  // "connections", ...
Result<Traffic> parse_traffic(std::string_view text);

struct ServerAddress {
  Ip address{};
  Port port{};
};

struct LoadOptions {
  Traffic traffic = Traffic::kRequests;
  Ip address{};
  Port port{};
  double seconds = 1;
  std::uint32_t threads = 1;
  std::uint32_t connections = 1;  // of each thread, at a time
  std::uint32_t bytes = 1;        // of a request, at most kMaxBytes; of a datagram
  std::optional<double> rate{};   // open loop: how many a second, of all threads together
  std::vector<unsigned> cpus{};   // thread i runs on cpus[i mod size]; empty: wherever
  /// Where the server is asked what it saw, over TCP; without it, as the load. Set it to the
  /// server's own address where the load's has no TCP port, or must not see one connection more.
  std::optional<ServerAddress> control{};
};
inline constexpr std::uint32_t kMaxBytes = 64 << 10;

/// Of all threads together.
struct LoadResult {
  /// Connections or requests that were answered, datagrams that were sent, or writes of 64 KiB.
  std::uint64_t count = 0;
  std::uint64_t failures = 0;  // refused, reset, unanswered for 5 seconds
  std::uint64_t lost = 0;      // datagrams that the server did not see
  /// From client to server, without headers: of a stream what the server received, of datagrams
  /// those that arrived.
  std::uint64_t bytes = 0;
  double seconds = 0;                          // until the last answer
  double client_cpu_seconds = 0;               // of the threads; softirqs that ran in them included
  std::optional<double> server_cpu_seconds{};  // as the server says; it serves nobody else
  Histogram latency{};                         // not of kStream and kDatagrams
};
std::string to_json(const LoadResult& result);
Result<LoadResult> load_result_from_json(std::string_view text);

/// Blocks until it is over. What fails at the start (nobody listens), or never succeeds, is an
/// error; later failures are counted, and tried again. A client without free local ports is an
/// error at any time. The server is one that serve() runs, and has no other client meanwhile.
Result<LoadResult> run_load(const LoadOptions& options);

struct ServerOptions {
  Ip address{};  // 0.0.0.0 or ::, or one
  Port port{};   // TCP and UDP
  std::uint32_t threads = 1;
  std::vector<unsigned> cpus{};
  int ready_fd = -1;  // gets one byte when all sockets listen
};
/// Until SIGTERM or SIGINT, which the caller's other threads must have blocked.
Result<> serve(const ServerOptions& options);

}  // namespace fairlead::bench
