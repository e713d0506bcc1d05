// Echo servers that tell who reached them, and clients that ask.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/ip.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::test {

enum class Outcome { kAnswered, kRefused, kSilence };

struct Answer {
  Outcome outcome = Outcome::kSilence;
  std::string server;  // its name
  std::string source;  // the client's address, as the server saw it
  bool operator==(const Answer&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Answer& answer);

/// Sockets that answer "NAME SOURCE" to what they get: TCP once a connection is there and to each
/// line, UDP to each datagram.
class Servers {
 public:
  Servers();
  ~Servers();
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;

  /// Serves TCP and UDP on `ip`:`port` in the namespace.
  void serve(const Namespace& where, const std::string& name, const Ip& ip, Port port);

 private:
  struct Socket {
    Fd fd;
    std::string name;
    enum class Kind { kListener, kConnection, kUdp } kind;
    std::string greeting;
  };
  void run(const std::stop_token& stop);
  void handle(std::size_t index);

  std::vector<Socket> starting_;  // until the first client
  std::vector<Socket> sockets_;
  Fd wake_;
  std::mutex mutex_;
  std::jthread thread_;
};

struct Ask {
  Protocol protocol = Protocol::kTcp;
  Ip to{};
  Port port{};
  std::optional<Ip> from = std::nullopt;
  std::uint16_t from_port = 0;  // 0: any
  std::chrono::milliseconds patience{2000};
};

/// Opens a connection, or sends a datagram, and waits for the answer.
Answer ask(const Namespace& where, const Ask& question);

/// A TCP connection, or a connected UDP socket, that stays.
class Connection {
 public:
  Connection(const Namespace& where, const Ip& to, Port port, Protocol protocol = Protocol::kTcp);
  /// Sends a line and waits for what comes back.
  Answer ask();

 private:
  Fd fd_;
};

}  // namespace fairlead::test
