// accept -> the first bytes say what the connection wants:
//
//   echo, sink         joins epoll, and is served as its bytes come
//   alone              served here and now until it is closed, by calls that block
//   control            handed over to the thread of control
//
// Sockets block unless MSG_DONTWAIT says otherwise, so that both kinds cost no call to change. They
// have no time limit for receiving, which would arm a timer for each request; a thread that blocks
// is stopped by shutting down what it waits for.
#include "bench/load/server_thread.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bench/load/wire.hpp"

namespace fairlead::bench {
namespace {

constexpr int kBacklog = 4096;
/// How long one thread waits for the first byte of a connection while it has no other.
constexpr int kGreetingMs = 20;
constexpr std::size_t kEvents = 256;
constexpr int kReadsInARow = 8;  // of one sink, before the others have their turn

epoll_event event_of(std::uint8_t source, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = std::uint64_t{source} << 32 | static_cast<std::uint32_t>(fd);
  return event;
}

Result<Fd> listen_on(const ServerOptions& options) {
  const SocketAddress address(options.address, options.port);
  const std::string doing = "listen on " + to_string(options.address, options.port) + "/TCP";
  Fd listener = open_socket(address, SOCK_STREAM);
  if (!listener) return socket_error(errno, doing);
  const int one = 1;
  (void)::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  // With one thread not, so that a second server on the port is an error.
  if (options.threads > 1)
    (void)::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
  send_at_once(listener.get());
  limit_sending(listener.get(), kPatience);
  if (::bind(listener.get(), address.get(), address.size) != 0 ||
      ::listen(listener.get(), kBacklog) != 0)
    return socket_error(errno, doing);
  return listener;
}

}  // namespace

Result<ServerThread> ServerThread::open(const ServerOptions& options, const ServerEnds& ends) {
  TRY(Fd listener, listen_on(options));
  TRY(DatagramServer datagrams, DatagramServer::open(options));
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return socket_error(errno, "epoll");
  for (const auto& [source, fd] : {std::pair{Source::kListener, listener.get()},
                                   {Source::kDatagrams, datagrams.socket()},
                                   {Source::kWake, ends.wake}}) {
    epoll_event event = event_of(static_cast<std::uint8_t>(source), fd);
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
      return socket_error(errno, "epoll");
  }
  return ServerThread(std::move(listener), std::move(epoll), std::move(datagrams), ends);
}

ServerThread::ServerThread(Fd listener, Fd epoll, DatagramServer datagrams, const ServerEnds& ends)
    : listener_(std::move(listener)),
      epoll_(std::move(epoll)),
      datagrams_(std::move(datagrams)),
      ends_(&ends),
      buffer_(kWriteBytes),
      seen_(std::make_unique<Seen>()) {}

void ServerThread::run() {
  std::array<epoll_event, kEvents> events;
  while (!ends_->stop.load(std::memory_order_relaxed)) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEvents, -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
      dispatch(Source{static_cast<std::uint8_t>(data >> 32)}, static_cast<int>(data & 0xffffffff));
    }
  }
}

void ServerThread::dispatch(Source source, int fd) {
  switch (source) {
    case Source::kListener:
      return accept_connection();
    case Source::kDatagrams:
      return datagrams_.serve(seen_->counts);
    case Source::kWake:
      return;  // run() looks whether to stop
    case Source::kNew:
      return begin(fd, receive(fd, MSG_DONTWAIT));
    case Source::kEcho:
      return continue_echo(fd);
    case Source::kSink:
      return continue_sink(fd);
  }
}

void ServerThread::accept_connection() {
  const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;  // the client has gone again
  seen_->counts.accepted.add(1);
  ++open_;
  // Its first byte follows the handshake closely.
  ssize_t received = receive(fd, MSG_DONTWAIT);
  if (received < 0 && errno == EAGAIN && open_ == 1 && wait_for_greeting(fd))
    received = receive(fd, MSG_DONTWAIT);
  if (received < 0 && errno == EAGAIN) return keep(fd, Source::kNew);
  begin(fd, received);
}

