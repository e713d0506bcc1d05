// One client and one server that are as cheap as they can be, so that what is measured is the way
// between them.
//
//   traffic server PORT
//   traffic KIND ADDRESS PORT SECONDS -> {"count", "seconds", "cpu_us"} on standard output
//
//   connections  connect, one byte each way, close
//   connects     connect, close by RST: what connect() itself costs
//   requests     one byte each way on one connection
//   stream       64 KiB writes on one connection; a count is one write
//
// The client's first byte says which of them the server shall do: it takes one connection after the
// other. cpu_us is CPU time of the client's thread for each count, softirqs that ran in it
// included.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "bench/measure.hpp"

namespace fairlead::bench {
namespace {

constexpr char kOnce = 'c', kEcho = 'r', kSink = 's';
constexpr std::size_t kWriteBytes = std::size_t{64} << 10;

template <class Number>
Number number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    fail(fmt::format("'{}' is no number", text));
  return number;
}

/// A socket, and the address that it is for: IPv6, with IPv4 mapped.
sockaddr_in6 address_of(const std::string& text, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  const std::string mapped = text.find(':') == std::string::npos ? "::ffff:" + text : text;
  if (::inet_pton(AF_INET6, mapped.c_str(), &address.sin6_addr) != 1)
    fail(fmt::format("'{}' is no address", text));
  return address;
}

/// IPv4 destinations get an IPv4 socket, as most clients have.
int connect_to(const sockaddr_in6& to) {
  const bool is_v4 = IN6_IS_ADDR_V4MAPPED(&to.sin6_addr);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = to.sin6_port;
  std::memcpy(&v4.sin_addr, &to.sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
  const int fd = ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int result = is_v4 ? ::connect(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof(v4))
                           : ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  if (fd < 0 || result != 0) fail(fmt::format("connect: {}", std::strerror(errno)));
  const int one = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

void exchange_byte(int fd, char byte) {
  if (::send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || ::recv(fd, &byte, 1, 0) != 1)
    fail(fmt::format("one byte each way: {}", std::strerror(errno)));
}

void serve_connection(int fd) {
  static std::array<char, kWriteBytes> buffer;
  char kind = 0;
  if (::recv(fd, &kind, 1, 0) != 1) return;
  if (kind == kSink) {
    while (::recv(fd, buffer.data(), buffer.size(), 0) > 0) {
    }
    return;
  }
  while (::send(fd, &kind, 1, MSG_NOSIGNAL) == 1 && ::recv(fd, &kind, 1, 0) == 1) {
  }
}

[[noreturn]] void serve(std::uint16_t port) {
  const int listener = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  (void)::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  (void)::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  const sockaddr_in6 address = address_of("::", port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener, 4096) != 0)
    fail(fmt::format("port {}: {}", port, std::strerror(errno)));
  fmt::print("ready\n");
  (void)std::fflush(stdout);
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    serve_connection(fd);
    ::close(fd);
  }
}

void connect_once(const sockaddr_in6& to, bool exchange) {
  const int fd = connect_to(to);
  if (exchange) {
    exchange_byte(fd, kOnce);
  } else {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  ::close(fd);
}

double thread_cpu_us() {
  timespec time{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Calls `once` until the time is over, and prints.
template <class Once>
void repeat(double seconds, Once once) {
  const auto start = Clock::now();
  const double cpu_start = thread_cpu_us();
  std::uint64_t count = 0;
  double elapsed_ms = 0;
  do {
    for (int i = 0; i < 8; ++i) once();
    count += 8;
    elapsed_ms = milliseconds_since(start);
  } while (elapsed_ms < seconds * 1000);
  fmt::print(R"({{"count":{},"seconds":{:.6f},"cpu_us":{:.4f}}})"
             "\n",
             count, elapsed_ms / 1000, (thread_cpu_us() - cpu_start) / static_cast<double>(count));
}

void run_client(std::string_view kind, const sockaddr_in6& to, double seconds) {
  if (kind == "connections") return repeat(seconds, [&] { connect_once(to, true); });
  if (kind == "connects") return repeat(seconds, [&] { connect_once(to, false); });
  const int fd = connect_to(to);
  if (kind == "requests") {
    repeat(seconds, [&] { exchange_byte(fd, kEcho); });
  } else if (kind == "stream") {
    static std::array<char, kWriteBytes> buffer;
    buffer[0] = kSink;
    repeat(seconds, [&] {
      for (std::size_t sent = 0; sent < buffer.size();) {
        const ssize_t now = ::send(fd, buffer.data() + sent, buffer.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) fail(fmt::format("stream: {}", std::strerror(errno)));
        sent += static_cast<std::size_t>(now);
      }
    });
  } else {
    fail(fmt::format("'{}' is no kind of traffic", kind));
  }
  ::close(fd);
}

}  // namespace
}  // namespace fairlead::bench

int main(int argc, char** argv) {
  using namespace fairlead::bench;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "server")
    serve(number_of<std::uint16_t>(arguments[1]));
  if (arguments.size() != 4) fail("usage: traffic server PORT | traffic KIND ADDRESS PORT SECONDS");
  run_client(arguments[0], address_of(arguments[1], number_of<std::uint16_t>(arguments[2])),
             number_of<double>(arguments[3]));
  return 0;
}
