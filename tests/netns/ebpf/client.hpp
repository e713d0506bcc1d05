// A socket as an application has it: every call that the cgroup hooks see, and what it returned.
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "dataplane/kernel/fd.hpp"
#include "model/ip.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::test {

struct Endpoint {
  Ip ip{};
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint);

/// `error`: an errno value, 0 if there was an answer.
struct Received {
  int error = 0;
  std::string server;  // who answered
  Endpoint from;       // as recvfrom() says
};

class Client {
 public:
  /// An IPv6 socket names IPv4 addresses ::ffff:a.b.c.d.
  Client(const Namespace& where, Family family, Protocol protocol);
  /// Nothing: the kernel has no MPTCP, or it is switched off.
  static std::optional<Client> mptcp(const Namespace& where, Family family);

  /// These return an errno value.
  [[nodiscard]] int connect(const Endpoint& to) const;
  [[nodiscard]] int disconnect() const;
  [[nodiscard]] int bind(const Endpoint& to) const;
  [[nodiscard]] int send() const;
  [[nodiscard]] int send_to(const Endpoint& to) const;
  [[nodiscard]] int set_v6_only() const;

  /// Waits for at most two seconds.
  [[nodiscard]] Received receive() const;
  [[nodiscard]] Endpoint peer() const;
  [[nodiscard]] Endpoint name() const;

  /// send_to() and receive().
  [[nodiscard]] Received ask(const Endpoint& to) const;
  /// send() and receive().
  [[nodiscard]] Received ask() const;

 private:
  Client(const Namespace& where, Family family, int type, int protocol);
  Fd fd_;
  Family family_;
};

}  // namespace fairlead::test
