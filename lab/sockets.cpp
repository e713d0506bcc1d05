// Sockets for the lab's tools: text -> Target -> sockaddr -> a non-blocking descriptor that an
// epoll loop drives.
#include "lab/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace fairlead::lab {
namespace {

int socket_type(Transport transport) {
  return (transport == Transport::kTcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress socket_address(const Target& target) {
  SocketAddress address;
  if (target.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(target.port.host);
    std::memcpy(&v4.sin_addr, target.ip.bytes.data() + 12, 4);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(target.port.host);
    std::memcpy(&v6.sin6_addr, target.ip.bytes.data(), 16);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.length = sizeof v6;
  }
  return address;
}

Result<> enable(const Fd& socket, int level, int option, std::string_view name, int value = 1) {
  if (::setsockopt(socket.number(), level, option, &value, sizeof value) < 0)
    return system_error(errno, fmt::format("set socket option {}", name));
  return {};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return invalid(fmt::format("target '{}': expected ADDRESS:PORT", text));
  std::string_view host = text.substr(0, colon);
  std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return invalid(fmt::format("target '{}': write an IPv6 address as [ADDRESS]:PORT", text));
  }
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size())
    return invalid(fmt::format("target '{}': port '{}' is no number", text, digits));
  TRY(auto ip, parse_ip(host));
  TRY(auto port, make_port(number));
  return Target{ip, port};
}

Result<Fd> listen_on(Transport transport, Port port) {
  const std::string what =
      fmt::format("listen on {} port {}", transport == Transport::kTcp ? "TCP" : "UDP", port.host);
  Fd socket(::socket(AF_INET6, socket_type(transport), 0));
  Target every{any_address(Family::kIpv6), port};
  if (socket.number() >= 0) {
    TRY_VOID(enable(socket, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", 0));
  } else {
    socket = Fd(::socket(AF_INET, socket_type(transport), 0));
    every.ip = any_address(Family::kIpv4);
  }
  if (socket.number() < 0) return system_error(errno, what);
  TRY_VOID(enable(socket, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"));
  if (transport == Transport::kUdp) {
    // Sent on a dual-stack socket too, where an IPv4 destination is reported as an IPv4-mapped one.
    if (every.ip.is_v4()) {
      TRY_VOID(enable(socket, IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO"));
    } else {
      TRY_VOID(enable(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"));
    }
  }
  SocketAddress address = socket_address(every);
  if (::bind(socket.number(), reinterpret_cast<sockaddr*>(&address.storage), address.length) < 0)
    return system_error(errno, what);
  if (transport == Transport::kTcp && ::listen(socket.number(), 4096) < 0)
    return system_error(errno, what);
  return socket;
}

namespace {
Result<Fd> open_client(Transport transport, Family family, std::optional<Port> source) {
  Fd socket(::socket(family == Family::kIpv4 ? AF_INET : AF_INET6, socket_type(transport), 0));
  if (socket.number() < 0) return system_error(errno, "make a socket");
  if (!source) return socket;
  const SocketAddress own = socket_address({any_address(family), *source});
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&own.storage), own.length) < 0)
    return system_error(errno, fmt::format("bind to port {}", source->host));
  return socket;
}
}  // namespace

Result<Fd> open_datagram(Family family, std::optional<Port> source) {
  return open_client(Transport::kUdp, family, source);
}

ssize_t send_to(const Fd& socket, const Target& target, std::string_view data) {
  const SocketAddress address = socket_address(target);
  return ::sendto(socket.number(), data.data(), data.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address.storage), address.length);
}

Result<> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return system_error(errno, "read RLIMIT_NOFILE");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) < 0) return system_error(errno, "raise RLIMIT_NOFILE");
  return {};
}

Result<Fd> connect_to(Transport transport, const Target& target, std::optional<Port> source) {
  TRY(Fd socket, open_client(transport, target.ip.family(), source));
  SocketAddress address = socket_address(target);
  if (::connect(socket.number(), reinterpret_cast<sockaddr*>(&address.storage), address.length) <
          0 &&
      errno != EINPROGRESS)
    return system_error(errno, fmt::format("connect to {}", to_string(target.ip, target.port)));
  return socket;
}

std::string peer_text(const sockaddr_storage& address) {
  Ip ip;
  in_port_t port = 0;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    ip = ip_from_v4(bytes);
    port = v4.sin_port;
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    std::memcpy(ip.bytes.data(), &v6.sin6_addr, ip.bytes.size());
    port = v6.sin6_port;
  }
  return fmt::format("{} {}", to_string(ip), ntohs(port));
}

Result<Fd> signal_descriptor(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) < 0) return system_error(errno, "block signals");
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (fd.number() < 0) return system_error(errno, "make a signal descriptor");
  return fd;
}

Result<Fd> make_epoll() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll.number() < 0) return system_error(errno, "make an epoll descriptor");
  return epoll;
}

namespace {
Result<> control(const Fd& epoll, int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll.number(), operation, fd, &event) < 0)
    return system_error(errno, "watch a descriptor");
  return {};
}
}  // namespace

Result<> watch(const Fd& epoll, int fd, std::uint32_t events) {
  return control(epoll, EPOLL_CTL_ADD, fd, events);
}

Result<> rewatch(const Fd& epoll, int fd, std::uint32_t events) {
  return control(epoll, EPOLL_CTL_MOD, fd, events);
}

}  // namespace fairlead::lab
