// The few calls on sockets that clients and servers share.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <string>

#include "dataplane/kernel/fd.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

using Clock = std::chrono::steady_clock;

/// How long an answer is waited for, and a connection for being made.
inline constexpr std::chrono::seconds kPatience{5};

/// What connect() and bind() take.
struct SocketAddress {
  SocketAddress() = default;
  SocketAddress(const Ip& ip, Port port);
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
};

/// -1 with errno where there is none. `flags`: SOCK_NONBLOCK or none.
Fd open_socket(const SocketAddress& to, int type, int flags = 0);

/// Of calls that block: they fail with EAGAIN (connect: EINPROGRESS) after so long.
void limit_sending(int fd, std::chrono::microseconds limit);
void limit_receiving(int fd, std::chrono::microseconds limit);
void send_at_once(int fd);  // TCP_NODELAY
/// Closing sends RST, and nothing rests in TIME_WAIT.
void reset_on_close(int fd);

/// Whether no other try can succeed: this host has no port, descriptor or memory left, or no right.
bool is_own_fault(int error_number);
/// An error that says what to do about it, where that is known.
tl::unexpected<Error> socket_error(int error_number, const std::string& doing);

}  // namespace fairlead::bench
