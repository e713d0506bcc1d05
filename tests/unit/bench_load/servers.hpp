// Servers on loopback, for as long as they live: the real one, and one that behaves badly.
#pragma once

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "bench/load/load.hpp"
#include "bench/load/sockets.hpp"

namespace fairlead::bench {

inline Ip loopback() { return ip_from_v4({127, 0, 0, 1}); }

/// serve() on a port that was free.
class RunningServer {
 public:
  explicit RunningServer(const Ip& address, std::uint32_t threads = 1);
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() { stop(); }
  Result<> stop();
  [[nodiscard]] Port port() const { return port_; }

 private:
  Port port_;
  Result<> outcome_;
  std::thread thread_;
};

/// An echo server for one connection after the other that does something after so many bytes.
class BadServer {
 public:
  struct Habits {
    std::uint64_t close_after = 0;  // bytes of each connection; 0: never
    std::uint64_t stall_after = 0;  // bytes in all, once
    std::chrono::milliseconds stall{0};
  };
  explicit BadServer(Habits habits);
  BadServer(const BadServer&) = delete;
  BadServer& operator=(const BadServer&) = delete;
  ~BadServer();
  [[nodiscard]] Port port() const { return port_; }

 private:
  void serve();
  void serve_connection(int fd);

  Habits habits_;
  Port port_;
  Fd listener_;
  std::uint64_t echoed_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// A bound UDP socket that nobody reads.
class DeafSocket {
 public:
  DeafSocket();
  [[nodiscard]] Port port() const { return port_; }

 private:
  Port port_;
  Fd socket_;
};

}  // namespace fairlead::bench