/// Cheaper than to join epoll for one byte.
bool ServerThread::wait_for_greeting(int fd) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, kGreetingMs) == 1;
}

/// `received` bytes are in the buffer; 0 or less if it was closed.
void ServerThread::begin(int fd, ssize_t received) {
  if (received <= 0) return close_connection(fd);
  const auto size = static_cast<std::size_t>(received);
  switch (Kind{buffer_[0]}) {
    case Kind::kEcho:
      if (send_back(fd, size)) keep(fd, Source::kEcho);
      return;
    case Kind::kSink:
      return keep(fd, Source::kSink);
    case Kind::kEchoAlone:
      return echo_alone(fd, size);
    case Kind::kSinkAlone:
      return sink_alone(fd);
    case Kind::kControl:
      return hand_over(fd, size);
  }
  close_connection(fd);  // somebody who speaks something else
}

void ServerThread::hand_over(int fd, std::size_t received) {
  --open_;
  // Where it joined epoll while it was silent: else that would watch it for as long as it lives.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  const HandOver what{.fd = fd, .questions = static_cast<std::uint32_t>(received - 1)};
  if (::write(ends_->control, &what, sizeof(what)) != sizeof(what)) ::close(fd);
}

void ServerThread::continue_echo(int fd) {
  const ssize_t received = receive(fd, MSG_DONTWAIT);
  if (received > 0)
    send_back(fd, static_cast<std::size_t>(received));
  else if (received == 0 || errno != EAGAIN)
    close_connection(fd);
}

void ServerThread::continue_sink(int fd) {
  for (int i = 0; i < kReadsInARow; ++i) {
    const ssize_t received = receive(fd, MSG_DONTWAIT);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) return close_connection(fd);
    if (static_cast<std::size_t>(received) < buffer_.size()) return;
  }
}

void ServerThread::echo_alone(int fd, std::size_t received) {
  if (!begin_alone(fd)) return;
  while (send_back(fd, received)) {
    const ssize_t more = receive(fd, 0);
    if (more <= 0) return close_connection(fd);
    received = static_cast<std::size_t>(more);
  }
}

void ServerThread::sink_alone(int fd) {
  if (!begin_alone(fd)) return;
  while (receive(fd, 0) > 0) {
  }
  close_connection(fd);
}

/// Either this thread sees that it is to stop, or interrupt() sees what it waits for.
bool ServerThread::begin_alone(int fd) {
  seen_->alone.store(fd);
  if (!ends_->stop.load()) return true;
  close_connection(fd);
  return false;
}

void ServerThread::interrupt() {
  if (const int fd = seen_->alone.load(); fd >= 0) ::shutdown(fd, SHUT_RDWR);
}

ssize_t ServerThread::receive(int fd, int flags) {
  const ssize_t received = ::recv(fd, buffer_.data(), buffer_.size(), flags);
  if (received > 0) seen_->counts.received_bytes.add(static_cast<std::uint64_t>(received));
  return received;
}

/// What is in the buffer. It fits into the socket's own, or nearly: a request is kMaxBytes long at
/// most, and its client reads when it has sent it. False: the connection has been closed.
bool ServerThread::send_back(int fd, std::size_t size) {
  for (std::size_t sent = 0; sent < size;) {
    const ssize_t now = ::send(fd, &buffer_[sent], size - sent, MSG_NOSIGNAL);
    if (now <= 0) {
      close_connection(fd);
      return false;
    }
    sent += static_cast<std::size_t>(now);
  }
  return true;
}

void ServerThread::keep(int fd, Source source) {
  epoll_event event = event_of(static_cast<std::uint8_t>(source), fd);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return;
  if (errno != EEXIST || ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
    close_connection(fd);
}

void ServerThread::close_connection(int fd) {
  --open_;
  ::close(fd);
}

}  // namespace fairlead::bench
