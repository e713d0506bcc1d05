// serve(): sockets of all threads -> ready -> threads serve -> this thread answers what is asked
// over control connections -> SIGTERM or SIGINT -> all stop.
//
// Control has this thread of its own, whose CPU time is not the server's, so that asking disturbs
// nothing and waits for nobody.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <vector>

#include "bench/load/load.hpp"
#include "bench/load/server_thread.hpp"
#include "bench/load/threads.hpp"
#include "bench/load/wire.hpp"

namespace fairlead::bench {
namespace {

/// SIGTERM and SIGINT come as something to read, while it lives, to this thread and those that it
/// starts.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGTERM);
    ::sigaddset(&wanted, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    fd_ = Fd(::signalfd(-1, &wanted, SFD_CLOEXEC));
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() {
    // Else they would arrive where nobody expects them any longer.
    const timespec at_once{};
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGTERM);
    ::sigaddset(&wanted, SIGINT);
    while (::sigtimedwait(&wanted, nullptr, &at_once) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  sigset_t before_{};
  Fd fd_;
};

class Server {
 public:
  Result<> open(const ServerOptions& options);
  Result<> run(const ServerOptions& options, int signals);

 private:
  Result<> start(const ServerOptions& options);
  Result<> answer_until_signalled(int signals);
  void take_control_connection();
  bool answer(int connection);
  bool send_counts(int connection);
  Counts counts();
  void stop();

  ServerEnds ends_;
  Fd control_reader_, control_writer_, wake_;
  std::vector<ServerThread> serving_;
  std::vector<std::thread> threads_;
  std::vector<Fd> connections_;
};

Result<> Server::open(const ServerOptions& options) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return system_error(errno, "pipe");
  control_reader_ = Fd(pipe[0]);
  control_writer_ = Fd(pipe[1]);
  wake_ = Fd(::eventfd(0, EFD_CLOEXEC));
  if (!wake_) return system_error(errno, "eventfd");
  ends_.control = control_writer_.get();
  ends_.wake = wake_.get();
  for (std::uint32_t i = 0; i < options.threads; ++i) {
    TRY(ServerThread one, ServerThread::open(options, ends_));
    serving_.push_back(std::move(one));
  }
  return {};
}

Result<> Server::start(const ServerOptions& options) {
  for (ServerThread& one : serving_) threads_.emplace_back([&one] { one.run(); });
  for (std::uint32_t i = 0; i < options.threads; ++i)
    TRY_VOID(pin_thread(threads_[i].native_handle(), options.cpus, i));
  const char ready = 'R';
  if (options.ready_fd >= 0 && ::write(options.ready_fd, &ready, 1) != 1)
    return system_error(errno, "say that the server is ready");
  return {};
}

Result<> Server::run(const ServerOptions& options, int signals) {
  const Result<> result = start(options).and_then([&] { return answer_until_signalled(signals); });
  stop();
  return result;
}

Result<> Server::answer_until_signalled(int signals) {
  std::vector<pollfd> watched;
  for (;;) {
    watched = {{signals, POLLIN, 0}, {control_reader_.get(), POLLIN, 0}};
    for (const Fd& connection : connections_) watched.push_back({connection.get(), POLLIN, 0});
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
      return system_error(errno, "wait for questions and signals");
    if (watched[0].revents != 0) return {};
    // From the back, since erasing moves what follows.
    for (std::size_t i = watched.size(); i-- > 2;)
      if (watched[i].revents != 0 && !answer(watched[i].fd))
        connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i - 2));
    if (watched[1].revents != 0) take_control_connection();
  }
}

void Server::take_control_connection() {
  HandOver taken;
  if (::read(control_reader_.get(), &taken, sizeof(taken)) != sizeof(taken)) return;
  Fd connection(taken.fd);
  bool is_alive = true;
  for (; is_alive && taken.questions > 0; --taken.questions)
    is_alive = send_counts(connection.get());
  if (is_alive) connections_.push_back(std::move(connection));
}

/// False when the connection is to be closed.
bool Server::answer(int connection) {
  char question = 0;
  const ssize_t received = ::recv(connection, &question, 1, MSG_DONTWAIT);
  if (received < 0 && errno == EAGAIN) return true;
  return received > 0 && question == kQuestion && send_counts(connection);
}

bool Server::send_counts(int connection) {
  const std::string line = to_line(counts());
  return ::send(connection, line.data(), line.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(line.size());
}

Counts Server::counts() {
  Counts sum;
  for (const ServerThread& one : serving_) {
    sum.accepted += one.counts().accepted.get();
    sum.received_bytes += one.counts().received_bytes.get();
    sum.datagrams += one.counts().datagrams.get();
  }
  for (std::thread& thread : threads_) sum.cpu_seconds += cpu_seconds_of(thread);
  return sum;
}

void Server::stop() {
  ends_.stop.store(true);
  const std::uint64_t one = 1;
  (void)::write(wake_.get(), &one, sizeof(one));
  for (ServerThread& thread : serving_) thread.interrupt();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace

Result<> serve(const ServerOptions& options) {
  const Signals signals;
  Server server;
  TRY_VOID(server.open(options));
  return server.run(options, signals.fd());
}

}  // namespace fairlead::bench
