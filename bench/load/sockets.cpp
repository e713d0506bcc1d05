// Addresses and options of sockets. Options that cannot fail on a socket of the right kind are not
// checked.
#include "bench/load/sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

namespace fairlead::bench {
namespace {

void set_limit(int fd, int option, std::chrono::microseconds limit) {
  const timeval value{.tv_sec = limit.count() / 1'000'000, .tv_usec = limit.count() % 1'000'000};
  (void)::setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value));
}

}  // namespace

SocketAddress::SocketAddress(const Ip& ip, Port port) {
  // IPv4 destinations get an IPv4 socket, as most clients have.
  if (ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port.host);
    std::memcpy(&v4.sin_addr, &ip.bytes[12], sizeof(v4.sin_addr));
    std::memcpy(&storage, &v4, size = sizeof(v4));
    return;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port.host);
  std::memcpy(&v6.sin6_addr, ip.bytes.data(), ip.bytes.size());
  std::memcpy(&storage, &v6, size = sizeof(v6));
}

Fd open_socket(const SocketAddress& to, int type, int flags) {
  return Fd(::socket(to.family(), type | SOCK_CLOEXEC | flags, 0));
}

void limit_sending(int fd, std::chrono::microseconds limit) { set_limit(fd, SO_SNDTIMEO, limit); }
void limit_receiving(int fd, std::chrono::microseconds limit) { set_limit(fd, SO_RCVTIMEO, limit); }

void send_at_once(int fd) {
  const int one = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void reset_on_close(int fd) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

bool is_own_fault(int error_number) {
  switch (error_number) {
    case EADDRNOTAVAIL:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EACCES:
    case EAFNOSUPPORT:
      return true;
    default:
      return false;
  }
}

tl::unexpected<Error> socket_error(int error_number, const std::string& doing) {
  if (error_number == EADDRNOTAVAIL)
    return system_error(error_number,
                        doing +
                            ": no local port is free (net.ipv4.ip_local_port_range; closed "
                            "connections keep theirs a minute in TIME_WAIT, unless "
                            "net.ipv4.tcp_max_tw_buckets is 0)");
  if (error_number == EMFILE)
    return system_error(error_number, doing + ": no descriptor is free (ulimit -n)");
  return system_error(error_number, doing);
}

}  // namespace fairlead::bench
