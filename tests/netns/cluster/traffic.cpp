// One thread polls all server sockets; clients are plain sockets with deadlines.
#include "tests/netns/cluster/traffic.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace fairlead::test {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socket_address(const Ip& ip, std::uint16_t port) {
  SocketAddress address;
  if (ip.is_v4()) {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, ip.bytes.data() + 12, 4);
    address.size = sizeof(*in);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    std::memcpy(&in->sin6_addr, ip.bytes.data(), 16);
    address.size = sizeof(*in);
  }
  return address;
}

std::string text_of(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = address.storage.ss_family == AF_INET
                          ? static_cast<const void*>(
                                &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr)
                          : &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr;
  inet_ntop(address.storage.ss_family, bytes, text.data(), text.size());
  return text.data();
}

Fd open_socket(const Ip& ip, int type) {
  return Fd(::socket(ip.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool wait_for(int fd, short events, std::chrono::milliseconds patience) {
  pollfd poll_fd{fd, events, 0};
  return ::poll(&poll_fd, 1, static_cast<int>(patience.count())) == 1;
}

int error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

Answer read_answer(int fd, std::chrono::milliseconds patience) {
  std::array<char, 256> buffer{};
  if (!wait_for(fd, POLLIN, patience)) return {Outcome::kSilence, "", ""};
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size() - 1, 0);
  if (got < 0 && errno == ECONNREFUSED) return {Outcome::kRefused, "", ""};
  if (got <= 0) return {Outcome::kSilence, "", ""};
  const std::string text(buffer.data(), static_cast<std::size_t>(got));
  const auto space = text.find(' ');
  return {Outcome::kAnswered, text.substr(0, space),
          text.substr(space + 1, text.find('\n') - space - 1)};
}

/// On a thread in that namespace.
Fd connect_to(const Namespace& where, const Ask& question, int& error) {
  Fd fd;
  where.run_as_client([&] {
    fd = open_socket(question.to, question.protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM);
  });
  if (question.from || question.from_port != 0) {
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    auto from = socket_address(question.from.value_or(any_address(question.to.family())),
                               question.from_port);
    EXPECT_EQ(::bind(fd.get(), from.get(), from.size), 0) << std::strerror(errno);
  }
  auto to = socket_address(question.to, question.port.host);
  error = 0;
  if (::connect(fd.get(), to.get(), to.size) == 0) return fd;
  error = errno;
  if (error != EINPROGRESS) return fd;
  error = wait_for(fd.get(), POLLOUT, question.patience) ? error_of(fd.get()) : ETIMEDOUT;
  return fd;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  switch (answer.outcome) {
    case Outcome::kAnswered:
      return out << answer.server << " saw " << answer.source;
    case Outcome::kRefused:
      return out << "refused";
    case Outcome::kSilence:
      return out << "silence";
  }
  return out;
}

Servers::Servers() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Servers::~Servers() {
  thread_.request_stop();
  ::eventfd_write(wake_.get(), 1);
}

void Servers::serve(const Namespace& where, const std::string& name, const Ip& ip, Port port) {
  where.run([&] {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      Fd fd = open_socket(ip, type);
      const int on = 1;
      ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
      ::setsockopt(fd.get(), SOL_IP, IP_FREEBIND, &on, sizeof(on));
      auto address = socket_address(ip, port.host);
      ASSERT_EQ(::bind(fd.get(), address.get(), address.size), 0)
          << name << ": " << std::strerror(errno);
      if (type == SOCK_STREAM) {
        ASSERT_EQ(::listen(fd.get(), 1024), 0);
      }
      const std::lock_guard lock(mutex_);
      starting_.push_back({std::move(fd), name,
                           type == SOCK_STREAM ? Socket::Kind::kListener : Socket::Kind::kUdp, ""});
    }
  });
  ::eventfd_write(wake_.get(), 1);
}

void Servers::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<pollfd> polled;
    for (const Socket& socket : sockets_) polled.push_back({socket.fd.get(), POLLIN, 0});
    polled.push_back({wake_.get(), POLLIN, 0});
    ::poll(polled.data(), polled.size(), -1);
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    const std::size_t count = sockets_.size();
    for (std::size_t i = 0; i < count; ++i)
      if (polled[i].revents != 0) handle(i);
    std::erase_if(sockets_, [](const Socket& socket) { return !socket.fd; });
    const std::lock_guard lock(mutex_);
    std::ranges::move(starting_, std::back_inserter(sockets_));
    starting_.clear();
  }
}

void Servers::handle(std::size_t index) {
  SocketAddress client;
  std::array<char, 256> buffer{};
  const int fd = sockets_[index].fd.get();
  switch (sockets_[index].kind) {
    case Socket::Kind::kListener: {
      Fd accepted(::accept4(fd, client.get(), &client.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!accepted) return;
      std::string greeting = fmt::format("{} {}\n", sockets_[index].name, text_of(client));
      ::send(accepted.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL);
      sockets_.push_back({std::move(accepted), sockets_[index].name, Socket::Kind::kConnection,
                          std::move(greeting)});
      return;
    }
    case Socket::Kind::kConnection: {
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0)
        sockets_[index].fd = Fd();
      else
        ::send(fd, sockets_[index].greeting.data(), sockets_[index].greeting.size(), MSG_NOSIGNAL);
      return;
    }
    case Socket::Kind::kUdp: {
      if (::recvfrom(fd, buffer.data(), buffer.size(), 0, client.get(), &client.size) < 0) return;
      const std::string answer = fmt::format("{} {}\n", sockets_[index].name, text_of(client));
      ::sendto(fd, answer.data(), answer.size(), 0, client.get(), client.size);
      return;
    }
  }
}

Answer ask(const Namespace& where, const Ask& question) {
  Answer answer;
  where.run([&] {
    int error = 0;
    const Fd fd = connect_to(where, question, error);
    if (error == ECONNREFUSED) {
      answer.outcome = Outcome::kRefused;
      return;
    }
    if (error != 0) return;
    if (question.protocol == Protocol::kUdp) ::send(fd.get(), "?", 1, 0);
    answer = read_answer(fd.get(), question.patience);
  });
  return answer;
}

Connection::Connection(const Namespace& where, const Ip& to, Port port, Protocol protocol) {
  where.run([&] {
    int error = 0;
    Ask question;
    question.protocol = protocol;
    question.to = to;
    question.port = port;
    fd_ = connect_to(where, question, error);
    EXPECT_EQ(error, 0) << std::strerror(error);
  });
  if (protocol == Protocol::kTcp) read_answer(fd_.get(), std::chrono::seconds(2));
}

Answer Connection::ask() {
  if (::send(fd_.get(), "?\n", 2, MSG_NOSIGNAL) != 2) return {};
  return read_answer(fd_.get(), std::chrono::seconds(2));
}

}  // namespace fairlead::test
