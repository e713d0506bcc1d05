// One thread of a server: its own listener and UDP socket on the common port, its own epoll. It
// shares nothing with the others; the kernel spreads connections and flows over them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/load/datagram_server.hpp"
#include "bench/load/load.hpp"
#include "bench/load/server_counts.hpp"
#include "bench/load/sockets.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// A control connection, as it passes through a pipe to the thread of control.
struct HandOver {
  int fd = -1;
  std::uint32_t questions = 0;  // that came with its first byte
};

/// What the threads of a server have in common.
struct ServerEnds {
  int control = -1;  // takes HandOvers
  int wake = -1;     // becomes readable, and stays so, when `stop` is set
  std::atomic<bool> stop{false};
};

class ServerThread {
 public:
  static Result<ServerThread> open(const ServerOptions& options, const ServerEnds& ends);
  void run();
  /// By another thread, after `stop` was set: ends a call that blocks.
  void interrupt();
  [[nodiscard]] const ServerCounts& counts() const { return seen_->counts; }

 private:
  /// What an event is about.
  enum class Source : std::uint8_t { kListener, kDatagrams, kWake, kNew, kEcho, kSink };

  ServerThread(Fd listener, Fd epoll, DatagramServer datagrams, const ServerEnds& ends);
  void dispatch(Source source, int fd);
  void accept_connection();
  void begin(int fd, ssize_t received);
  void hand_over(int fd, std::size_t received);
  void continue_echo(int fd);
  void continue_sink(int fd);
  void echo_alone(int fd, std::size_t received);
  void sink_alone(int fd);
  ssize_t receive(int fd, int flags);
  bool wait_for_greeting(int fd);
  bool begin_alone(int fd);
  bool send_back(int fd, std::size_t size);
  void keep(int fd, Source source);
  void close_connection(int fd);

  Fd listener_, epoll_;
  DatagramServer datagrams_;
  const ServerEnds* ends_;
  std::vector<char> buffer_;
  std::uint64_t open_ = 0;  // connections
  /// What others see of it. Not in place, so that a thread can be moved before it runs.
  struct Seen {
    ServerCounts counts;
    std::atomic<int> alone{-1};  // the connection that is served by calls that block
  };
  std::unique_ptr<Seen> seen_;
};

}  // namespace fairlead::bench
