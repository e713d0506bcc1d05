// The few socket calls that the lab's tools share. Errors are Result; every descriptor has an
// owner.
#pragma once

#include <netinet/in.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::lab {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int number() const { return fd_; }

 private:
  int fd_ = -1;
};

enum class Transport : std::uint8_t { kTcp, kUdp };

struct Target {
  Ip ip;
  Port port;
};

/// "10.0.0.1:80" or "[fd00::1]:80".
Result<Target> parse_target(std::string_view text);

/// A non-blocking socket on every address of both families (IPv4 arrives as IPv4-mapped); IPv4
/// alone where IPv6 is off. A UDP socket reports the destination address of each datagram
/// (IPV6_PKTINFO), so that the answer can leave from it.
Result<Fd> listen_on(Transport transport, Port port);

/// A non-blocking socket, connected (UDP) or connecting (TCP: becomes writable when done), from
/// `source` or any port.
Result<Fd> connect_to(Transport transport, const Target& target,
                      std::optional<Port> source = std::nullopt);

/// A non-blocking UDP socket that is not connected, on `source` or any port.
Result<Fd> open_datagram(Family family, std::optional<Port> source);
/// What sendto(2) returns.
ssize_t send_to(const Fd& socket, const Target& target, std::string_view data);

/// Lets this process have as many descriptors as it may.
Result<> raise_descriptor_limit();

/// "192.0.2.1 4000" or "2001:db8::1 4000"; an IPv4-mapped address is written as IPv4.
std::string peer_text(const sockaddr_storage& address);

/// Delivers `signals` by reading the descriptor; they no longer interrupt.
Result<Fd> signal_descriptor(std::initializer_list<int> signals);

Result<Fd> make_epoll();
Result<> watch(const Fd& epoll, int fd, std::uint32_t events);
Result<> rewatch(const Fd& epoll, int fd, std::uint32_t events);

}  // namespace fairlead::lab
