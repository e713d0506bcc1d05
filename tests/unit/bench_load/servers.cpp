// The namespace of the tests, and the servers' threads.
#include "tests/unit/bench_load/servers.hpp"

#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace fairlead::bench {
namespace {

/// A network namespace for the whole program, so that neither ports nor TIME_WAIT are shared.
class OwnNamespace final : public testing::Environment {
  void SetUp() override {
    if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
      GTEST_SKIP() << "no network namespace: " << std::strerror(errno);
    ifreq loopback_up{};
    std::strcpy(loopback_up.ifr_name, "lo");
    loopback_up.ifr_flags = IFF_UP;
    const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &loopback_up), 0);
    std::ofstream("/proc/sys/net/ipv4/tcp_max_tw_buckets") << 0;
  }
};
[[maybe_unused]] testing::Environment* const own_namespace =
    testing::AddGlobalTestEnvironment(new OwnNamespace);

/// One that is no client's: those are from 32768 on, and could meet themselves.
Port new_port() {
  static std::uint16_t last = 7000;
  return Port{++last};
}

Fd bound_socket(Port port, int type) {
  const SocketAddress address(loopback(), port);
  Fd socket = open_socket(address, type);
  EXPECT_EQ(::bind(socket.get(), address.get(), address.size), 0);
  return socket;
}

}  // namespace

RunningServer::RunningServer(const Ip& address, std::uint32_t threads) : port_(new_port()) {
  std::array<int, 2> ready{};
  EXPECT_EQ(::pipe(ready.data()), 0);
  const Fd reader(ready[0]), writer(ready[1]);
  thread_ = std::thread([this, address, threads, fd = writer.get()] {
    outcome_ =
        serve({.address = address, .port = port_, .threads = threads, .cpus = {}, .ready_fd = fd});
    if (!outcome_) (void)::write(fd, "E", 1);
  });
  char answer = 0;
  EXPECT_EQ(::read(reader.get(), &answer, 1), 1);
  EXPECT_EQ(answer, 'R') << (answer == 'R' ? "" : outcome_.error().doing);
}

Result<> RunningServer::stop() {
  if (thread_.joinable()) {
    ::pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }
  return outcome_;
}

BadServer::BadServer(Habits habits)
    : habits_(habits), port_(new_port()), listener_(bound_socket(port_, SOCK_STREAM)) {
  EXPECT_EQ(::listen(listener_.get(), 64), 0);
  thread_ = std::thread([this] { serve(); });
}

BadServer::~BadServer() {
  stop_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void BadServer::serve() {
  while (!stop_) {
    const Fd connection(::accept(listener_.get(), nullptr, nullptr));
    if (connection) serve_connection(connection.get());
  }
}

void BadServer::serve_connection(int fd) {
  std::array<char, 4096> buffer;
  for (std::uint64_t here = 0; habits_.close_after == 0 || here < habits_.close_after;) {
    const ssize_t received = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (received <= 0) return;
    here += static_cast<std::uint64_t>(received);
    echoed_ += static_cast<std::uint64_t>(received);
    if (habits_.stall_after != 0 && echoed_ >= habits_.stall_after) {
      habits_.stall_after = 0;
      ::poll(nullptr, 0, static_cast<int>(habits_.stall.count()));
    }
    (void)::send(fd, buffer.data(), static_cast<std::size_t>(received), MSG_NOSIGNAL);
  }
}

DeafSocket::DeafSocket() : port_(new_port()), socket_(bound_socket(port_, SOCK_DGRAM)) {}

}  // namespace fairlead::bench
